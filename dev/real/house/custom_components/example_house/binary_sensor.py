"""Binary sensors: contacts, motion, tamper."""

from homeassistant.components.binary_sensor import BinarySensorEntity

from .entity import HouseEntity, setup_of


class HouseBinarySensor(HouseEntity, BinarySensorEntity):
    """A contact that is closed."""

    def prepare(self):
        """Choose the class."""
        self._attr_device_class = self.traits.get("device_class")
        self._attr_is_on = False


async_setup_entry = setup_of("binary_sensor", HouseBinarySensor)
