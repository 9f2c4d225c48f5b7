"""Both sides of the lesson joined in one process: the real ASGI platform on a loop thread, the real Flask callbacks on worker threads.

No port is opened and nothing sleeps; the platform's clock stands still and is in the test's hand.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from workbench import Workbench
from workbench.callbacks import CallbackApp
from workbench.handles import Phone
from workbench.modes import Flow
from workbench.records import Event
from workbench.settings import Settings
from workbench.simulator import world as platform
from workbench.simulator.app import create_app
from workbench.simulator.clock import Clock
from workbench.simulator.setup import Setup
from workbench.simulator.webhooks import Answer, Outgoing
from workbench.wiring import Network

PLATFORM = "http://127.0.0.1:8010"
CALLBACKS_PORT = 8020
MEASURED = 0.04  # seconds of real time
START = 1_700_000_000.0


class Loop:
    """An asyncio loop on a thread of its own. What fails there unseen is kept in `problems`."""

    def __init__(self) -> None:
        self.problems: list[Mapping[str, Any]] = []
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, context: self.problems.append(context))
        self.thread = Thread(target=self.loop.run_forever, name="platform-loop", daemon=True)
        self.thread.start()

    def run(self, work: Any, timeout: float = 60.0) -> Any:
        """Run a coroutine there and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def close(self) -> None:
        """End the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class ToPlatform(httpx.BaseTransport):
    """Hands a client's requests to the ASGI application on its loop."""

    def __init__(self, loop: Loop, app: Any) -> None:
        self._loop, self._inner = loop, httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request; the caller's thread waits."""
        return self._loop.run(self._exchange(request))

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


class Served:
    """Stands where the thread with the callback server would be."""

    def __init__(self, app: CallbackApp) -> None:
        self.app, self.port, self.running = app, CALLBACKS_PORT, True

    def stop(self) -> None:
        """From now on the platform finds nobody."""
        self.running = False


class Joined(Network):
    """A platform in this process, and the way there and back. `fault` may raise for a request of the platform: it is not delivered."""

    def __init__(self, loop: Loop, workers: ThreadPoolExecutor) -> None:
        self._loop, self._workers = loop, workers
        self._served: Served | None = None
        self.fault: Callable[[Outgoing], object] = lambda request: None
        setup = Setup()
        self.world = platform.World(setup.config(f"{PLATFORM}/api/v2"), seed=1, clock=Clock(START, paused=True), deliver=self._deliver)
        self.transport = ToPlatform(loop, create_app(self.world, setup))

    def serve(self, app: CallbackApp, settings: Settings) -> Any:
        """The platform reaches this application from now on."""
        self._served = Served(app)
        return self._served

    def settle(self) -> None:
        """Wait for the webhooks that are on their way, also when there is no workbench any more to take them."""
        self._loop.run(self.world.move(advance=0))

    def close(self) -> None:
        """End the platform."""
        self._loop.run(self.world.close())

    async def _deliver(self, request: Outgoing) -> Answer:
        self.fault(request)
        return await asyncio.get_running_loop().run_in_executor(self._workers, self._ask, request)

    def _ask(self, request: Outgoing) -> Answer:
        if self._served is None or not self._served.running:
            raise ConnectionRefusedError(request.url)
        with httpx.Client(transport=httpx.WSGITransport(self._served.app)) as client:
            answer = client.request(request.method, request.url, headers=dict(request.headers), content=request.body)
        return Answer(answer.status_code, tuple(answer.headers.multi_items()), answer.content)


class World:
    """A workbench and its platform, and what a scenario does and looks at. `joined` is None when they meet over sockets."""

    def __init__(self, workbench: Workbench, joined: Joined | None = None) -> None:
        self.wb, self.joined = workbench, joined
        self.local = workbench.local
        self.parts = workbench._wiring
        self._seen = 0
        self.local.clock.pause()
        self.browser = workbench.participant("browser")
        workbench.connect(self.browser)

    # What a scenario does

    def phone(self, which: int = 1) -> Phone:
        """A phone: its name is `phone`, `phone 2`, `phone 3` …"""
        return self.wb.phone(which)

    def idle(self) -> World:
        """Let time pass until nothing is under way on either side."""
        return self._settle(self.local.clock.run_to_idle)

    def advance(self, seconds: float) -> World:
        """Let so much time pass."""
        self.local.clock.advance(seconds)
        return self._settle(lambda: self.local.clock.advance(0))

    def _settle(self, run: Callable[[], object]) -> World:
        while True:
            run()
            assert self.parts.app.answering.drain(10)
            lines = list(self.local.lines(self._seen))
            if not lines:
                return self
            self._seen = lines[-1]["seq"]

    def webhook(self, path: str, *, signed: bool = True, raw: bytes | None = None, headers: Mapping[str, str] = {}, **fields: Any) -> Any:
        """A webhook of some platform, sent to the callback application directly; its answer."""
        given = {"Content-Type": "application/json", **headers}
        if signed:
            gate = self.parts.gate
            pair = gate.dashboard if path.startswith("/inbound/") else (gate.username, gate.password)
            secret = base64.b64encode(":".join(pair).encode()).decode()
            given["Authorization"] = f"Basic {secret}"
        return self.parts.app.test_client().post(path, data=json.dumps(fields) if raw is None else raw, headers=given)

    # What a scenario looks at

    def rows(self, flow: Flow | None = None) -> list[str]:
        """The whole table of a flow, a line per event: `-> operation leg`, `<- event leg (cause): verbs`."""
        return [row(event) for event in self.parts.log.events(flow=(flow or self.parts.board.current).id)]

    def same(self, flow: Flow) -> list[tuple[Any, ...]]:
        """What "the same table twice" compares."""
        table = flow.events
        return [tuple(line) for line in table[["event", "leg", "from", "to", "cause", "verbs"]].itertuples(index=False)]

    def hears(self) -> dict[str, list[str]]:
        """Who hears whom, by name: computed, and the same when it is measured."""
        assert self.local.measure(MEASURED) == self.local.hears()["hears"]
        table = self.wb.hears()
        return {str(one): [str(other) for other in table.columns if table.loc[one, other]] for one in table.index}

    def left(self) -> dict[str, list[str]]:
        """What is on the platform: calls and their states, conferences and how many are in them, participants beside the browser."""
        state = self.local.state()
        return {
            "calls": [f"{self.parts.board.name_of(one['callId'], one['to']) or '?'} {one['state']}" for one in state["calls"]],
            "conferences": [f"{one['name']} {len(one['members'])}" for one in state["conferences"]],
            "participants": [str(one["tag"]) for one in state["participants"] if one["id"] != self.browser.id],
        }

    def happened(self, *kinds: str) -> list[str]:
        """What the platform did, as `kind leg+leg`, of these kinds."""
        board, went, found = self.parts.board, {}, []
        for one in self.local.happenings():
            went.update({call: str(one.data["to"]) for call in one.call_ids if one.data.get("to")})
            if one.kind in kinds:
                found.append(" ".join([one.kind, "+".join(board.name_of(call, went.get(call, "")) for call in one.call_ids)]))
        return found

    def spoken(self) -> list[str]:
        """Every sentence spoken so far."""
        return [str(one.data["text"]) for one in self.local.happenings("speak")]


NOTHING: dict[str, list[str]] = {"calls": [], "conferences": [], "participants": []}


def row(event: Event) -> str:
    """An event as one line: what, whose, how it ended, what was answered; a status that is no success with an exclamation mark."""
    parts = ["->" if event.direction == "request" else "<-", event.event_type, *filter(None, [event.leg])]
    if event.cause:
        parts.append(f"({event.cause})")
    if event.duplicate_of is not None:
        parts.append("again")
    if event.status is not None and not 200 <= event.status < 300:
        parts.append(f"!{event.status}")
    return " ".join(parts) + (f": {' '.join(event.verbs)}" if event.verbs else "")


def start(loop: Loop, workers: ThreadPoolExecutor, state: Path, **settings: Any) -> World:
    """A world of its own, nothing in it but the browser."""
    joined = Joined(loop, workers)
    return World(Workbench(network=joined, local_url=PLATFORM, state_dir=state, **settings), joined)


def lines(*parts: str | Iterable[str]) -> list[str]:
    """Lines and blocks of lines as one list."""
    return [line for part in parts for line in ([part] if isinstance(part, str) else part)]
