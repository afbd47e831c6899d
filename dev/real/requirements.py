"""Prints the pip requirements of integrations, those they depend on included.

Usage: requirements.py COMPONENTS_FOLDER INTEGRATION...
Integrations that this version of Home Assistant does not have are left out, so one list serves all versions.
"""

import json
import pathlib
import re
import sys

# Not needed to load anything of ours, and large, native, or only useful with hardware.
INTEGRATIONS_LEFT_OUT = {"bluetooth", "bluetooth_adapters", "cloud", "dhcp", "go2rtc", "usb"}
PACKAGES_LEFT_OUT = {"av", "ha-av"}


def main() -> None:
    """Walk the manifests and print each requirement once."""
    components = pathlib.Path(sys.argv[1])
    waiting = list(sys.argv[2:])
    seen: set[str] = set()
    found: set[str] = set()
    while waiting:
        domain = waiting.pop()
        manifest = components / domain / "manifest.json"
        if domain in seen or domain in INTEGRATIONS_LEFT_OUT or not manifest.exists():
            continue
        seen.add(domain)
        content = json.loads(manifest.read_text(encoding="utf-8"))
        found.update(content.get("requirements", []))
        waiting.extend(content.get("dependencies", []))
    for requirement in sorted(found):
        if re.split("[=<>!~ ]", requirement)[0].lower() not in PACKAGES_LEFT_OUT:
            print(requirement)


main()
