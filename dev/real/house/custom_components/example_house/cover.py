"""Blinds with position and tilt."""

from homeassistant.components.cover import CoverEntity, CoverEntityFeature

from .entity import HouseEntity, feature, setup_of


class HouseCover(HouseEntity, CoverEntity):
    """A blind that moves at once."""

    _attr_current_cover_position = 100
    _attr_current_cover_tilt_position = 50
    _attr_is_closed = False
    _attr_supported_features = feature(CoverEntityFeature, "OPEN", "CLOSE", "SET_POSITION", "STOP", "SET_TILT_POSITION")

    def prepare(self):
        """Choose the class."""
        self._attr_device_class = self.traits.get("device_class")

    async def async_open_cover(self, **wanted):
        """Open."""
        self.show(current_cover_position=100, is_closed=False)

    async def async_close_cover(self, **wanted):
        """Close."""
        self.show(current_cover_position=0, is_closed=True)

    async def async_stop_cover(self, **wanted):
        """Stay where it is."""

    async def async_set_cover_position(self, **wanted):
        """Go to a position in per cent."""
        self.show(current_cover_position=wanted["position"], is_closed=wanted["position"] == 0)

    async def async_set_cover_tilt_position(self, **wanted):
        """Tilt to a position in per cent."""
        self.show(current_cover_tilt_position=wanted["tilt_position"])


async_setup_entry = setup_of("cover", HouseCover)
