"""Moments that people set."""

import datetime

from homeassistant.components.datetime import DateTimeEntity

from .entity import HouseEntity, setup_of


class HouseDateTimeEntity(HouseEntity, DateTimeEntity):
    """A setting."""

    _attr_native_value = datetime.datetime(2026, 12, 1, 18, 0, tzinfo=datetime.UTC)

    async def async_set_value(self, value):
        """Take the new value."""
        self.show(native_value=value)


async_setup_entry = setup_of("datetime", HouseDateTimeEntity)
