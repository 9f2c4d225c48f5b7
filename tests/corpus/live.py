"""Playing scenarios against a platform that is reached like a real account: over sockets, with its credentials, in real time.

Nothing of `/_local/` is used. The settings are the workbench's (`BW_ACCOUNT_ID`, `BW_ID_CLIENT_ID`, …, `BASE_CALLBACK_URL`); `BW_NUMBER_2`
is a second number of the account. The application's call initiated URL must be `{BASE_CALLBACK_URL}/initiate`, its status URL `…/status`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace

import httpx
from aiohttp import web

from tests.corpus.application import Application
from tests.corpus.names import Names
from tests.corpus.runner import ENDPOINTS, VOICE, WEBRTC, Outcome, Play, Step
from tests.corpus.scenario import Scenario, load, paths
from workbench.settings import Settings
from workbench.simulator.webhooks import Outgoing

NUMBER_2, QUIET, PATIENCE = "BW_NUMBER_2", "PARITY_QUIET_SECONDS", "PARITY_PATIENCE_SECONDS"
NEEDED = ("BW_ACCOUNT_ID", "BW_VOICE_APPLICATION_ID", "BW_NUMBER", NUMBER_2, "BASE_CALLBACK_URL")
LOGINS = (("BW_ID_CLIENT_ID", "BW_ID_CLIENT_SECRET"), ("BW_USERNAME", "BW_PASSWORD"))
# URLs whose credentials a scenario's calls carry: there the platform is challenged.
GUARDED = ("/answer", "/disconnect")
# What only the local platform can tell.
OURS = ("rule", "after", "credentials")


def missing(environment: Mapping[str, str]) -> list[str]:
    """The variables that are needed and not set."""
    found = [name for name in NEEDED if not environment.get(name)]
    if not any(all(environment.get(name) for name in login) for login in LOGINS):
        found.append(" or ".join("/".join(login) for login in LOGINS))
    return found


def scenarios() -> list[Scenario]:
    """Those that may be played against a real account."""
    return [scenario for scenario in map(load, paths()) if scenario.live]


class Live:
    """A real account, or a platform that poses as one; and the application behind its webhooks."""

    def __init__(self, scenario: Scenario, environment: Mapping[str, str]) -> None:
        self.settings = Settings(platform="live")
        self.base = environment["BASE_CALLBACK_URL"].rstrip("/")
        self.quiet, self.patience = float(environment.get(QUIET, "8")), float(environment.get(PATIENCE, "60"))
        values = {"base": self.base, "account": self.settings.account_id, "application": self.settings.application_id}
        self.names = Names(values, {"number": self.settings.number, "number 2": environment[NUMBER_2]})
        self.application = Application(scenario, self.names)
        self.sockets = SimpleNamespace(messages=[])
        self.wanted = len(scenario.webhooks)
        self.secret = f"parity:{secrets.token_urlsafe(12)}"
        self.http = httpx.AsyncClient(timeout=30.0)
        self._heard = time.monotonic()
        self._runner = web.ServerRunner(web.Server(self._webhook), shutdown_timeout=0.1)  # type: ignore[arg-type]

    async def open(self) -> None:
        """Listen for webhooks, and log in."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self.settings.host, self.settings.port).start()
        self.authorization = await self._authorization()

    async def _authorization(self) -> str:
        """A Bearer token by OAuth2 where there is a client, else Basic."""
        client, user = self.settings.client_id, self.settings.username
        if not client:
            return _basic(f"{user}:{self.settings.password.get_secret_value()}")
        login = {"Authorization": _basic(f"{client}:{self.settings.client_secret.get_secret_value()}")}
        answer = await self.http.post(self.settings.token_url, data={"grant_type": "client_credentials"}, headers=login)
        answer.raise_for_status()
        return f"Bearer {answer.json()['access_token']}"

    async def _webhook(self, request: web.BaseRequest) -> web.Response:
        self._heard = time.monotonic()
        if request.path in GUARDED and request.headers.get("Authorization") != _basic(self.secret):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="parity"'})
        headers = {name: value for name, value in request.headers.items() if not name.lower().startswith("x-workbench")}
        answer = await self.application(Outgoing(request.method, str(request.url), headers, await request.read()))
        return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))

    async def settle(self, seconds: float | None) -> None:
        """Wait until nothing more comes."""
        until = self._heard = time.monotonic()
        while (now := time.monotonic()) - self._heard < self.quiet or now - until < (seconds or 0.0):
            await asyncio.sleep(0.05)

    async def arrive(self) -> None:
        """Wait for the webhooks that are expected, and a while for those that are not."""
        end = time.monotonic() + self.patience
        while len(self.application.told) < self.wanted and time.monotonic() < end:
            await asyncio.sleep(0.05)
        await self.settle(None)

    async def close(self) -> None:
        """End it."""
        await self.http.aclose()
        await self._runner.cleanup()

    def masked(self, text: str) -> str:
        """A text without credentials and tokens."""
        for secret in (*self.settings.secrets(), self.secret.partition(":")[2], self.authorization.partition(" ")[2]):
            text = text.replace(secret, "•••")
        return text


class LivePlay(Play):
    """Plays on a live platform: what only the local one can tell is not asked for."""

    stage: Live  # type: ignore[assignment]

    async def all(self) -> Outcome:
        """The steps, then the comparison; what differs is told without secrets."""
        for place, step in enumerate(self.scenario.steps, 1):
            action = next(iter(step))
            self.where = f"step {place} ({action})"
            await self.actions[action](step)
            await self.stage.settle(step.get("for"))
        await self.stage.arrive()
        self.compare_webhooks()
        await self.compare_state()
        return Outcome([self.stage.masked(line) for line in self.found])

    def path(self, path: str) -> str:
        """The URL of a request at its API's host."""
        settings, whole = self.stage.settings, super().path(path)
        for prefix, host in ((VOICE, settings.voice_url), (WEBRTC, settings.webrtc_url), (ENDPOINTS, settings.endpoints_url)):
            if whole.startswith(prefix + "/"):
                return f"{host}/accounts/{{account}}{whole.removeprefix(prefix)}"
        return whole

    async def send(self, method: str, path: str, step: Step) -> httpx.Response:
        """One request with the account's credentials."""
        headers = {"Authorization": self.stage.authorization} if step.get("credentials") != "none" else {}
        return await super().send(method, path, {**step, "credentials": "none", "headers": {**step.get("headers", {}), **headers}})

    async def call(self, step: Step) -> None:
        """A call whose webhooks carry credentials, so that they can be challenged."""
        username, password = self.stage.secret.split(":")
        await super().call({**step, "with": {"username": username, "password": password, **step.get("with", {})}})

    def compare_webhooks(self) -> None:
        """Call by call: no order is promised between the webhooks of different calls (documented)."""
        told = sorted(self.stage.application.told, key=lambda one: (_whose(one.line), one.seq))
        self.stage.application.told = [replace(one, seq=place) for place, one in enumerate(told)]
        self.scenario = replace(self.scenario, webhooks=tuple(sorted(self.scenario.webhooks, key=lambda one: _whose(one[0]))))
        super().compare_webhooks()

    async def compare_state(self) -> None:
        """A live account may take a while to show what happened."""
        before, end = list(self.found), time.monotonic() + self.stage.patience
        while True:
            self.found = list(before)
            await super().compare_state()
            if self.found == before or time.monotonic() > end:
                return
            await asyncio.sleep(1.0)


def stripped(scenario: Scenario) -> Scenario:
    """A scenario without what only the local platform can tell."""
    steps = tuple({key: value for key, value in step.items() if key != "rule"} for step in scenario.steps)
    hooks = tuple((line, {name: value for name, value in fields.items() if name not in OURS}) for line, fields in scenario.webhooks)
    return replace(scenario, steps=steps, webhooks=hooks, happens=(), messages=(), shows=())


async def play_live(scenario: Scenario, environment: Mapping[str, str] | None = None) -> list[str]:
    """Play a scenario live; what differs, a line each."""
    scenario = stripped(scenario)
    stage = Live(scenario, environment or os.environ)
    await stage.open()
    try:
        return (await LivePlay(scenario, stage).all()).differences  # type: ignore[arg-type]
    finally:
        await stage.close()


def _whose(line: str) -> str:
    return line.partition(" ")[2]


def _basic(pair: str) -> str:
    return f"Basic {b64encode(pair.encode()).decode()}"
