"""One platform under siege: every kind of input an API, an application, a phone or a clock can give, and what must hold whatever comes.

What must hold: no answer above 499, no input that takes long, nothing that fails behind the scenes; and when time has passed,
everything is forgotten and a call goes through as on the first day.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import strategies as st
from starlette.routing import Route

import workbench.simulator.world as world_module
from tests.corpus.application import silence
from tests.simulator.shell import BASE, NUMBER, NUMBER_2, START, URL, VOICE, WEBRTC, Application, Platform, call_fields
from tests.simulator.test_properties import Platform as Properties
from workbench import tokens
from workbench.simulator.clock import Clock
from workbench.simulator.core import Core
from workbench.simulator.webhooks import Answer, Outgoing

from . import operations
from .documents import BROKEN, JUNK, Wild

PHONES = tuple(f"+1919555012{digit}" for digit in range(6))
PROBE = "+19195550180"
PATIENCE = 30.0  # real seconds for any one input
FORGOTTEN = 40 * 86400.0  # recordings, the longest kept of all, are kept 30 days
SETTINGS = {"phones", "applications", "numbers", "followed"}  # of the core: what was configured, and the rules that were followed

# The names of fields that any API or control has, for bodies without a schema.
WORDS = (
    *(
        "answer",
        "ring_seconds",
        "busy",
        "reject",
        "hangup_after",
        "by_hand",
        "answered_by",
        "rings",
        "says",
        "tone",
        "echoes",
        "text",
        "to",
    ),
    *("callInitiatedCallbackUrl", "callStatusCallbackUrl", "callInitiatedMethod", "callbackTimeout", "username", "password", "name"),
    *("tag", "state", "status", "redirectUrl", "mute", "hold", "callIdsToCoach", "sessionId", "participants", "token", "type", "direction"),
    *("publishPermissions", "callbackUrl", "callTimeout", "priority", "uui", "machineDetection", "eventCallbackUrl", "limits", "headers"),
    "digits",
)
FIELDS = ("callTimeout", "callbackTimeout", "priority", "tag", "uui", "machineDetection", "displayName", "privacy", "answerFallbackUrl")
BYTES = (
    *(b"{", b"\xff", b"[" * 50_000, b'{"a":' * 9_000, b"1", b"NaN", b'{"to":"\\ud800"}', b'{"from":{"from":[]}}', b"x" * 1_000_001, b""),
    *(b'{"tag":' + b"9" * 5_000 + b"}", b'{"callTimeout":1e400,"to":"+1"}', b'\xef\xbb\xbf{"to":"+19195550111"}'),
)
MEDIA_TYPES = ("application/json", "application/xml", "text/plain", "application/json; charset=utf-16", "é", "application/json;;=", "")
QUERIES = (
    *("", "?pageSize=0", "?pageToken=%FF", "?minStartTime=x&minStartTime=y", "?after=-1", f"?x={'y' * 9_000}", "?%zz=%"),
    *("?minStartTime=9999-12-31T23:59:59Z", "?maxStartTime=0001-01-01T00:00:00%2B23:59", "?pageSize=%D9%A1", "?limit=1e3&afterCursor=%00"),
)


@dataclass
class Tally:
    """What was done, over all platforms."""

    requests: int = 0
    webhooks: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)


class WildApplication(Application):
    """Answers webhooks with anything, or not at all; `tame` it answers an empty 200."""

    def __init__(self, random: Random, known: Mapping[str, Any]) -> None:
        super().__init__()
        self.random, self.tame = random, False
        self.wild = Wild(random, known)

    async def __call__(self, request: Outgoing) -> Answer:
        self.requests.append(request)
        if self.tame:
            return Answer(200)
        if request.url.endswith(".wav"):
            return Answer(200, (), self.random.choice((silence(2.0), silence(0.0), b"RIFF", b"")))
        return await self._anything()

    async def _anything(self) -> Answer:
        lot = self.random.random()
        if lot < 0.6:
            return Answer(200, (("Content-Type", "application/xml"),), self.wild.document())
        if lot < 0.75:
            return Answer(self.random.choice((200, 204, 201)))
        if lot < 0.87:
            return Answer(self.random.choice((100, 301, 400, 404, 429, 500, 503, 999)), (("Location", "http://elsewhere.test"),), b"no")
        if lot < 0.92:
            raise self.random.choice((ConnectionRefusedError("nobody"), ValueError("odd"), TimeoutError(), OSError(9, "bad")))
        if lot < 0.95:
            return Answer(401, (("WWW-Authenticate", self.random.choice(("Basic", "Digest x", "", "Basic realm=é"))),))
        if lot < 0.97:
            return Answer(200, (), b"<Response>" + b" " * 1_000_001)
        await asyncio.Event().wait()
        raise AssertionError("it never answers")


@contextmanager
def hurried() -> Iterator[None]:
    """A moved clock waits shortly for answers, and gives up early on what never rests."""
    names = {"GRACE_SECONDS": 0.01, "MOST_ROUNDS": 40, "MOST_TIMERS": 4_000}
    former = {name: getattr(world_module, name) for name in names}
    for name, value in names.items():
        setattr(world_module, name, value)
    try:
        yield
    finally:
        for name, value in former.items():
            setattr(world_module, name, value)


class Siege:
    """A platform, and the means to do anything to it. `draw` gives a value of a strategy, `random` everything cheaper."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], tally: Tally) -> None:
        self.draw, self.tally = draw, tally
        self.random = Random(draw(st.integers(0, 2**32)))
        self.known: dict[str, list[str]] = {}
        self.application = WildApplication(self.random, self.known)
        self.platform = Platform(clock=Clock(START, paused=True), application=self.application)
        transport = httpx.ASGITransport(self.platform.app, raise_app_exceptions=True)
        self.http = httpx.AsyncClient(transport=transport, base_url=URL)
        self.failures: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.failures.append(_told(context)))
        self.wild = Wild(self.random, self.known)
        routes = [route for route in self.platform.app.routes if isinstance(route, Route)]  # devices' sockets are no requests
        self.every = [(method, route.path) for route in routes for method in sorted(route.methods or ())]
        controls = [(method, path) for method, path in self.every if path.startswith("/_local/") and method != "HEAD"]
        self.controls = [(method, path) for method, path in controls if path not in ("/_local/clock", "/_local/reset")]

    async def begin(self) -> None:
        """The application says where it is; a few calls are under way."""
        urls = {"callInitiatedCallbackUrl": f"{BASE}/initiate", "callStatusCallbackUrl": f"{BASE}/status"}
        await self.tell("begin", "PUT", f"/_local/applications/{self._application()}", urls)
        for number in PHONES[:3]:
            await self.tell("begin", "POST", f"{VOICE}/calls", call_fields(number))
        await self.tell("begin", "POST", "/_local/clock", {"advance": 3})

    async def close(self) -> None:
        """End it."""
        await self.http.aclose()
        await self.platform.close()

    # What is known of the platform

    def learn(self) -> None:
        """Note ids, addresses and URLs that mean something now."""
        engine = self.platform.world.engine
        self.known["call"] = list(engine.calls)[-6:]
        self.known["number"] = [*PHONES, NUMBER_2]
        self.known["url"] = ["/redirect", f"{BASE}/next", "/a.wav"]
        self.known["audio"] = ["/a.wav", "/b.ogg"]
        self.known["endpoint"] = list(getattr(engine, "endpoints", {}))[-4:]
        for name in ("conferences", "participants", "sessions", "recordings", "transcriptions"):
            self.known[name] = [str(key) for key in getattr(engine, name, {})][-4:]

    def ids(self) -> dict[str, str]:
        """Values for path parameters, by their names in the documents; now and then one is missing, and stays made up."""
        pools = {
            "callId": "call",
            "memberId": "call",
            "conferenceId": "conferences",
            "participantId": "participants",
            "sessionId": "sessions",
            "recordingId": "recordings",
            "transcriptionId": "transcriptions",
            "endpointId": "endpoint",
        }
        found = {name: self.random.choice(self.known[pool]) for name, pool in pools.items() if self.known.get(pool)}
        return {name: value for name, value in {**found, "accountId": "9900000"}.items() if self.random.random() < 0.93}

    # Requests

    async def send(self, kind: str, request: httpx.Request, *, credentials: bool = True) -> httpx.Response:
        """One request; what comes back is checked."""
        if credentials:  # those of a schema's making are refused before anything else is looked at
            request.headers["Authorization"] = "Basic bG9jYWw6bG9jYWw="
        request.headers.setdefault("Host", "127.0.0.1:8010")
        what = f"{request.method} {request.url} {request.content[:200]!r}"
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self.http.send(request)
        except TimeoutError:
            raise AssertionError(f"it hangs: {what}") from None
        self.tally.requests += 1
        self.tally.kinds[kind] += 1
        self.tally.statuses[answer.status_code] += 1
        assert answer.status_code < 500, f"{answer.status_code} {answer.text[:300]}: {what}"
        if answer.content and "json" in answer.headers.get("content-type", "") and "ndjson" not in answer.headers["content-type"]:
            json.loads(answer.content)
        assert not self.failures, f"{self.failures}: {what}"
        return answer

    async def tell(self, kind: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request with a JSON body."""
        return await self.send(kind, httpx.Request(method, URL + path, json=body))

    # Steps

    async def documented(self) -> None:
        """A request that a document describes, with right or wrong data."""
        source = self.draw(st.sampled_from(operations.sources()))
        case = self.draw(source.cases)
        try:
            request = operations.request(case, self.ids())
        except (httpx.InvalidURL, UnicodeError, ValueError):
            return  # no client could send it
        answer = await self.send("documented", request, credentials=self.random.random() < 0.95)
        operations.check(case, answer, source.statuses)

    async def place_call(self) -> None:
        """A call to a phone, a number of the account or the interconnect."""
        to = self.random.choice((*PHONES, *PHONES, NUMBER, NUMBER_2, tokens.INTERCONNECT, "sip:someone@else.test"))
        body: dict[str, Any] = call_fields(to)
        if self.random.random() < 0.3:
            body[self.random.choice(FIELDS)] = self.random.choice(
                (1, 1.5, 20, "t", None, True, {}, {"mode": "sync"}, {"mode": "async"}, [])
            )
        await self.tell("call", "POST", f"{VOICE}/calls", body)

    async def change_call(self) -> None:
        """A call gets another document, another URL, or its end."""
        for call_id in self.known["call"][-1:]:
            change = self.random.choice(({"state": "completed"}, {"redirectUrl": f"{BASE}/next"}, {"state": "active"}, {"tag": "x"}))
            await self.tell("change", "POST", f"{VOICE}/calls/{call_id}", change)

    async def document(self) -> None:
        """A document by request, for a call, a conference or an endpoint."""
        pools = {"call": f"{VOICE}/calls", "conferences": f"{VOICE}/conferences", "endpoint": "/v2/accounts/9900000/endpoints"}
        pool = self.random.choice([name for name in pools if self.known[name]] or ["call"])
        path = f"{pools[pool]}/{self.random.choice(self.known[pool] or ['c-1'])}/bxml"
        headers = {"Content-Type": "application/xml"}
        await self.send("document", httpx.Request("PUT", URL + path, content=self.wild.document(), headers=headers))

    async def person(self) -> None:
        """Somebody at a phone does something."""
        number = self.random.choice(PHONES)
        action = self.random.choice(("dial", "dial", "answer", "hangup", "reject", "keys", "say"))
        body = {
            "dial": {"to": self.random.choice((NUMBER, NUMBER_2))},
            "keys": {"digits": self.random.choice(("1", "12#", "*", "x"))},
            "say": {"text": self.random.choice(("Hello?", " ", "Word " * 150))},
        }
        await self.tell("phone", "POST", f"/_local/phones/{number}/{action}", body.get(action))

    async def script(self) -> None:
        """A phone gets another script."""
        script = (
            {"by_hand": True},
            {"busy": True},
            {"reject": True},
            {"answer": False},
            {"hangup_after": 3},
            {"rings": False},
            {"answered_by": "answering-machine"},
            {},
        )
        await self.tell("phone", "PUT", f"/_local/phones/{self.random.choice(PHONES)}", self.random.choice(script))

    async def participant(self) -> None:
        """A session with a participant whose device connects, and its place at the interconnect."""
        made = (await self.tell("webrtc", "POST", f"{WEBRTC}/participants", {"tag": "p", "callbackUrl": f"{BASE}/p"})).json()
        session = (await self.tell("webrtc", "POST", f"{WEBRTC}/sessions", {})).json()
        one = made["participant"]["id"]
        await self.tell("webrtc", "PUT", f"{WEBRTC}/sessions/{session['id']}/participants/{one}", {"sessionId": session["id"]})
        if self.random.random() < 0.5:
            await self.tell("webrtc", "POST", f"/_local/participants/{one}/connect")
        else:
            body = call_fields(tokens.INTERCONNECT) | {"uui": tokens.uui_for(made["token"])}
            await self.tell("webrtc", "POST", f"{VOICE}/calls", body)

    async def control(self) -> None:
        """Any control with any fields."""
        method, path = self.random.choice(self.controls)
        await self.tell("control", method, self._filled(path), self._body())

    async def nonsense(self) -> None:
        """Bytes at a path: no schema would make them."""
        method, path = self.random.choice(self.every)
        content, types = self.random.choice(BYTES), self.random.choice(MEDIA_TYPES)
        headers, query = {"Content-Type": types.encode("latin-1")}, self.random.choice(QUERIES)
        await self.send("nonsense", httpx.Request(method, URL + self._filled(path) + query, content=content, headers=headers))

    def _filled(self, path: str) -> str:
        pools = {"number": [*PHONES, "1", "%00"], "account_id": ["9900000", "1"], "application_id": [self._application(), "x"]}
        pools |= {"participant_id": self.known["participants"], "call_id": self.known["call"], "session_id": self.known["sessions"]}
        pools |= {"conference_id": self.known["conferences"], "endpoint_id": self.known["endpoint"]}
        while "{" in path:
            head, _, rest = path.partition("{")
            name, _, tail = rest.partition("}")
            path = head + self.random.choice(pools.get(name.partition(":")[0]) or ["x%2Fy", "..", "%F0%9F"]) + tail
        return path

    def _application(self) -> str:
        return next(iter(self.platform.setup.applications))

    def _body(self) -> Any:
        values = (*JUNK, 0, 1, -1, 1e308, True, False, None, [], {}, [1], {"x": 1}, *PHONES[:2], *self.known["call"][:1], 3.5, "POST", "V3")
        body = {self.random.choice(WORDS): self.random.choice(values) for _ in range(self.random.choice((0, 1, 1, 2, 4)))}
        return self.random.choice((body, body, body, body, [], "x", None))

    async def look(self) -> None:
        """Everything that can be looked at without changing it."""
        for path in ("/_local/state", "/_local/hears", "/_local/events?after=0", f"{VOICE}/calls", f"{VOICE}/conferences"):
            await self.send("look", httpx.Request("GET", URL + path))

    async def time(self) -> None:
        """The clock moves, or is told nonsense."""
        wish = (0, 0.1, 1, 7, 40, 400, 90_000, -1, "x", 1e9, True)
        wrong: tuple[dict[str, Any], ...] = ({"pause": True}, {"run_to": "x"}, {"y": 1})
        move = self.random.choice(({"run_to": "idle"}, {"run_to": "idle"}, *({"advance": seconds} for seconds in wish), *wrong))
        await self.tell("clock", "POST", "/_local/clock", move)

    async def step(self) -> None:
        """One of all these."""
        self.learn()
        steps: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            *((4, self.place_call), (4, self.document), (3, self.change_call), (3, self.person), (1, self.script), (1, self.participant)),
            *((3, self.control), (2, self.nonsense), (1, self.look), (4, self.time), (16 if operations.sources() else 0, self.documented)),
        ]
        weights, acts = [weight for weight, _ in steps], [act for _, act in steps]
        await self.random.choices(acts, weights)[0]()
        self.hold()

    # What holds

    def hold(self) -> None:
        """What holds at any time: the properties of the pure engine that need nobody else's answers."""

        class Seen:
            rig = self.platform.world

        Properties.links_join_the_living(Seen)  # type: ignore[arg-type]
        Properties.conferences_hold_the_living(Seen)  # type: ignore[arg-type]

    async def aftermath(self) -> None:
        """Everything ends, time passes, all is forgotten, and a call goes through."""
        self.application.tame = True
        world = self.platform.world
        for _ in range(10):  # whoever is left alone may go on with a Transfer of its own
            for call in [call for call in world.engine.calls.values() if call.active]:
                await self.tell("aftermath", "POST", f"{VOICE}/calls/{call.call_id}", {"state": "completed"})
            for number in list(world.engine.on_phone):  # the application has no say over forwarded calls
                await self.tell("aftermath", "POST", f"/_local/phones/{quote(number)}/hangup", {})
            await self.tell("aftermath", "POST", "/_local/clock", {"run_to": "idle"})
        await self.tell("aftermath", "POST", "/_local/clock", {"advance": FORGOTTEN})
        assert not (kept := left(world.engine)), kept
        assert not world._tasks and not world._slow and not world._holds
        await self.probe()

    async def probe(self) -> None:
        """A call to a phone nobody touched: asked for a document, gets none, ends."""
        self.tally.webhooks += len(self.application.requests)
        self.application.requests.clear()
        made = await self.tell("probe", "POST", f"{VOICE}/calls", call_fields(PROBE))
        assert made.status_code == 201, made.text
        await self.tell("probe", "POST", "/_local/clock", {"run_to": "idle"})
        assert self.application.events == ["answer", "disconnect"]
        state = (await self.tell("probe", "GET", f"{VOICE}/calls/{made.json()['callId']}")).json()
        assert (state["state"], state["disconnectCause"]) == ("disconnected", "hangup")


def left(engine: Core) -> dict[str, int]:
    """What the core still holds, by field, settings apart."""
    sizes = {item.name: getattr(engine, item.name) for item in fields(engine) if item.name not in SETTINGS}
    return {name: len(value) for name, value in sizes.items() if isinstance(value, dict | list | set) and value}


def _told(context: Mapping[str, Any]) -> str:
    import traceback

    problem = context.get("exception")
    return context["message"] + ("".join(traceback.format_exception(problem)) if problem else "")


__all__ = ["BROKEN", "Siege", "Tally", "hurried", "left"]
