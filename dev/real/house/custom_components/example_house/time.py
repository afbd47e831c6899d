"""Times of day that people set."""

import datetime

from homeassistant.components.time import TimeEntity

from .entity import HouseEntity, setup_of


class HouseTimeEntity(HouseEntity, TimeEntity):
    """A setting."""

    _attr_native_value = datetime.time(6, 30)

    async def async_set_value(self, value):
        """Take the new value."""
        self.show(native_value=value)


async_setup_entry = setup_of("time", HouseTimeEntity)
