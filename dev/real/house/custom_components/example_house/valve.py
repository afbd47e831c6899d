"""Water valves."""

from homeassistant.components.valve import ValveEntity, ValveEntityFeature

from .entity import HouseEntity, feature, setup_of


class HouseValve(HouseEntity, ValveEntity):
    """A valve with a position."""

    _attr_reports_position = True
    _attr_current_valve_position = 0
    _attr_supported_features = feature(ValveEntityFeature, "OPEN", "CLOSE", "SET_POSITION")

    def prepare(self):
        """Choose the class."""
        self._attr_device_class = self.traits.get("device_class")

    async def async_open_valve(self):
        """Open."""
        self.show(current_valve_position=100)

    async def async_close_valve(self):
        """Close."""
        self.show(current_valve_position=0)

    async def async_set_valve_position(self, position):
        """Go to a position in per cent."""
        self.show(current_valve_position=position)


async_setup_entry = setup_of("valve", HouseValve)
