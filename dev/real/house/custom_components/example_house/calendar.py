"""Calendars."""

from datetime import timedelta

from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.util import dt as dt_util

from .entity import HouseEntity, setup_of


class HouseCalendar(HouseEntity, CalendarEntity):
    """A calendar with one appointment, tomorrow."""

    @property
    def event(self):
        """Return the next appointment."""
        begin = dt_util.now().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return CalendarEvent(
            start=begin,
            end=begin + timedelta(hours=1),
            summary="Arzttermin Maria",
            description="Blutwerte",
            location="Beispielweg 7",
        )

    async def async_get_events(self, hass, start_date, end_date):
        """Return the appointment when it lies in between."""
        event = self.event
        return [event] if start_date <= event.start <= end_date else []


async_setup_entry = setup_of("calendar", HouseCalendar)
