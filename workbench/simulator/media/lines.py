"""All lines of a platform: who is found again, who takes whose place, and what ends with the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from workbench.simulator.effects import Refusal
from workbench.simulator.media.line import Line
from workbench.simulator.media.socket import NORMAL, Allowance, Socket

if TYPE_CHECKING:
    from workbench.simulator.media.plane import Plane
    from workbench.simulator.world import World


class Lines:
    """All lines of a platform, and the tasks and sockets they keep."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._by_key: dict[bytes, Line] = {}
        self._sockets: set[Socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusals = Allowance(1, 20)
        self._loaded: set[Callable[[], None]] = set()
        self._loading = asyncio.Lock()
        world.watchers.append(self.changed)

    def find(self, key: bytes) -> Line | None:
        """The line of a token and `uniqueId`."""
        return self._by_key.get(key)

    def add(self, line: Line) -> None:
        """A device was admitted. Of a participant or phone it takes the place of the former."""
        self.replace(line.party)
        line.follow("socket.admitted")
        self._by_key[line.key] = line

    def replace(self, party: str) -> None:
        """Whatever device a party had ends for another one."""
        for other in [other for other in self._by_key.values() if other.party == party]:
            other.follow("socket.newest")
            if other.handed:
                other.gone(left=True)
            other.end("another device connected in its place")

    def forget(self, line: Line) -> None:
        """A line is over."""
        self._by_key.pop(line.key, None)

    def changed(self) -> None:
        """The platform's state may have changed: lines whose device is gone end, the others look what they hear."""
        for line in list(self._by_key.values()):
            if line.alive():
                line.changed()
            else:
                line.follow("socket.gone")
                line.end("whom the device stood for was deleted, has expired, or is somewhere else now")

    def note(self, kind: str, rule: str, **data: Any) -> None:
        """Let the user see something."""
        self.world.run(lambda engine, now: engine.note(now, kind, rule, **data))

    @property
    def plane(self) -> Plane:
        """What carries the sound."""
        return self.world.plane

    def refused(self, refusal: Refusal, how: str) -> None:
        """A socket was turned away; SDKs try again every second, which is not told each time."""
        self.world.engine.follow(refusal.rule, how)
        if self._refusals.take(asyncio.get_running_loop().time()):
            self.note("deviceRefused", refusal.rule, status=refusal.status, error=refusal.description)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work that ends with the platform at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "a device's message failed", "exception": error, "task": task})

    async def load(self, load: Callable[[], None]) -> None:
        """Have modules loaded by a thread, once: it takes up to half a second, in which calls and webhooks go on."""
        async with self._loading:
            if load not in self._loaded:
                await asyncio.to_thread(load)
                self._loaded.add(load)

    def holding(self, socket: Socket) -> _Held:
        """Keep a socket among those that are closed at the end."""
        return _Held(self._sockets, socket)

    def reset(self, reason: str = "the platform starts over") -> None:
        """End every line; the engine is not told."""
        for line in list(self._by_key.values()):
            line.end(reason)
        for socket in self._sockets:
            socket.close(NORMAL, reason)

    async def shut(self) -> None:
        """End everything, and wait until it is gone."""
        self.reset("the platform ends")
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


class _Held:
    """A socket that is kept in a set for the time of a block."""

    def __init__(self, kept: set[Socket], socket: Socket) -> None:
        self._kept, self._socket = kept, socket

    def __enter__(self) -> None:
        self._kept.add(self._socket)

    def __exit__(self, *_: object) -> None:
        self._kept.discard(self._socket)
