"""Alarm panels. How they say their state changed in 2024.11."""

from homeassistant.components import alarm_control_panel
from homeassistant.components.alarm_control_panel import (
    AlarmControlPanelEntity,
    AlarmControlPanelEntityFeature,
    CodeFormat,
)

from .entity import HouseEntity, feature, setup_of

STATE = getattr(alarm_control_panel, "AlarmControlPanelState", None)


class HouseAlarm(HouseEntity, AlarmControlPanelEntity):
    """An alarm that takes any code."""

    _attr_code_format = CodeFormat.NUMBER
    _attr_code_arm_required = True
    _attr_changed_by = "Maria"
    _attr_supported_features = feature(AlarmControlPanelEntityFeature, "ARM_HOME", "ARM_AWAY", "ARM_NIGHT")

    def prepare(self):
        """Start disarmed."""
        self._tell("disarmed")

    def _tell(self, state):
        if STATE is None:
            self._attr_state = state
        else:
            self._attr_alarm_state = STATE(state)

    async def async_alarm_disarm(self, code=None):
        """Disarm."""
        self._tell("disarmed")
        self.async_write_ha_state()

    async def async_alarm_arm_home(self, code=None):
        """Arm for when people are in."""
        self._tell("armed_home")
        self.async_write_ha_state()

    async def async_alarm_arm_away(self, code=None):
        """Arm for when nobody is in."""
        self._tell("armed_away")
        self.async_write_ha_state()

    async def async_alarm_arm_night(self, code=None):
        """Arm for the night."""
        self._tell("armed_night")
        self.async_write_ha_state()


async_setup_entry = setup_of("alarm_control_panel", HouseAlarm)
