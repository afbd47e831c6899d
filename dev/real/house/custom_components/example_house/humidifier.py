"""Humidifiers."""

from homeassistant.components.humidifier import HumidifierEntity, HumidifierEntityFeature

from .entity import HouseEntity, setup_of


class HouseHumidifier(HouseEntity, HumidifierEntity):
    """A humidifier with modes."""

    _attr_is_on = True
    _attr_available_modes = ["auto", "Schlaf"]
    _attr_mode = "auto"
    _attr_min_humidity = 30
    _attr_max_humidity = 70
    _attr_target_humidity = 50
    _attr_supported_features = HumidifierEntityFeature.MODES

    async def async_turn_on(self, **wanted):
        """Switch on."""
        self.show(is_on=True)

    async def async_turn_off(self, **wanted):
        """Switch off."""
        self.show(is_on=False)

    async def async_set_mode(self, mode):
        """Take the new mode."""
        self.show(mode=mode)

    async def async_set_humidity(self, humidity):
        """Take the new target in per cent."""
        self.show(target_humidity=humidity)


async_setup_entry = setup_of("humidifier", HouseHumidifier)
