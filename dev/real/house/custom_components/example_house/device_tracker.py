"""Telephones and where they are."""

from homeassistant.components.device_tracker import SourceType

try:
    from homeassistant.components.device_tracker import TrackerEntity
except ImportError:  # before 2025 it stood elsewhere
    from homeassistant.components.device_tracker.config_entry import TrackerEntity

from .entity import HouseEntity, setup_of


class HousePhone(HouseEntity, TrackerEntity):
    """A telephone in a park; its place is written in numbers that can be searched for."""

    @property
    def source_type(self):
        """Tell that satellites found it."""
        return SourceType.GPS

    @property
    def latitude(self):
        """Return degrees north."""
        return 48.137154

    @property
    def longitude(self):
        """Return degrees east."""
        return 11.576124


async_setup_entry = setup_of("device_tracker", HousePhone)
