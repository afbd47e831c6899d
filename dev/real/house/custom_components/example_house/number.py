"""Numbers: settings with a range."""

from homeassistant.components.number import NumberEntity, NumberMode

from .entity import HouseEntity, setup_of


class HouseNumber(HouseEntity, NumberEntity):
    """A setting between two ends."""

    _attr_mode = NumberMode.SLIDER

    def prepare(self):
        """Choose range and unit."""
        low, high, step = self.traits["range"]
        self._attr_native_min_value, self._attr_native_max_value, self._attr_native_step = low, high, step
        self._attr_native_unit_of_measurement = self.traits["unit"]
        self._attr_native_value = float(low)

    async def async_set_native_value(self, value):
        """Take the new value."""
        self.show(native_value=value)


async_setup_entry = setup_of("number", HouseNumber)
