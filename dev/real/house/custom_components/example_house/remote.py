"""Remote controls."""

from homeassistant.components.remote import RemoteEntity, RemoteEntityFeature

from .entity import HouseEntity, setup_of


class HouseRemote(HouseEntity, RemoteEntity):
    """A remote with activities."""

    _attr_is_on = True
    _attr_activity_list = ["Fernsehen", "Musik"]
    _attr_current_activity = "Musik"
    _attr_supported_features = RemoteEntityFeature.ACTIVITY

    async def async_turn_on(self, **wanted):
        """Switch on."""
        self.show(is_on=True)

    async def async_turn_off(self, **wanted):
        """Switch off."""
        self.show(is_on=False)

    async def async_send_command(self, command, **wanted):
        """Swallow the command."""


async_setup_entry = setup_of("remote", HouseRemote)
