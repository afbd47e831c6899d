"""Sirens."""

from homeassistant.components.siren import SirenEntity, SirenEntityFeature

from .entity import HouseEntity, feature, setup_of


class HouseSiren(HouseEntity, SirenEntity):
    """A silent siren."""

    _attr_is_on = False
    _attr_available_tones = ["Feuer", "intruder"]
    _attr_supported_features = feature(SirenEntityFeature, "TURN_ON", "TURN_OFF", "TONES", "DURATION")

    async def async_turn_on(self, **wanted):
        """Sound."""
        self.show(is_on=True)

    async def async_turn_off(self, **wanted):
        """Be silent."""
        self.show(is_on=False)


async_setup_entry = setup_of("siren", HouseSiren)
