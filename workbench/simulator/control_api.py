"""`/_local/…`: what only the local platform has. Phones, the interconnect, simulated devices, the clock, and what happened."""

from __future__ import annotations

from dataclasses import asdict
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from workbench.simulator.account_controls import AccountControls
from workbench.simulator.accounts import Accounts
from workbench.simulator.bodies import iso
from workbench.simulator.device_controls import DeviceControls
from workbench.simulator.effects import Refusal
from workbench.simulator.rules import RULES
from workbench.simulator.tickets import Tickets
from workbench.simulator.wire import BadBody, Handler, Operation, fields_of, json_response, routes, text_of
from workbench.simulator.world import World

BASE = "/_local"
NDJSON = "application/x-ndjson"
MOST_SECONDS = 366 * 86400.0
MEASURE_SECONDS, SHORTEST_MEASURE, LONGEST_MEASURE = 0.4, 0.04, 5.0


def error(status: int, text: str, rule: str | None = None) -> Response:
    """A refusal that names what is wrong and the rule behind it."""
    body = {"error": text, "rule": rule}
    if rule is not None and rule in RULES:
        body |= {"label": RULES[rule].label, "text": RULES[rule].text}
    return json_response(body, status, {"WWW-Authenticate": "Bearer"} if status == 401 else None)


def is_loopback(host: str) -> bool:
    """Whether a Host header or URL authority names this machine; other names may have been pointed at us by a page in a browser."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def strange_host(headers: Headers) -> str | None:
    """Why a request does not come from this machine's own pages and programs; None when it does."""
    origin = headers.get("origin")
    if not is_loopback(headers.get("host", "")):
        return "the Host header must name a loopback address"
    if origin is not None and not is_loopback(origin.partition("://")[2]):
        return "pages of other hosts may not control the platform"
    return None


class ControlApi:
    """The controls of one world. `token` is asked for when set; `public` admits other machines."""

    def __init__(
        self, world: World, accounts: Accounts, token: str | None = None, public: bool = False, tickets: Tickets | None = None
    ) -> None:
        self._world, self._token, self._public, self._tickets = world, token, public, tickets or Tickets()
        self._account, self._devices = AccountControls(world, accounts), DeviceControls(world)

    def operations(self) -> list[Operation]:
        """Every control with its path."""
        phone = "/phones/{number}"
        return [
            Operation("PUT", phone, "script a phone", self.configure_phone),
            Operation("POST", phone + "/dial", "dial a number of the account", self.dial),
            Operation("POST", phone + "/answer", "pick up", self.answer),
            Operation("POST", phone + "/hangup", "hang up", self.hangup),
            Operation("POST", phone + "/reject", "decline", self.reject),
            Operation("POST", phone + "/keys", "press keys", self.keys),
            Operation("POST", phone + "/say", "say a sentence", self.say),
            Operation("POST", phone + "/ticket", "a ticket for the phone's handset", self.ticket),
            Operation("PUT", "/interconnect", "script the SIP interconnect", self.configure_interconnect),
            *self._account.operations(),
            *self._devices.operations(),
            Operation("GET", "/hears", "who hears whom", self.hears),
            Operation("POST", "/hears/measure", "measure who hears whom", self.measure),
            Operation("GET", "/state", "everything there is", self.state),
            Operation("GET", "/events", "what happened, as NDJSON", self.events),
            Operation("GET", "/rules/{rule}", "what a rule says, how sure it is, and where it is written", self.rule),
            Operation("GET", "/faults", "what goes wrong with webhooks on demand", self.get_faults),
            Operation("PUT", "/faults", "have webhooks come twice, late or not at all, and tokens expire", self.put_faults),
            Operation("POST", "/clock", "pause, advance, run to idle, resume, halt", self.clock),
            Operation("POST", "/reset", "start over", self.reset),
        ]

    def routes(self) -> list[Route]:
        """The controls as routes."""
        return routes(BASE, self.operations(), self._guard)

    def _guard(self, handler: Handler) -> Handler:
        def refused(status: int, text: str, rule: str) -> Response:
            return self._world.refuse(error(status, text, rule), rule)

        async def guarded(request: Request) -> Response:
            foreign = strange_host(request.headers)
            if foreign is not None and not self._public:
                return refused(403, foreign, "local.loopback")
            if self._token is not None and not compare_digest(_token(request).encode(), self._token.encode()):
                return refused(401, "the token of this start is missing or wrong: send it as X-Workbench-Token or Bearer", "local.token")
            try:
                return await handler(request)
            except Refusal as refusal:
                return refused(refusal.status, refusal.description, refusal.rule)
            except BadBody as bad:
                return refused(bad.status, bad.description, bad.rule)

        return guarded

    # Phones

    async def configure_phone(self, request: Request) -> Response:
        """PUT /_local/phones/{number}"""
        fields, number = await fields_of(request), request.path_params["number"]
        return json_response(asdict(self._world.run(lambda engine, now: engine.configure_phone(number, fields))))

    async def dial(self, request: Request) -> Response:
        """POST /_local/phones/{number}/dial {"to", "uui", "headers", "diversion", "stirShaken", "identity"}"""
        number, fields = request.path_params["number"], await fields_of(request)
        to = text_of(fields, "to")
        call = self._world.run(lambda engine, now: engine.dial(now, number, to, {name: fields[name] for name in fields if name != "to"}))
        return json_response({"callId": call.call_id, "from": call.from_, "to": call.to})

    async def answer(self, request: Request) -> Response:
        """POST /_local/phones/{number}/answer"""
        self._world.run(lambda engine, now: engine.phone_answer(now, request.path_params["number"]))
        return Response(None, 204)

    async def hangup(self, request: Request) -> Response:
        """POST /_local/phones/{number}/hangup"""
        self._world.run(lambda engine, now: engine.phone_hangup(now, request.path_params["number"]))
        return Response(None, 204)

    async def reject(self, request: Request) -> Response:
        """POST /_local/phones/{number}/reject"""
        self._world.run(lambda engine, now: engine.phone_reject(now, request.path_params["number"]))
        return Response(None, 204)

    async def keys(self, request: Request) -> Response:
        """POST /_local/phones/{number}/keys {"digits"}"""
        number, digits = request.path_params["number"], text_of(await fields_of(request), "digits")
        self._world.run(lambda engine, now: engine.phone_keys(now, number, digits))
        return Response(None, 204)

    async def say(self, request: Request) -> Response:
        """POST /_local/phones/{number}/say {"text"}"""
        number, text = request.path_params["number"], text_of(await fields_of(request), "text")
        self._world.run(lambda engine, now: engine.phone_say(now, number, text))
        return Response(None, 204)

    async def ticket(self, request: Request) -> Response:
        """POST /_local/phones/{number}/ticket"""
        number = self._world.engine.check_handset(request.path_params["number"])
        ticket = self._tickets.issue(number)
        return json_response({"ticket": ticket, "path": f"{BASE}/handset?ticket={ticket}"}, headers={"Cache-Control": "no-store"})

    # The interconnect and the account

    async def configure_interconnect(self, request: Request) -> Response:
        """PUT /_local/interconnect"""
        fields = await fields_of(request)
        return json_response(asdict(self._world.run(lambda engine, now: engine.configure_interconnect(fields))))

    # What there is and what happened

    async def hears(self, request: Request) -> Response:
        """GET /_local/hears"""
        return json_response(self._world.engine.hears())

    async def measure(self, request: Request) -> Response:
        """POST /_local/hears/measure {"seconds"}"""
        seconds = _seconds(await fields_of(request))
        measured = await self._world.sound.measure(seconds)
        computed = self._world.engine.hears()
        return json_response({"parties": computed["parties"], "hears": measured, "computed": computed["hears"], "seconds": seconds})

    async def state(self, request: Request) -> Response:
        """GET /_local/state"""
        return json_response(self._world.engine.state())

    async def events(self, request: Request) -> Response:
        """GET /_local/events?after=seq&follow=true&hears=true"""
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 20):
            raise Refusal(400, f"after: must be a sequence number, but was {after!r}", "local.field")
        stream = self._world.stream
        if int(after) < stream.forgotten:
            self._world.engine.follow("stream.bounded")
        hears = request.query_params.get("hears") == "true"
        if hears:
            self._world.engine.follow("local.hears")
            self._world.pictures.begin()
        follow = stream.follow if request.query_params.get("follow") == "true" else stream.replay
        lines = follow(int(after), hears=hears)
        return StreamingResponse(lines, media_type=NDJSON)

    # Time

    async def rule(self, request: Request) -> Response:
        """GET /_local/rules/{rule}"""
        rule = RULES.get(request.path_params["rule"])
        if rule is None:
            raise Refusal(404, f"there is no rule {request.path_params['rule']!r}", "local.field")
        return json_response({"rule": rule.id, "text": rule.text, "label": rule.label, "source": rule.source})

    async def get_faults(self, request: Request) -> Response:
        """GET /_local/faults"""
        return json_response(self._world.faults.shown() | {"expiredTokens": self._world.engine.stale_tokens})

    async def put_faults(self, request: Request) -> Response:
        """PUT /_local/faults {"faults": [{"kind", "event", "times", "chance"}], "seed", "expiredTokens"}"""
        tokens = self._world.faults.set(await fields_of(request))
        self._world.engine.expire_tokens(tokens)
        return await self.get_faults(request)

    async def clock(self, request: Request) -> Response:
        """POST /_local/clock with any of advance, pause, resume, run_to; or halt, which takes no turn behind a move"""
        fields = await fields_of(request)
        for name, value in fields.items():
            _check_clock(name, value)
        if "halt" in fields:
            self._world.halt(fields["halt"])
            return self._time()
        await self._world.move(
            pause=fields.get("pause", False),
            advance=float(fields["advance"]) if "advance" in fields else None,
            to_idle="run_to" in fields,
            resume=fields.get("resume", False),
        )
        return self._time()

    def _time(self) -> Response:
        world = self._world
        return json_response({"now": iso(world.clock.now()), "paused": world.clock.paused, "halted": world.halted})

    async def reset(self, request: Request) -> Response:
        """POST /_local/reset"""
        self._world.reset()
        return Response(None, 204)


def _token(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("x-workbench-token") or (value.strip() if scheme.lower() == "bearer" else "")


def _seconds(fields: dict[str, Any]) -> float:
    """How long to measure."""
    if unknown := sorted(fields.keys() - {"seconds"}):
        raise Refusal(400, f"unknown field {unknown[0]}: only seconds", "local.field")
    seconds = fields.get("seconds", MEASURE_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not SHORTEST_MEASURE <= seconds <= LONGEST_MEASURE:
        allowed = f"a number from {SHORTEST_MEASURE:g} to {LONGEST_MEASURE:g}"
        raise Refusal(400, f"seconds: must be {allowed}, but was {seconds!r}", "local.field")
    return float(seconds)


def _check_clock(name: str, value: Any) -> None:
    if name == "advance":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= MOST_SECONDS:
            raise Refusal(400, f"advance: must be a number of seconds from 0 to {MOST_SECONDS:.0f}, but was {value!r}", "local.clock")
    elif name in ("pause", "resume", "halt"):
        if not isinstance(value, bool):
            raise Refusal(400, f"{name}: must be true or false, but was {value!r}", "local.clock")
    elif name == "run_to":
        if value != "idle":
            raise Refusal(400, f'run_to: must be "idle", but was {value!r}', "local.clock")
    else:
        raise Refusal(400, f"unknown field {name}: one of advance, pause, resume, run_to", "local.clock")
