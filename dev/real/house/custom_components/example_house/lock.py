"""Door locks that say who opened them and want a code."""

from homeassistant.components.lock import LockEntity, LockEntityFeature

from .entity import HouseEntity, setup_of


class HouseLock(HouseEntity, LockEntity):
    """A bolt."""

    _attr_is_locked = True
    _attr_changed_by = "Maria"
    _attr_code_format = r"^\d{4}$"
    _attr_supported_features = LockEntityFeature.OPEN

    async def async_lock(self, **wanted):
        """Lock."""
        self.show(is_locked=True)

    async def async_unlock(self, **wanted):
        """Unlock."""
        self.show(is_locked=False)

    async def async_open(self, **wanted):
        """Open the door."""
        self.show(is_locked=False)


async_setup_entry = setup_of("lock", HouseLock)
