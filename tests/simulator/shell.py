"""Both ends of the shells' tests: a platform in process with its clock in hand, and an application that answers its webhooks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from workbench.simulator.app import create_app
from workbench.simulator.clock import Clock
from workbench.simulator.setup import APPLICATION, Setup
from workbench.simulator.webhooks import Answer, Outgoing
from workbench.simulator.world import World

START = 1_700_000_000.0
NUMBER, NUMBER_2 = "+19195550100", "+19195550101"
PHONE, PHONE_2 = "+19195550111", "+19195550112"
BASE = "http://app.test"
URL = "http://127.0.0.1:8010"
VOICE = "/api/v2/accounts/9900000"
WEBRTC = "/v1/accounts/9900000"

Reply = str | int | Exception | Callable[[Outgoing], Awaitable[str | int]]


def document(*verbs: str) -> str:
    """A document of verbs written out."""
    return "<Response>" + "".join(verbs) + "</Response>"


class Application:
    """Answers webhooks by event type and notes them."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.requests: list[Outgoing] = []

    async def __call__(self, request: Outgoing) -> Answer:
        self.requests.append(request)
        reply = self.replies.get(self.event(request), 200)
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            reply = await reply(request)
        return Answer(reply) if isinstance(reply, int) else Answer(200, (("Content-Type", "application/xml"),), reply.encode())

    @staticmethod
    def event(request: Outgoing) -> str:
        """The event a request tells."""
        body = json.loads(request.body or b"{}")
        return str(body.get("eventType") or body.get("event") or request.url)

    @property
    def events(self) -> list[str]:
        """The events told so far, in order of arrival."""
        return [self.event(request) for request in self.requests]


class Platform:
    """A platform in process, reached like over the network."""

    def __init__(
        self, *, clock: Clock | None = None, token: str | None = None, setup: Setup | None = None, application: Application | None = None
    ) -> None:
        self.setup = setup or Setup()
        self.application = application or Application()
        self.clock = clock or Clock(START, paused=True)
        self.world = World(self.setup.config(f"{URL}/api/v2"), seed=1, clock=self.clock, deliver=self.application)
        self.app = create_app(self.world, self.setup, token=token)
        self.http = self.client(auth=("local", "local"))

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A client of this platform."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url=URL, **options)

    async def close(self) -> None:
        """End it."""
        await self.http.aclose()
        await self.world.close()

    async def call(self, to: str = PHONE, **fields: Any) -> str:
        """Place a call; its id."""
        answer = await self.http.post(f"{VOICE}/calls", json=call_fields(to) | fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["callId"])

    async def clock_to(self, **fields: Any) -> Mapping[str, Any]:
        """Move the clock."""
        answer = await self.http.post("/_local/clock", json=fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def idle(self) -> None:
        """Run until nothing is under way."""
        await self.clock_to(run_to="idle")


def call_fields(to: str = PHONE, base: str = BASE) -> dict[str, Any]:
    """The body of a createCall."""
    return {
        "from": NUMBER,
        "to": to,
        "applicationId": APPLICATION,
        "answerUrl": f"{base}/answer",
        "disconnectUrl": f"{base}/disconnect",
    }


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something to become true, giving way to everything else meanwhile."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)
