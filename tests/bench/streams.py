"""What media streams cost the platform's process: its share of a processor while so many send their frames in real time."""

from __future__ import annotations

import asyncio

import psutil
from aiohttp import web

from tests.bench.calls import Desk, phones, script
from tests.bench.children import SIMULATOR, Child, child
from tests.bench.figures import Row
from tests.bench.load import close, connect, run

FRAMES_A_SECOND = 50


def measure(streams: int = 50, seconds: float = 10.0) -> list[Row]:
    """So many calls, each with a stream of one track."""
    with child(*SIMULATOR) as simulator:
        return [run(_measure(simulator, streams, seconds))]


class Sink:
    """The application's WebSocket server: it counts what comes."""

    def __init__(self) -> None:
        self.connections, self.messages = 0, 0

    async def open(self) -> None:
        """Begin to listen."""
        application = web.Application()
        application.router.add_get("/media", self._take)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/media"

    async def close(self) -> None:
        """Hang up on all."""
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        async for _ in socket:
            self.messages += 1
        return socket


async def _measure(simulator: Child, streams: int, seconds: float) -> Row:
    sink = Sink()
    await sink.open()
    desk = Desk(f'<Response><StartStream destination="{sink.url}"/><Pause duration="3600"/></Response>')
    await desk.open()
    connections, numbers, process = await connect(simulator.said["url"], 1), phones(streams), psutil.Process(simulator.pid)
    await script(simulator.said, numbers, ring_seconds=0)
    idle = await _share(process, 1.0)
    async with asyncio.timeout(60):
        for number in numbers:
            await desk.create(connections[0], number)
        while sink.connections < streams:
            await asyncio.sleep(0.01)
    before = sink.messages
    share = await _share(process, seconds)
    rate = (sink.messages - before) / seconds / streams
    close(connections)
    await desk.close()
    await sink.close()
    figure = f"{streams} media streams at {rate:.0f} of {FRAMES_A_SECOND} frames/s"
    return Row(figure, f"{share:.1%} of a processor", f"{idle:.1%}, none")


async def _share(process: psutil.Process, seconds: float) -> float:
    """The part of a processor's time that a process uses over the next seconds."""
    before = process.cpu_times()
    await asyncio.sleep(seconds)
    after = process.cpu_times()
    used = (after.user + after.system) - (before.user + before.system)
    return max(0.0, used / seconds)  # sums of clock ticks may differ in their last digit
