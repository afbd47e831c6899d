"""A furnished house of any size, for tests: real devices and entities through the real platforms, with switches to stir them.

In YAML: `example_house: {entities: 1000}`. Services: `churn`, `add` and `remove`; see services.yaml.
"""

import voluptuous as vol

from homeassistant.config_entries import SOURCE_IMPORT
from homeassistant.helpers import config_validation as cv

from .const import DOMAIN, PLATFORMS
from .house import House

CONFIG_SCHEMA = vol.Schema(
    {DOMAIN: vol.Schema({vol.Optional("entities", default=60): cv.positive_int})}, extra=vol.ALLOW_EXTRA
)

CHURN = vol.Schema(
    {
        vol.Optional("count"): cv.positive_int,
        vol.Optional("rate"): vol.Coerce(float),
        vol.Optional("seconds"): vol.Coerce(float),
    }
)
ADD = vol.Schema({vol.Optional("entities", default=1): cv.positive_int})
REMOVE = vol.Schema({vol.Optional("devices", default=1): cv.positive_int})


async def async_setup(hass, config):
    """Hand the YAML settings to the config flow and register the services."""
    if DOMAIN in config:
        hass.async_create_task(
            hass.config_entries.flow.async_init(
                DOMAIN, context={"source": SOURCE_IMPORT}, data=dict(config[DOMAIN])
            )
        )

    def house():
        return hass.data[DOMAIN]

    async def churn(call):
        await house().churn(**call.data)

    async def add(call):
        await house().add(call.data["entities"])

    async def remove(call):
        house().remove(call.data["devices"])

    hass.services.async_register(DOMAIN, "churn", churn, CHURN)
    hass.services.async_register(DOMAIN, "add", add, ADD)
    hass.services.async_register(DOMAIN, "remove", remove, REMOVE)
    return True


async def async_setup_entry(hass, entry):
    """Build the house; the platforms then furnish it."""
    hass.data[DOMAIN] = house = House(hass, entry)
    house.build()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass, entry):
    """Take the house down, as a reload does."""
    hass.data[DOMAIN].stop()
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_config_entry_device(hass, entry, device):
    """Allow people to delete any device."""
    return True
