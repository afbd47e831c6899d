"""Switches: relays and settings."""

from homeassistant.components.switch import SwitchEntity

from .entity import HouseEntity, setup_of


class HouseSwitch(HouseEntity, SwitchEntity):
    """A switch that does as told."""

    def prepare(self):
        """Start switched off."""
        self._attr_device_class = self.traits.get("device_class")
        self._attr_is_on = False

    async def async_turn_on(self, **wanted):
        """Switch on."""
        self.show(is_on=True)

    async def async_turn_off(self, **wanted):
        """Switch off."""
        self.show(is_on=False)


async_setup_entry = setup_of("switch", HouseSwitch)
