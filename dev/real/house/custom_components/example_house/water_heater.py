"""Boilers."""

from homeassistant.components.water_heater import WaterHeaterEntity, WaterHeaterEntityFeature
from homeassistant.const import UnitOfTemperature

from .entity import HouseEntity, feature, setup_of


class HouseBoiler(HouseEntity, WaterHeaterEntity):
    """A boiler."""

    _attr_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_operation_list = ["eco", "electric", "off"]
    _attr_current_operation = "eco"
    _attr_min_temp = 30.0
    _attr_max_temp = 75.0
    _attr_target_temperature = 55.0
    _attr_current_temperature = 53.5
    _attr_supported_features = feature(WaterHeaterEntityFeature, "TARGET_TEMPERATURE", "OPERATION_MODE")

    async def async_set_temperature(self, **wanted):
        """Take the new target."""
        self.show(target_temperature=wanted.get("temperature"))

    async def async_set_operation_mode(self, operation_mode):
        """Take the new mode."""
        self.show(current_operation=operation_mode)


async_setup_entry = setup_of("water_heater", HouseBoiler)
