"""Lights from on/off to colour, some with effects."""

from homeassistant.components.light import ColorMode, LightEntity, LightEntityFeature

from .entity import HouseEntity, setup_of


class HouseLight(HouseEntity, LightEntity):
    """A lamp whose colour modes the plan chooses."""

    def prepare(self):
        """Choose modes and effects."""
        modes = [ColorMode(mode) for mode in self.traits["modes"]]
        self._attr_supported_color_modes = set(modes)
        self._attr_color_mode = modes[0]
        self._attr_is_on = True
        self._attr_brightness = 180
        self._attr_min_color_temp_kelvin = 2200
        self._attr_max_color_temp_kelvin = 6500
        if modes[0] == ColorMode.COLOR_TEMP:
            self._attr_color_temp_kelvin = 2700
        if modes[0] == ColorMode.RGBW:
            self._attr_rgbw_color = (255, 120, 0, 40)
        if self.traits["effects"]:
            self._attr_effect_list = self.traits["effects"]
            self._attr_effect = None
            self._attr_supported_features = LightEntityFeature.EFFECT

    async def async_turn_on(self, **wanted):
        """Switch on with what was asked."""
        known = {name: wanted[name] for name in ("brightness", "effect", "rgbw_color") if name in wanted}
        if "color_temp_kelvin" in wanted:
            known.update(color_temp_kelvin=wanted["color_temp_kelvin"], color_mode=ColorMode.COLOR_TEMP)
        if "hs_color" in wanted:
            known.update(hs_color=wanted["hs_color"], color_mode=ColorMode.HS)
        self.show(is_on=True, **known)

    async def async_turn_off(self, **wanted):
        """Switch off."""
        self.show(is_on=False)


async_setup_entry = setup_of("light", HouseLight)
