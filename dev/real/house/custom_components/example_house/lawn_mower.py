"""Lawn mowers."""

from homeassistant.components.lawn_mower import LawnMowerActivity, LawnMowerEntity, LawnMowerEntityFeature

from .entity import HouseEntity, feature, setup_of


class HouseMower(HouseEntity, LawnMowerEntity):
    """A mower on its dock."""

    _attr_activity = LawnMowerActivity.DOCKED
    _attr_supported_features = feature(LawnMowerEntityFeature, "START_MOWING", "DOCK")

    async def async_start_mowing(self):
        """Mow."""
        self.show(activity=LawnMowerActivity.MOWING)

    async def async_dock(self):
        """Go home."""
        self.show(activity=LawnMowerActivity.DOCKED)


async_setup_entry = setup_of("lawn_mower", HouseMower)
