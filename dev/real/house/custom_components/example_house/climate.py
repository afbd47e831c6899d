"""Thermostats with modes, presets and fan speeds."""

from homeassistant.components.climate import ClimateEntity, ClimateEntityFeature, HVACMode
from homeassistant.const import UnitOfTemperature

from .entity import HouseEntity, feature, setup_of, temperature_names

NAMES = temperature_names(ClimateEntity)


class HouseClimate(HouseEntity, ClimateEntity):
    """A thermostat."""

    _attr_hvac_modes = [HVACMode.OFF, HVACMode.HEAT, HVACMode.AUTO]
    _attr_hvac_mode = HVACMode.HEAT
    _attr_preset_modes = ["eco", "Urlaub", "boost"]
    _attr_preset_mode = "eco"
    _attr_fan_modes = ["low", "high"]
    _attr_fan_mode = "low"
    _attr_min_temp = 5.0
    _attr_max_temp = 30.0
    _attr_target_temperature_step = 0.5
    _enable_turn_on_off_backwards_compatibility = False
    _attr_supported_features = feature(
        ClimateEntityFeature, "TARGET_TEMPERATURE", "PRESET_MODE", "FAN_MODE", "TURN_ON", "TURN_OFF"
    )

    def prepare(self):
        """Set the temperatures."""
        setattr(self, NAMES["unit"], UnitOfTemperature.CELSIUS)
        setattr(self, NAMES["target"], 21.0)
        setattr(self, NAMES["current"], 20.4)

    async def async_set_temperature(self, **wanted):
        """Take the new target."""
        setattr(self, NAMES["target"], wanted.get("temperature"))
        self.async_write_ha_state()

    async def async_set_hvac_mode(self, hvac_mode):
        """Take the new mode."""
        self.show(hvac_mode=hvac_mode)

    async def async_set_preset_mode(self, preset_mode):
        """Take the new preset."""
        self.show(preset_mode=preset_mode)

    async def async_set_fan_mode(self, fan_mode):
        """Take the new fan speed."""
        self.show(fan_mode=fan_mode)

    async def async_turn_on(self):
        """Heat."""
        self.show(hvac_mode=HVACMode.HEAT)

    async def async_turn_off(self):
        """Stop heating."""
        self.show(hvac_mode=HVACMode.OFF)


async_setup_entry = setup_of("climate", HouseClimate)
