"""Events: door bells and buttons on the wall."""

from homeassistant.components.event import EventEntity

from .entity import HouseEntity, setup_of


class HouseEvent(HouseEntity, EventEntity):
    """A button that was never pressed."""

    def prepare(self):
        """Choose what can happen."""
        self._attr_event_types = list(self.traits["types"])


async_setup_entry = setup_of("event", HouseEvent)
