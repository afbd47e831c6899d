"""Weather."""

from homeassistant.components.weather import WeatherEntity, WeatherEntityFeature
from homeassistant.const import UnitOfPressure, UnitOfSpeed, UnitOfTemperature
from homeassistant.util import dt as dt_util

from .entity import HouseEntity, setup_of


class HouseWeather(HouseEntity, WeatherEntity):
    """Always sunny."""

    _attr_condition = "sunny"
    _attr_native_temperature = 18.5
    _attr_native_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_native_pressure = 1013.0
    _attr_native_pressure_unit = UnitOfPressure.HPA
    _attr_native_wind_speed = 7.0
    _attr_native_wind_speed_unit = UnitOfSpeed.KILOMETERS_PER_HOUR
    _attr_humidity = 55
    _attr_attribution = "Weather for Beispielweg 7"
    _attr_supported_features = WeatherEntityFeature.FORECAST_DAILY

    async def async_forecast_daily(self):
        """Return one more sunny day."""
        return [{"datetime": dt_util.utcnow().isoformat(), "condition": "sunny", "native_temperature": 19.0}]


async_setup_entry = setup_of("weather", HouseWeather)
