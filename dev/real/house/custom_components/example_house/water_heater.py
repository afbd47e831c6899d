"""Boilers."""

from homeassistant.components.water_heater import WaterHeaterEntity, WaterHeaterEntityFeature
from homeassistant.const import UnitOfTemperature

from .entity import HouseEntity, feature, setup_of, temperature_names

NAMES = temperature_names(WaterHeaterEntity)


class HouseBoiler(HouseEntity, WaterHeaterEntity):
    """A boiler."""

    _attr_operation_list = ["eco", "electric", "off"]
    _attr_current_operation = "eco"
    _attr_min_temp = 30.0
    _attr_max_temp = 75.0
    _attr_supported_features = feature(WaterHeaterEntityFeature, "TARGET_TEMPERATURE", "OPERATION_MODE")

    def prepare(self):
        """Set the temperatures."""
        setattr(self, NAMES["unit"], UnitOfTemperature.CELSIUS)
        setattr(self, NAMES["target"], 55.0)
        setattr(self, NAMES["current"], 53.5)

    async def async_set_temperature(self, **wanted):
        """Take the new target."""
        setattr(self, NAMES["target"], wanted.get("temperature"))
        self.async_write_ha_state()

    async def async_set_operation_mode(self, operation_mode):
        """Take the new mode."""
        self.show(current_operation=operation_mode)


async_setup_entry = setup_of("water_heater", HouseBoiler)
