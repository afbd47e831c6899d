"""What a bare Python client needs to fetch and parse the lists that Vestibule reads: `peer.py URL TOKEN TIMES`.

The same commands in the same order, each result parsed and dropped. Prints one JSON line for each of TIMES runs: seconds from the
connection to the last list, with Python's own parser and (where there is one) with the fast one that Home Assistant itself uses.
"""

import asyncio
import json
import sys
import time

import aiohttp

try:
    import orjson
except ImportError:
    orjson = None

EVENTS = [
    "core_config_updated",
    "entity_registry_updated",
    "device_registry_updated",
    "area_registry_updated",
    "floor_registry_updated",
    "label_registry_updated",
    "lovelace_updated",
    "panels_updated",
    "component_loaded",
]
BATCH = 1000


async def read_home(url, token, parse):
    """Connects, subscribes, and reads every list once."""
    last = 0
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url + "/api/websocket", max_msg_size=0) as socket:

            async def receive():
                return parse((await socket.receive()).data)

            async def ask(command, **fields):
                nonlocal last
                last += 1
                await socket.send_str(json.dumps({"id": last, "type": command, **fields}))
                while True:
                    message = await receive()
                    if message.get("id") == last and message["type"] == "result":
                        return message.get("result")

            await receive()
            await socket.send_str(json.dumps({"type": "auth", "access_token": token}))
            if (await receive())["type"] != "auth_ok":
                raise SystemExit("the token was refused")
            await ask("get_config")
            await ask("auth/current_user")
            for event in EVENTS:
                await ask("subscribe_events", event_type=event)
            await ask("config_entries/subscribe")
            for side in ("old_state", "new_state"):
                trigger = {"platform": "event", "event_type": "state_changed", "event_data": {side: None}}
                await ask("subscribe_trigger", trigger=[trigger])
            for registry in ("area", "floor", "label"):
                await ask(f"config/{registry}_registry/list")
            await ask("config_entries/get")
            await ask("config/device_registry/list")
            ids = [entity["entity_id"] for entity in await ask("config/entity_registry/list")]
            for start in range(0, len(ids), BATCH):
                await ask("config/entity_registry/get_entries", entity_ids=ids[start : start + BATCH])
            states = await ask("get_states")
            await ask("entity/source")
            for command in ("manifest/list", "lovelace/dashboards/list", "lovelace/resources", "get_config"):
                await ask(command)
            return len({state["entity_id"] for state in states} | set(ids))


def main():
    url, token, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for _ in range(times):
        line = {}
        for name, parser in (("seconds", json), ("fast_seconds", orjson)):
            if parser is None:
                continue
            start = time.perf_counter()
            line["entities"] = asyncio.run(read_home(url, token, parser.loads))
            line[name] = time.perf_counter() - start
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
