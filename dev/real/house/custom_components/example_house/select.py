"""Selects: settings with a few choices."""

from homeassistant.components.select import SelectEntity

from .entity import HouseEntity, setup_of


class HouseSelect(HouseEntity, SelectEntity):
    """A choice."""

    def prepare(self):
        """Choose the options."""
        self._attr_options = list(self.traits["options"])
        self._attr_current_option = self._attr_options[0]

    async def async_select_option(self, option):
        """Take the new choice."""
        self.show(current_option=option)


async_setup_entry = setup_of("select", HouseSelect)
