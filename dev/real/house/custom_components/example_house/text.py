"""Texts that people write, as private as anything they write."""

from homeassistant.components.text import TextEntity, TextMode

from .entity import HouseEntity, setup_of


class HouseText(HouseEntity, TextEntity):
    """A line on a display."""

    _attr_native_value = "Mama kommt um 18 Uhr"
    _attr_native_min = 0
    _attr_native_max = 64
    _attr_pattern = "^[^<>]*$"
    _attr_mode = TextMode.TEXT

    async def async_set_value(self, value):
        """Take the new text."""
        self.show(native_value=value)


async_setup_entry = setup_of("text", HouseText)
