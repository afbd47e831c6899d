"""What stands in the house: a list of devices with their entities, the same for the same size, on every version.

Nothing here touches Home Assistant. Devices follow one another kind by kind and room by room until the wanted number of
entities is reached, so a bigger house begins with the smaller one.
"""

from dataclasses import dataclass, field
from itertools import count, islice

# Rooms in several scripts: names must survive every hop, and ids made from them are not plain copies.
ROOMS = [
    "Küche",
    "Salle de bains",
    "子供部屋",
    "Wohnzimmer",
    "Спальня",
    "Garage",
    "Jardín",
    "مكتب",
    "Hall d’entrée",
    "Loft 🪟",
]


@dataclass(frozen=True)
class Item:
    """One entity. `name` None makes it the main entity of its device."""

    platform: str
    key: str
    name: str | None
    unique: bool = True
    enabled: bool = True
    visible: bool = True
    category: str | None = None
    whole_name: bool = False
    traits: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Device:
    """One device, or (with `real` False) a group of entities that belong to no device."""

    key: str
    name: str
    room: str
    kind: str
    manufacturer: str
    model: str
    items: tuple[Item, ...]
    real: bool = True
    service: bool = False
    part_of: str | None = None


def sensor(key, name, device_class=None, unit=None, state_class="measurement", **more):
    """Describe a numeric sensor, or a plain text one when no unit is given."""
    traits = {"device_class": device_class, "unit": unit, "state_class": state_class if unit else None}
    traits.update(more.pop("traits", {}))
    return Item("sensor", key, name, traits=traits, **more)


def battery():
    """Describe the battery that many devices have."""
    return sensor("battery", "Battery", "battery", "%", category="diagnostic")


def signal():
    """Describe a signal strength, which integrations switch off by default."""
    return sensor("rssi", "Signal", "signal_strength", "dBm", category="diagnostic", enabled=False)


LAMP = (
    Item("light", "lamp", None, traits={"modes": ["color_temp", "hs"], "effects": ["Aurora", "Kerze", "夕焼け"]}),
    sensor("power", "Power", "power", "W"),
    sensor("energy", "Energy", "energy", "kWh", "total_increasing"),
    Item("select", "start", "Power-on behaviour", category="config", traits={"options": ["on", "off", "previous"]}),
    Item("number", "fade", "Fade time", category="config", traits={"range": (0, 30, 0.5), "unit": "s"}),
    Item("update", "firmware", "Firmware", category="config"),
    signal(),
)
SPOT = (
    Item("light", "spot", None, traits={"modes": ["brightness"], "effects": None}),
    Item("light", "ring", "Ring", traits={"modes": ["rgbw"], "effects": ["Pulse"]}),
    Item("light", "night", "Night light", traits={"modes": ["onoff"], "effects": None}),
    signal(),
)
THERMOSTAT = (
    Item("climate", "thermostat", None),
    sensor("temperature", "Temperature", "temperature", "°C"),
    sensor("humidity", "Humidity", "humidity", "%"),
    Item("number", "offset", "Offset", category="config", traits={"range": (-5, 5, 0.1), "unit": "°C"}),
    Item("switch", "child_lock", "Child lock", category="config"),
    Item("binary_sensor", "window", "Window", traits={"device_class": "window"}),
    battery(),
)
PLUG = (
    Item("switch", "relay", None, traits={"device_class": "outlet"}),
    sensor("power", "Power", "power", "W"),
    sensor("current", "Current", "current", "A", visible=False),
    sensor("voltage", "Voltage", "voltage", "V", enabled=False),
    Item("button", "restart", "Restart", category="config", traits={"device_class": "restart"}),
)
BLIND = (
    Item("cover", "blind", None, traits={"device_class": "blind"}),
    Item("button", "calibrate", "Calibrate", category="config"),
    battery(),
)
DOOR = (
    Item("lock", "bolt", None),
    Item("binary_sensor", "contact", "Contact", traits={"device_class": "door"}),
    Item("event", "bell", "Bell", traits={"types": ["pressed", "held"]}),
    Item("image", "snapshot", "Last visitor"),
    sensor("user", "Last opened by"),
    battery(),
)
# The motion sensor names its entities in the old way: each carries the whole name, the device's included.
MOTION = (
    Item("binary_sensor", "motion", "Motion", whole_name=True, traits={"device_class": "motion"}),
    sensor("illuminance", "Illuminance", "illuminance", "lx", whole_name=True),
    sensor("temperature", "Temperature", "temperature", "°C", whole_name=True),
    sensor("battery", "Battery", "battery", "%", whole_name=True, category="diagnostic"),
)
FAN = (
    Item("fan", "fan", None),
    Item("select", "swing", "Swing", traits={"options": ["Aus", "Breit", "Schmal"]}),
    Item("switch", "beep", "Beep", category="config"),
)
TELEVISION = (
    Item("media_player", "screen", None, traits={"device_class": "tv"}),
    Item("remote", "remote", "Remote"),
    Item("text", "message", "Message"),
    Item("switch", "ambient", "Ambilight"),
)
VACUUM = (
    Item("vacuum", "vacuum", None),
    sensor("area", "Cleaned area", None, "m²", "total"),
    sensor("error", "Error", "enum", traits={"options": ["none", "stuck", "lost"]}, category="diagnostic"),
    Item("button", "locate", "Locate"),
    battery(),
)
GARDEN = (
    Item("valve", "water", None, traits={"device_class": "water"}),
    Item("lawn_mower", "mower", "Mower"),
    sensor("moisture", "Moisture", "moisture", "%"),
    Item("number", "minutes", "Minutes", traits={"range": (1, 60, 1), "unit": "min"}),
    Item("time", "start", "Start"),
)
AIR = (
    Item("humidifier", "air", None),
    sensor("co2", "CO₂", "carbon_dioxide", "ppm"),
    sensor("pm25", "PM2.5", "pm25", "µg/m³"),
    Item("select", "mode", "Display", category="config", traits={"options": ["bright", "dim", "off"]}),
)
BOILER = (
    Item("water_heater", "boiler", None),
    sensor("pressure", "Pressure", "pressure", "bar"),
    Item("date", "service", "Next service", category="config"),
    Item("datetime", "boost", "Boost until"),
)
ALARM = (
    Item("alarm_control_panel", "panel", None),
    Item("siren", "siren", "Siren"),
    Item("binary_sensor", "tamper", "Tamper", category="diagnostic", traits={"device_class": "tamper"}),
)
REMOTE = (
    *(Item("event", f"button_{n}", f"Button {n}", traits={"types": ["short", "long", "double"]}) for n in range(1, 5)),
    battery(),
)
OUTSIDE = (
    Item("weather", "forecast", "Forecast"),
    sensor("rain", "Rain today", "precipitation", "mm", "total_increasing"),
    sensor("wind", "Wind", "wind_speed", "km/h"),
)
FAMILY = (
    Item("todo", "list", "Einkauf"),
    Item("calendar", "dates", "Müllabfuhr"),
    Item("device_tracker", "phone", "Telefon"),
)
# No unique ids: such entities have a state and never a registry entry.
LOOSE = (
    sensor("loose_text", "Loose text", unique=False),
    sensor("loose_number", "Loose number", None, "W", unique=False),
    Item("binary_sensor", "loose_switch", "Loose contact", unique=False),
)

# kind, manufacturer, model, name of the device, entities, what else is special
KINDS = [
    ("lamp", "Ljus & Søn", "LX-200", "Deckenlampe", LAMP, {}),
    ("thermostat", "Wärme GmbH", "Θ-3", "Thermostat", THERMOSTAT, {}),
    ("plug", "Prise SARL", "P1", "Prise", PLUG, {}),
    ("motion", "Ojo", "M-7", "Bewegungsmelder", MOTION, {}),
    ("blind", "Ombre", "B-2 “S”", "Store", BLIND, {}),
    ("spot", "Ljus & Søn", "LX-40", "Spot", SPOT, {}),
    ("door", "Riegel AG", "D-9", "Tür", DOOR, {}),
    ("loose", "", "", "Loose", LOOSE, {"real": False}),
    ("fan", "Ветер", "F-1", "Вентилятор", FAN, {}),
    ("television", "テレビ", "TV-55", "テレビ", TELEVISION, {}),
    ("air", "Clair", "A-6", "Luftreiniger", AIR, {}),
    ("remote", "Taster", "R-4", "Fernbedienung", REMOTE, {}),
    ("vacuum", "Saug", "V-8", "Staubsauger", VACUUM, {}),
    ("garden", "Verde", "G-5", "Riego", GARDEN, {}),
    ("boiler", "Wärme GmbH", "W-80", "Boiler", BOILER, {}),
    ("alarm", "Riegel AG", "AL-1", "Alarm", ALARM, {}),
    ("outside", "Wetter", "API", "Wetterdienst", OUTSIDE, {"service": True}),
    ("family", "Familie", "API", "Familie", FAMILY, {"service": True}),
]


def all_devices():
    """Yield devices for ever. The second spot, and every fourth after it, is part of the one before it."""
    for index in count():
        kind, manufacturer, model, name, items, more = KINDS[index % len(KINDS)]
        turn = index // len(KINDS)
        room = ROOMS[(index + turn) % len(ROOMS)]
        key = f"{kind}-{turn}"
        part_of = f"spot-{turn - 1}" if kind == "spot" and turn % 4 == 1 else None
        label = f"{room} {name}" if turn < len(ROOMS) else f"{room} {name} {turn}"
        yield Device(key, label, room, kind, manufacturer, model, items, part_of=part_of, **more)


def devices_from(start, entities):
    """List devices from number `start` on until they have at least `entities` entities."""
    chosen = []
    total = 0
    for device in islice(all_devices(), start, None):
        if total >= entities:
            break
        chosen.append(device)
        total += len(device.items)
    return chosen
