"""Where a scenario is played: the real platform in process, with its clock in hand."""

from __future__ import annotations

from typing import Any, Protocol

import httpx

import workbench.simulator.world as world_module
from tests.corpus.application import Application
from tests.corpus.devices import DeviceSocket
from tests.corpus.names import Names
from tests.corpus.scenario import Scenario
from tests.corpus.sockets import Sockets
from workbench.simulator.app import create_app
from workbench.simulator.clock import Clock
from workbench.simulator.effects import Happening
from workbench.simulator.setup import APPLICATION, Setup
from workbench.simulator.stream import EventStream
from workbench.simulator.world import World

START = 1_700_000_000.0
URL = "http://127.0.0.1:8010"
BASE = "http://app.test"
# Real seconds for an answer that is held back on purpose; all others come at once.
GRACE = 0.03


class Stage(Protocol):
    """What a scenario is played on."""

    names: Names
    application: Application
    http: httpx.AsyncClient

    async def settle(self, seconds: float | None) -> None:
        """Let so many seconds pass, or go on until nothing is under way."""

    async def close(self) -> None:
        """End it."""


class InProcess:
    """The platform in process: nothing is waited for, ids repeat, and everything that happened is known."""

    def __init__(self, scenario: Scenario) -> None:
        settings = Setup(**scenario.setup.get("settings", {}))
        numbers = list(settings.numbers)
        places = {"number" if place == 0 else f"number {place + 1}": number for place, number in enumerate(numbers)}
        self.phones = {
            name: str(script.get("number", f"+1919555{place:04}")) for place, (name, script) in enumerate(scenario.phones.items(), 111)
        }
        values = {"base": BASE, "account": settings.account_id, "application": next(iter(settings.applications), APPLICATION)}
        self.names = Names(values, places | self.phones)
        self.application = Application(scenario, self.names)
        self.clock = Clock(START, paused=True)
        self.world = World(settings.config(f"{URL}/api/v2"), seed=1, clock=self.clock, deliver=self.application)
        self.sockets = self.world.media_streams = Sockets(scenario.sockets, self.world.run)
        self.application.seconds = lambda: self.clock.now() - START
        self.application.look = self.look
        if "kept" in scenario.setup:
            self.world.stream = EventStream(scenario.setup["kept"])
        token = scenario.setup.get("token")
        self.app = create_app(self.world, settings, token=token)
        self.devices: dict[str, DeviceSocket] = {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url=URL, headers={"X-Workbench-Token": token} if token else {})

    def look(self) -> None:
        """Name the calls that have begun since the last look."""
        for call in list(self.world.engine.calls.values()):
            self.names.learn(call.call_id, call.direction, call.from_, call.to)

    async def settle(self, seconds: float | None) -> None:
        """Move the clock."""
        grace, world_module.GRACE_SECONDS = world_module.GRACE_SECONDS, GRACE if self.application.waiting or self.sockets.waiting else 10.0
        try:
            await self.world.move(advance=seconds, to_idle=seconds is None)
        finally:
            world_module.GRACE_SECONDS = grace
        self.look()

    def entries(self) -> list[Happening]:
        """Everything that happened."""
        return self.world.stream.after(0)

    def followed(self) -> set[str]:
        """The rules that were followed."""
        return set(self.world.engine.followed)

    async def close(self) -> None:
        """End it."""
        await self.http.aclose()
        for device in self.devices.values():
            await device.close()
        await self.world.close()


def local_setup(scenario: Scenario) -> list[tuple[str, Any]]:
    """What is told to the local platform before the first step: paths below /_local and bodies."""
    application = {"callInitiatedCallbackUrl": f"{BASE}/initiate", "callStatusCallbackUrl": f"{BASE}/status"}
    told: list[tuple[str, Any]] = [("/_local/applications/{application}", application | scenario.setup.get("application", {}))]
    if "interconnect" in scenario.setup:
        told.append(("/_local/interconnect", scenario.setup["interconnect"]))
    scripts = {name: {key: value for key, value in script.items() if key != "number"} for name, script in scenario.phones.items()}
    return told + [(f"/_local/phones/{{{name}}}", script) for name, script in scripts.items() if script]
