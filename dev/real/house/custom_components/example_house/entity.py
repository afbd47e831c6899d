"""What all entities of the house share."""

from homeassistant.const import EntityCategory
from homeassistant.helpers.entity import Entity

from .const import DOMAIN


class HouseEntity(Entity):
    """An entity as the plan describes it. Commands only change its own state."""

    _attr_should_poll = False

    def __init__(self, house, device, item):
        """Take name, ids and category from the plan."""
        self.house = house
        self.item = item
        self.traits = item.traits
        self._attr_has_entity_name = not item.whole_name and device.real
        if item.whole_name or not device.real:
            self._attr_name = f"{device.name} {item.name}" if item.whole_name else f"{device.room} {item.name} {device.key}"
        else:
            self._attr_name = item.name
        if item.unique:
            self._attr_unique_id = f"{device.key}-{item.key}"
            self._attr_device_info = house.device_info(device)
        self._attr_entity_registry_enabled_default = item.enabled
        self._attr_entity_registry_visible_default = item.visible
        self._attr_entity_category = EntityCategory(item.category) if item.category else None
        self.prepare()

    def prepare(self):
        """Set what the platform needs; each platform has its own."""

    def show(self, **attributes):
        """Take over new values and report them."""
        for name, value in attributes.items():
            setattr(self, f"_attr_{name}", value)
        self.async_write_ha_state()


def setup_of(platform, make):
    """Return the `async_setup_entry` of a platform."""

    async def async_setup_entry(hass, entry, async_add_entities):
        hass.data[DOMAIN].furnish(platform, make, async_add_entities)

    return async_setup_entry


def feature(flags, *names):
    """Join the feature flags of these names, leaving out those this Home Assistant does not have."""
    joined = flags(0)
    for name in names:
        joined |= getattr(flags, name, flags(0))
    return joined


def temperature_names(base):
    """Return the attributes this Home Assistant wants temperatures in; newer ones say that they are native."""
    native = "native_" if hasattr(base, "_attr_native_current_temperature") else ""
    return {
        "unit": f"_attr_{native}temperature_unit",
        "current": f"_attr_{native}current_temperature",
        "target": f"_attr_{native}target_temperature",
    }
