"""Televisions. What is playing is made to look personal, because it would be."""

from homeassistant.components.media_player import MediaPlayerEntity, MediaPlayerEntityFeature, MediaPlayerState

from .entity import HouseEntity, feature, setup_of


class HousePlayer(HouseEntity, MediaPlayerEntity):
    """A television that is playing."""

    _attr_state = MediaPlayerState.PLAYING
    _attr_source_list = ["HDMI 1", "Marias Playlist", "ラジオ"]
    _attr_source = "Marias Playlist"
    _attr_sound_mode_list = ["film", "music"]
    _attr_sound_mode = "film"
    _attr_volume_level = 0.3
    _attr_media_title = "Urlaubsvideo 2026"
    _attr_media_artist = "Familie Beispiel"
    _attr_app_name = "Privatkanal"
    _attr_supported_features = feature(
        MediaPlayerEntityFeature,
        *("TURN_ON", "TURN_OFF", "SELECT_SOURCE", "SELECT_SOUND_MODE", "VOLUME_SET", "PLAY", "PAUSE"),
    )

    def prepare(self):
        """Choose the class."""
        self._attr_device_class = self.traits.get("device_class")

    async def async_turn_on(self):
        """Switch on."""
        self.show(state=MediaPlayerState.IDLE)

    async def async_turn_off(self):
        """Switch off."""
        self.show(state=MediaPlayerState.OFF)

    async def async_media_play(self):
        """Play."""
        self.show(state=MediaPlayerState.PLAYING)

    async def async_media_pause(self):
        """Pause."""
        self.show(state=MediaPlayerState.PAUSED)

    async def async_set_volume_level(self, volume):
        """Take the new volume, 0 to 1."""
        self.show(volume_level=volume)

    async def async_select_source(self, source):
        """Take the new source."""
        self.show(source=source)

    async def async_select_sound_mode(self, sound_mode):
        """Take the new sound mode."""
        self.show(sound_mode=sound_mode)


async_setup_entry = setup_of("media_player", HousePlayer)
