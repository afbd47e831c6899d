"""The running house: which devices stand in it, and the three ways to stir it."""

import asyncio

from homeassistant.helpers import device_registry as dr

from .const import DOMAIN
from .plan import devices_from

# How many state changes are made before others get their turn.
SLICE = 50
# The longest pause of a steady churn; it keeps a rate of 500/s even without waking up 500 times a second.
TICK = 0.02

HUB = "hub"


class House:
    """Devices, their entities once added, and each platform's way to add more."""

    def __init__(self, hass, entry):
        """Plan the house that the entry asks for."""
        self.hass = hass
        self.entry = entry
        self.devices = devices_from(0, entry.data["entities"])
        self.platforms = {}
        self.entities = {}
        self.movers = []
        self._churning = None
        self._next = 0

    # -- building ---------------------------------------------------------------------------------------------------

    def build(self):
        """Register the devices before their entities come, so that parts find what they are part of."""
        registry = dr.async_get(self.hass)
        self._hub = registry.async_get_or_create(
            config_entry_id=self.entry.entry_id,
            identifiers={(DOMAIN, HUB)},
            connections={(dr.CONNECTION_NETWORK_MAC, "02:00:5e:00:53:01")},
            name="Zentrale",
            manufacturer="Vestibule",
            model="Example house",
            configuration_url="http://192.0.2.7:8080/?token=not-a-secret",
            sw_version="1.0.0",
        )
        for device in self.devices:
            self._register(registry, device)

    def _register(self, registry, device):
        if not device.real:
            return
        if self.parent_of(device):
            registry.async_get_or_create_child(
                config_entry_id=self.entry.entry_id,
                parent_device_id=self.parent_of(device),
                identifiers={(DOMAIN, device.key)},
                name=device.name,
            )
            return
        more = {}
        if not device.service and has_child_devices():
            more["via_device_id"] = self._hub.id
        elif not device.service:
            more["via_device"] = (DOMAIN, HUB)
        registry.async_get_or_create(
            config_entry_id=self.entry.entry_id,
            identifiers={(DOMAIN, device.key)},
            name=device.name,
            manufacturer=device.manufacturer,
            model=device.model,
            sw_version="2.4.1",
            hw_version="B",
            serial_number=f"SN-{device.key}",
            entry_type=dr.DeviceEntryType.SERVICE if device.service else None,
            **more,
        )

    def parent_of(self, device):
        """Return the id of the device this one is part of, where this Home Assistant knows such parts."""
        if device.part_of is None or not has_child_devices():
            return None
        parent = self._find(device.part_of)
        return parent.id if parent else None

    def _find(self, key):
        registry = dr.async_get(self.hass)
        # Identifiers are no longer unique in newer versions, and asking as if they were is frowned upon.
        if hasattr(registry, "async_get_device_by_identifier"):
            which = ((DOMAIN, key), self.entry.entry_id)
            device = registry.async_get_device_by_identifier(*which)
            if device is None and has_child_devices():
                device = registry.async_get_child_device_by_identifier(*which)
            return device
        return registry.async_get_device(identifiers={(DOMAIN, key)})

    def device_info(self, device):
        """Return what ties an entity to its device; None for entities without one."""
        if not device.real:
            return None
        if parent := self.parent_of(device):
            return dr.ChildDeviceInfo(identifiers={(DOMAIN, device.key)}, parent_device_id=parent)
        return dr.DeviceInfo(identifiers={(DOMAIN, device.key)})

    def furnish(self, platform, make, add_entities):
        """Add all entities of one platform, and remember how to add more."""
        self.platforms[platform] = (make, add_entities)
        self._add(platform, self.devices)

    def _add(self, platform, devices):
        make, add_entities = self.platforms[platform]
        new = [
            (device, make(self, device, item)) for device in devices for item in device.items if item.platform == platform
        ]
        for device, entity in new:
            self.entities.setdefault(device.key, []).append(entity)
        add_entities([entity for _, entity in new])

    # -- stirring ---------------------------------------------------------------------------------------------------

    async def add(self, entities):
        """Add devices until there are at least `entities` entities more."""
        new = devices_from(len(self.devices), entities)
        self.devices.extend(new)
        registry = dr.async_get(self.hass)
        for device in new:
            self._register(registry, device)
        for platform in self.platforms:
            self._add(platform, new)

    def remove(self, devices):
        """Remove the newest devices; the registries then drop their entities. Those without a device go one by one."""
        registry = dr.async_get(self.hass)
        for _ in range(min(devices, len(self.devices))):
            device = self.devices.pop()
            entities = self.entities.pop(device.key, [])
            found = self._find(device.key)
            if found is not None:
                registry.async_remove_device(found.id)
                continue
            for entity in entities:
                self.hass.async_create_task(entity.async_remove())

    async def churn(self, count=None, rate=None, seconds=None):
        """Change sensors: in the background at a rate, or at once and flat out."""
        if rate is None:
            await self._flat_out(count or 1)
            return
        self.stop()
        if rate > 0:
            self._churning = self.hass.loop.create_task(self._steadily(rate, count, seconds))

    def stop(self):
        """Stop a background churn."""
        if self._churning is not None:
            self._churning.cancel()
            self._churning = None

    async def _flat_out(self, count):
        for number in range(count):
            if not self._bump():
                return
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)

    async def _steadily(self, rate, count, seconds):
        started = self.hass.loop.time()
        done = 0
        while (count is None or done < count) and (seconds is None or self.hass.loop.time() - started < seconds):
            due = int((self.hass.loop.time() - started) * rate)
            while done < due and (count is None or done < count):
                if not self._bump():
                    return
                done += 1
            await asyncio.sleep(min(TICK, 1 / rate))

    def _bump(self):
        """Change the next sensor. False when there is none."""
        for _ in range(len(self.movers)):
            self._next = (self._next + 1) % len(self.movers)
            if self.movers[self._next].move():
                return True
        return False


def has_child_devices():
    """Tell whether this Home Assistant knows devices that are part of another (2026.9 and later)."""
    return hasattr(dr, "ChildDeviceInfo")
