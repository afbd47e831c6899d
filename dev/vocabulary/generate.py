"""Writes the closed lists in crates/protocol/src/vocabulary/ from released wheels of Home Assistant.

    pip download --no-deps --only-binary=:all: -d target/wheels homeassistant==2024.3.3
    pip download --no-deps --only-binary=:all: -d target/wheels --python-version 3.14.2 homeassistant==2026.11.0
    python3 dev/vocabulary/generate.py target/wheels/homeassistant-*.whl

Only facts are taken: names of constants' values, of manifests and of translation keys. Nothing is imported or run.
A word that any of the given versions knows is in the list, so that one agent serves all of them.
"""

import json
import pathlib
import re
import sys
import zipfile

OUT = pathlib.Path(__file__).resolve().parents[2] / "crates/protocol/src/vocabulary"

# R9: no record for these, so their domain is no word.
NEVER = {"calendar", "device_tracker", "geo_location", "person", "todo", "zone"}

# Integrations that make entities of their own domain without being entity platforms.
OWN_DOMAIN = {
    "alert", "automation", "counter", "group", "input_boolean", "input_button", "input_datetime", "input_number",
    "input_select", "input_text", "persistent_notification", "plant", "proximity", "schedule", "script", "sun", "tag",
    "timer",
}  # fmt: skip

UNIT_CONSTANT = re.compile(
    r"^(CONCENTRATION|CONDUCTIVITY|CURRENCY|DEGREE|IRRADIATION|LIGHT_LUX|PERCENTAGE|PRECIPITATION|REVOLUTIONS|"
    r"SIGNAL_STRENGTH|UV_INDEX)(_|$)"
)

# Attribute, and where Home Assistant itself defines its words: (domain, enumeration or prefix of constants).
CAPABILITIES = {
    "available_modes": [("humidifier", "MODE_")],
    "effect_list": [("light", "EFFECT_")],
    "event_types": [("event", "DoorbellEventType"), ("event", "ButtonEventType")],
    "fan_modes": [("climate", "FAN_")],
    "hvac_modes": [("climate", "HVACMode")],
    "operation_list": [("water_heater", "STATE_")],
    "preset_modes": [("climate", "PRESET_")],
    "supported_color_modes": [("light", "ColorMode")],
    "supported_speeds": [("cover", "CoverSpeed")],
    "swing_horizontal_modes": [("climate", "SWING_HORIZONTAL_")],
    "swing_modes": [("climate", "SWING_")],
}
# `mode` of number and input_number, of text and input_text.
MODES = [("number", "NumberMode"), ("text", "TextMode")]

WORD = re.compile(r"^[a-z0-9_.-]{1,64}$")


# Read by line, not by `ast`: the newest Home Assistant uses syntax that an older Python cannot parse.
CLASS = re.compile(r"^class (\w+)\(")
MEMBER = re.compile(r'^    [A-Z][A-Z0-9_]* = "([^"]*)"')
CONSTANT = re.compile(r'^([A-Z][A-Z0-9_]*)(?:: Final)? = "([^"]*)"')


def classes(source):
    """Each class of a module with the string values of its members."""
    name, members = None, set()
    for line in source.splitlines():
        if line and not line[0].isspace():
            if name:
                yield name, members
            found = CLASS.match(line)
            name, members = (found[1] if found else None), set()
        elif name and (found := MEMBER.match(line)):
            members.add(found[1])
    if name:
        yield name, members


def constants(source, name):
    """String values of the enumeration called `name`, or of module constants that begin with `name`."""
    for known, members in classes(source):
        if known == name:
            yield from members
    if name.endswith("_"):
        for line in source.splitlines():
            if (found := CONSTANT.match(line)) and found[1].startswith(name):
                yield found[2]


class Wheel:
    def __init__(self, path):
        self.zip = zipfile.ZipFile(path)
        self.names = set(self.zip.namelist())

    def source(self, path):
        path = f"homeassistant/{path}"
        return self.zip.read(path).decode() if path in self.names else ""

    def json(self, pattern):
        for name in sorted(self.names):
            found = re.fullmatch(f"homeassistant/components/([a-z0-9_]+)/{pattern}", name)
            if found:
                yield found[1], json.loads(self.zip.read(name))

    def services(self):
        for name in sorted(self.names):
            if found := re.fullmatch(r"homeassistant/components/([a-z0-9_]+)/services[.]yaml", name):
                yield found[1], self.zip.read(name).decode()

    def component(self, domain):
        return [self.source(f"components/{domain}/{file}.py") for file in ("__init__", "const")]


def services(source):
    """Each service of a `services.yaml` with its fields, those in sections included. Only the shape that all of them have is read."""
    name, fields, inside, section = None, set(), False, False
    for line in source.splitlines():
        if found := re.match(r"^([a-z0-9_]+):", line):
            if name:
                yield name, fields
            name, fields, inside, section = found[1], set(), False, False
        elif re.match(r"^  [a-z]", line):
            inside = line.startswith("  fields:")
        elif inside and (found := re.match(r"^    ([a-z0-9_]+):", line)):
            fields.add(found[1])
            section = False
        elif inside and line.startswith("      "):
            if re.match(r"^      [a-z]", line):
                section = line.startswith("      fields:")
            elif section and (found := re.match(r"^        ([a-z0-9_]+):", line)):
                fields.add(found[1])
    if name:
        yield name, fields


def main(paths):
    names = ("domains", "device_classes", "units", "integrations", "keys", "languages", "services", "service_fields")
    lists = {name: set() for name in names}
    words = {attribute: set() for attribute in CAPABILITIES} | {"mode": set()}
    for wheel in map(Wheel, paths):
        entity_domains = set(OWN_DOMAIN)
        for domain, manifest in wheel.json("manifest[.]json"):
            lists["integrations"].add(domain)
            if manifest.get("integration_type") == "entity":
                entity_domains.add(domain)
        lists["domains"] |= entity_domains - NEVER
        for _, strings in wheel.json("strings[.]json"):
            for domain, keys in strings.get("entity", {}).items():
                if domain not in NEVER:
                    lists["keys"] |= set(keys)
        for domain in entity_domains:
            for source in wheel.component(domain):
                for name, members in classes(source):
                    if name.endswith("DeviceClass"):
                        lists["device_classes"] |= members
        for domain, source in wheel.services():
            for service, fields in services(source):
                lists["services"].add(f"{domain}.{service}")
                # What a call of an entity's service, or of Home Assistant's own, can be given.
                if domain in entity_domains - NEVER or domain in ("homeassistant", "persistent_notification", "frontend"):
                    lists["service_fields"] |= fields
        const = wheel.source("const.py")
        for name, members in classes(const):
            if name.startswith("UnitOf"):
                lists["units"] |= members
        for line in const.splitlines():
            if (found := CONSTANT.match(line)) and UNIT_CONSTANT.match(found[1]):
                lists["units"].add(found[2])
        # Records hold lower-case words only.
        lists["languages"] |= {word.lower() for word in re.findall(r'^    "(.+)",$', wheel.source("generated/languages.py"), re.M)}
        for attribute, sources in CAPABILITIES.items():
            for domain, name in sources:
                for source in wheel.component(domain):
                    words[attribute] |= {word for word in constants(source, name)}
        for domain, name in MODES:
            for source in wheel.component(domain):
                words["mode"] |= set(constants(source, name))
    # `operation_list` may hold `off`, which is the common state.
    words["operation_list"].add("off")
    lists["units"] = {unit for unit in lists["units"] if 0 < len(unit) <= 16}
    lists["integrations"] |= {"homeassistant"}
    for name in lists:
        if name != "units":
            lists[name] = {word for word in lists[name] if WORD.match(word)}
    lists["capabilities"] = {f"{attribute} {word}" for attribute, known in words.items() for word in known}
    for name, known in lists.items():
        # Sorted by bytes, because that is how they are searched.
        lines = sorted(known, key=lambda word: word.encode())
        (OUT / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        print(f"{name}: {len(lines)} words, {sum(len(line.encode()) + 1 for line in lines)} bytes")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
