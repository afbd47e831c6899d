"""Firmware updates."""

from homeassistant.components.update import UpdateEntity, UpdateEntityFeature

from .entity import HouseEntity, setup_of


class HouseUpdate(HouseEntity, UpdateEntity):
    """An update that waits."""

    _attr_installed_version = "2.4.1"
    _attr_latest_version = "2.5.0"
    _attr_release_summary = "Fixes a fault that Maria found."
    _attr_release_url = "https://example.org/release?account=maria"
    _attr_supported_features = UpdateEntityFeature.INSTALL

    async def async_install(self, version, backup, **wanted):
        """Be up to date."""
        self.show(installed_version=self._attr_latest_version)


async_setup_entry = setup_of("update", HouseUpdate)
