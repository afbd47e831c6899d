"""Names shared by the modules of the example house."""

DOMAIN = "example_house"

# Every entity platform the house has. All of them exist from Home Assistant 2024.3 on.
PLATFORMS = [
    "alarm_control_panel",
    "binary_sensor",
    "button",
    "calendar",
    "climate",
    "cover",
    "date",
    "datetime",
    "device_tracker",
    "event",
    "fan",
    "humidifier",
    "image",
    "lawn_mower",
    "light",
    "lock",
    "media_player",
    "number",
    "remote",
    "select",
    "sensor",
    "siren",
    "switch",
    "text",
    "time",
    "todo",
    "update",
    "vacuum",
    "valve",
    "water_heater",
    "weather",
]
