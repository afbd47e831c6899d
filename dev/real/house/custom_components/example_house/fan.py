"""Fans with speed, presets and oscillation."""

from homeassistant.components.fan import FanEntity, FanEntityFeature

from .entity import HouseEntity, feature, setup_of


class HouseFan(HouseEntity, FanEntity):
    """A fan with five speeds."""

    _attr_percentage = 40
    _attr_speed_count = 5
    _attr_preset_modes = ["auto", "Nacht"]
    _attr_preset_mode = None
    _attr_oscillating = False
    _enable_turn_on_off_backwards_compatibility = False
    _attr_supported_features = feature(FanEntityFeature, "SET_SPEED", "PRESET_MODE", "OSCILLATE", "TURN_ON", "TURN_OFF")

    async def async_turn_on(self, percentage=None, preset_mode=None, **wanted):
        """Start."""
        self.show(percentage=percentage or 40, preset_mode=preset_mode)

    async def async_turn_off(self, **wanted):
        """Stop."""
        self.show(percentage=0, preset_mode=None)

    async def async_set_percentage(self, percentage):
        """Take the new speed in per cent."""
        self.show(percentage=percentage)

    async def async_set_preset_mode(self, preset_mode):
        """Take the new preset."""
        self.show(preset_mode=preset_mode)

    async def async_oscillate(self, oscillating):
        """Swing or not."""
        self.show(oscillating=oscillating)


async_setup_entry = setup_of("fan", HouseFan)
