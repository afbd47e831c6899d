"""Robot vacuums. How they say what they are doing changed in 2025."""

from homeassistant.components import vacuum
from homeassistant.components.vacuum import StateVacuumEntity, VacuumEntityFeature

from .entity import HouseEntity, feature, setup_of

ACTIVITY = getattr(vacuum, "VacuumActivity", None)


class HouseVacuum(HouseEntity, StateVacuumEntity):
    """A robot on its dock."""

    _attr_fan_speed_list = ["leise", "normal", "turbo"]
    _attr_fan_speed = "normal"
    _attr_supported_features = feature(VacuumEntityFeature, "START", "STOP", "RETURN_HOME", "FAN_SPEED", "STATE")

    def prepare(self):
        """Start on the dock."""
        self._tell("docked")

    def _tell(self, activity):
        if ACTIVITY is None:
            self._attr_state = activity
        else:
            self._attr_activity = ACTIVITY(activity)

    async def async_start(self):
        """Clean."""
        self._tell("cleaning")
        self.async_write_ha_state()

    async def async_stop(self, **wanted):
        """Stop."""
        self._tell("idle")
        self.async_write_ha_state()

    async def async_return_to_base(self, **wanted):
        """Go home."""
        self._tell("docked")
        self.async_write_ha_state()

    async def async_set_fan_speed(self, fan_speed, **wanted):
        """Take the new suction."""
        self.show(fan_speed=fan_speed)


async_setup_entry = setup_of("vacuum", HouseVacuum)
