"""Dates that people set."""

import datetime

from homeassistant.components.date import DateEntity

from .entity import HouseEntity, setup_of


class HouseDateEntity(HouseEntity, DateEntity):
    """A setting."""

    _attr_native_value = datetime.date(2026, 12, 1)

    async def async_set_value(self, value):
        """Take the new value."""
        self.show(native_value=value)


async_setup_entry = setup_of("date", HouseDateEntity)
