"""Resident memory of the platform's process: before its first request, and with a thousand calls under way."""

from __future__ import annotations

import asyncio
import json
import time

import psutil

from tests.bench.calls import Desk, phones, script
from tests.bench.children import SIMULATOR, Child, child
from tests.bench.figures import Row
from tests.bench.load import Connection, close, connect, request, run

LIMIT_MB, BARE_MB = 150.0, 90.0
AT_ONCE = 32


def measure(calls: int = 1000) -> list[Row]:
    """So many calls, all answered and in `<Pause>`."""
    with child(*SIMULATOR) as simulator:
        return [_bare(simulator), run(_measure(simulator, calls))]


def _bare(simulator: Child) -> Row:
    """Once it has loaded what it loads after it has told that it listens."""
    process, seen = psutil.Process(simulator.pid), -1.0
    while (megabytes := process.memory_info().rss / 2**20) != seen:
        seen = megabytes
        time.sleep(0.3)
    return Row("platform before its first request", f"{seen:.0f} MB", target=f"≤ {BARE_MB:.0f} MB", met=seen <= BARE_MB)


async def _measure(simulator: Child, calls: int) -> Row:
    said, process = simulator.said, psutil.Process(simulator.pid)
    desk, connections, numbers = Desk('<Response><Pause duration="3600"/></Response>'), await connect(said["url"], AT_ONCE), phones(calls)
    await desk.open()
    # asked once before, so that what loads late is loaded
    await _verbs(connections[0], said["token"])
    empty = process.memory_info().rss / 2**20
    await script(said, numbers, ring_seconds=0)

    async def place(connection: Connection) -> None:
        while numbers:
            await desk.create(connection, numbers.pop())

    async with asyncio.timeout(60):
        await asyncio.gather(*map(place, connections))
        while await _verbs(connections[0], said["token"]) != ["Pause"] * calls:
            await asyncio.sleep(0.05)
    full = process.memory_info().rss / 2**20
    close(connections)
    await desk.close()
    target = f"≤ {LIMIT_MB:.0f} MB"
    return Row(f"{calls} calls at once", f"{full:.0f} MB", f"{empty:.0f} MB, empty platform", full / empty, target, full <= LIMIT_MB)


async def _verbs(connection: Connection, token: str) -> list[str | None]:
    """What each call that has not ended is doing."""
    _, body = await connection.ask(request("GET", "/_local/state", X_Workbench_Token=token))
    return [call["verb"] for call in json.loads(body)["calls"]]
