"""Turns the YAML settings of the example house into a config entry, because only a config entry can own devices."""

from homeassistant import config_entries

from .const import DOMAIN


class ExampleHouseFlow(config_entries.ConfigFlow, domain=DOMAIN):
    """Only the import from YAML: nobody adds an example house by hand."""

    VERSION = 1

    async def async_step_import(self, settings):
        """Make the one entry, or bring an existing one up to date with the YAML."""
        await self.async_set_unique_id(DOMAIN)
        self._abort_if_unique_id_configured(updates=dict(settings))
        return self.async_create_entry(title="Example house (maria@example.org)", data=dict(settings))
