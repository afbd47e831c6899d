"""Sensors: measurements, counters, enumerations and plain text. `move` gives the next value."""

from homeassistant.components.sensor import SensorEntity

from .entity import HouseEntity, setup_of


class HouseSensor(HouseEntity, SensorEntity):
    """A sensor that counts in small steps."""

    def prepare(self):
        """Choose class, unit and a first value."""
        self._attr_device_class = self.traits["device_class"]
        self._attr_native_unit_of_measurement = self.traits["unit"]
        self._attr_state_class = self.traits["state_class"]
        self._attr_options = self.traits.get("options")
        self._step = len(self.house.movers)
        self._attr_native_value = self._value()

    async def async_added_to_hass(self):
        """Let the churn know this sensor."""
        self.house.movers.append(self)

    async def async_will_remove_from_hass(self):
        """Take this sensor out of the churn."""
        self.house.movers.remove(self)

    def _value(self):
        if self._attr_options:
            return self._attr_options[self._step % len(self._attr_options)]
        if self._attr_native_unit_of_measurement is None:
            return f"Wert {self._step}"
        return round(self._step % 1000 / 10, 1)

    def move(self):
        """Report the next value."""
        self._step += 1
        self.show(native_value=self._value())
        return True


async_setup_entry = setup_of("sensor", HouseSensor)
