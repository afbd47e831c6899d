"""Buttons."""

from homeassistant.components.button import ButtonEntity

from .entity import HouseEntity, setup_of


class HouseButton(HouseEntity, ButtonEntity):
    """A button without effect."""

    def prepare(self):
        """Choose the class."""
        self._attr_device_class = self.traits.get("device_class")

    async def async_press(self):
        """Do nothing; Home Assistant notes the time."""


async_setup_entry = setup_of("button", HouseButton)
