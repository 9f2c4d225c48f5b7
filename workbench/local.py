"""What only the local platform can do: ring its phones, move its clock, tell who hears whom and what happened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from workbench.errors import CLOSED, ApiError, WorkbenchError
from workbench.handles import Clock, Device, Phone

if TYPE_CHECKING:
    import httpx
    from pandas import DataFrame

MEASURE_SECONDS = 60.0  # in which a measurement has its turn
_COLUMNS = frozenset({"callId", "callIds", "from", "to"})
COLUMNS = ("time", "happening", "leg", "from", "to", "what", "label", "rule", "call", "seq")


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the platform did: an INVITE, ringing, an answer, a sentence. `time` is ISO 8601, `seq` its place among all events."""

    seq: int
    time: str
    kind: str
    rule: str
    label: str
    data: Mapping[str, Any]

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The calls it is about."""
        both = self.data.get("callIds")
        return tuple(map(str, both)) if both else tuple(filter(None, [self.data.get("callId")]))


class Local:
    """A local platform that listens at `url`; `token` opens its controls. Thread-safe.

    `before_dial` is called with (from, to) when a phone is about to dial; `name_of` gives a leg's name by its call and where that went,
    `mask` hides secrets in what is shown.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        before_dial: Callable[[str, str], object] = lambda caller, to: None,
        name_of: Callable[[str, str], str] = lambda call_id, to: "",
        mask: Callable[[str], str] = lambda text: text,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url
        self.clock = Clock(self)
        self.before_dial = before_dial
        self._name_of = name_of
        self._mask = mask
        import httpx  # late: it takes a tenth of a second, in which the platform's process can begin

        headers = {"X-Workbench-Token": token} if token else {}
        self._client = httpx.Client(base_url=f"{url}/_local", headers=headers, transport=transport, trust_env=False, timeout=15.0)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<local platform at {self.url}>"

    # -- phones and the interconnect -----------------------------------------------------------------------------------------------

    def phone(self, number: str, name: str = "") -> Phone:
        """The simulated phone at a number. Every number has one; by default it rings for a second and answers."""
        return Phone(number, name or number, self)

    def interconnect(self, **script: Any) -> dict[str, Any]:
        """How the SIP interconnect takes the WebRTC leg: `answer` (True), `answer_seconds` (0.2). Gives the script that now holds."""
        return dict(self.send("PUT", "/interconnect", script))

    def connect(self, holder: Any, *, name: str = "", publish: bool = True, auto_accept: bool = True) -> Device:
        """Connect a simulated device with the token of a participant or an endpoint; it publishes and hears like a real one.

        `holder` has the token (as `.token` or `["token"]`), or is it. `publish`: whether it sends audio from the start; `auto_accept`:
        whether it takes what an endpoint is offered by itself.
        """
        fields: dict[str, Any] = {"token": token_of(holder), "publish": publish, "autoAccept": auto_accept}
        made = self.send("POST", "/devices", {**fields, "name": name} if name else fields)
        return Device(str(made["deviceId"]), self)

    def disconnect(self, holder: Any) -> None:
        """Have the simulated device of a participant or an endpoint leave, given itself or its id; without one nothing happens."""
        for one in self.devices(holder):
            Device(one["deviceId"], self).leave()

    def devices(self, holder: Any) -> list[dict[str, Any]]:
        """The devices that stand for a participant or an endpoint, given itself or its id; one, or none."""
        wanted = str(getattr(holder, "id", holder))
        return [one for one in self.state()["devices"] if wanted in (one["participantId"], one["endpointId"])]

    # -- the account ---------------------------------------------------------------------------------------------------------------

    def application(self, application_id: str, **values: Any) -> dict[str, Any]:
        """Set a voice application's callback URLs and their credentials, by their names in Bandwidth's Dashboard API."""
        return dict(self.send("PUT", f"/applications/{quote(application_id)}", values))

    def state(self) -> dict[str, Any]:
        """Everything there is: account, applications, numbers, phones, calls, conferences, sessions, participants, endpoints, devices."""
        return dict(self.send("GET", "/state"))

    def rule(self, rule: str) -> dict[str, str]:
        """What a rule of the platform says: text, label, source. Raises ApiError for one that does not exist."""
        return dict(self.send("GET", f"/rules/{quote(rule, safe='')}"))

    def reset(self) -> None:
        """Start over: nothing is left of calls, sessions and scripts."""
        self.send("POST", "/reset")

    # -- what happens --------------------------------------------------------------------------------------------------------------

    def hears(self) -> dict[str, Any]:
        """Who hears whom, by id: `{"parties": [{"id", "name", "kind"}], "hears": {id: [id]}}`."""
        return dict(self.send("GET", "/hears"))

    def measure(self, seconds: float = 0.4) -> dict[str, list[str]]:
        """Who really hears whom, by id: for so many seconds each voice is a tone of its own, looked for at every ear. Takes turns."""
        return dict(self.send("POST", "/hears/measure", {"seconds": seconds}, timeout=MEASURE_SECONDS)["hears"])

    def matrix(self, names: Mapping[str, str] | None = None, *, measured: bool = False) -> DataFrame:
        """Who hears whom as a table: a row per listener, a column per voice. `names` calls phones, given by number, otherwise."""
        from workbench.tables import Matrix

        found, names = self.hears(), names or {}
        if measured:
            found = {**found, "hears": self.measure()}
        ids = [party["id"] for party in found["parties"]]
        called = [names.get(party["id"], party["name"]) for party in found["parties"]]
        rows = [[other in found["hears"].get(one, ()) for other in ids] for one in ids]
        return Matrix(rows, index=called, columns=called, dtype=bool)

    def happenings(self, kind: str | None = None, after: int = 0, *, hears: bool = False) -> list[Happening]:
        """What the platform did, in order, later than the sequence number `after`; webhooks are in it too.

        With `hears` there is one of that kind at each change of who hears whom, from the first time this is asked for.
        """
        found = (Happening(**record) for record in self.lines(after, hears=hears))
        return [one for one in found if kind is None or one.kind == kind]

    def lines(self, after: int = 0, *, hears: bool = False) -> Iterable[Mapping[str, Any]]:
        """The platform's own record, one mapping per happening; with `hears` also who hears whom, noted at each change from now on."""
        response = self._response("GET", f"/events?after={after}{'&hears=true' if hears else ''}")
        return [json.loads(line) for line in response.text.splitlines()]

    @property
    def events(self) -> DataFrame:
        """What the platform did, as a table: the things no webhook tells."""
        from pandas import DataFrame

        went: dict[str, str] = {}
        rows = []
        for one in self.happenings():
            went.update({call_id: str(one.data["to"]) for call_id in one.call_ids if one.data.get("to")})
            if not one.kind.startswith("webhook"):
                legs = [self._name_of(call_id, went.get(call_id, "")) for call_id in one.call_ids]
                rows.append(self._row(one, ", ".join(filter(None, legs))))
        return DataFrame(rows, columns=list(COLUMNS))

    def _row(self, one: Happening, legs: str) -> tuple[Any, ...]:
        ends = (self._mask(str(one.data.get(end) or "")) for end in ("from", "to"))
        # local time, as in the tables of events
        time = datetime.fromisoformat(one.time).astimezone().strftime("%H:%M:%S.%f")[:-3]
        return (time, one.kind, legs, *ends, self._mask(_what(one.data)), one.label, one.rule, ", ".join(one.call_ids), one.seq)

    # -- the wire ------------------------------------------------------------------------------------------------------------------

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout: float = 15.0) -> Any:
        """One request to the platform's controls; gives the answer's JSON. Raises ApiError with the platform's reason."""
        response = self._response(method, path, body, timeout=timeout)
        return response.json() if response.content else None

    def _response(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout: float = 15.0) -> httpx.Response:
        import httpx

        asked = f"{method} {self.url}/_local{path}"
        if self._client.is_closed:
            raise ApiError(CLOSED, request=asked)
        try:
            response = self._client.request(method, path, json=body, timeout=timeout)
        except httpx.HTTPError as error:
            raise ApiError(f"{asked}: the local platform does not answer ({type(error).__name__})", request=asked) from error
        if response.is_success:
            return response
        told = response.headers
        raise ApiError(
            f"{asked}: {_reason(response)}",
            request=asked,
            status=response.status_code,
            body=response.text,
            rule=told.get("X-Workbench-Rule"),
            label=told.get("X-Workbench-Label"),
        )

    def close(self) -> None:
        """Close the connection; the platform goes on."""
        self._client.close()


def token_of(holder: Any) -> str:
    """The token of whom it was made for, who has it as `.token` or `["token"]`, or is it."""
    return str(holder["token"] if isinstance(holder, Mapping) else getattr(holder, "token", holder))


def _what(data: Mapping[str, Any]) -> str:
    if "text" in data:
        return f"“{data['text']}”" + (f" {data['seconds']} s" if "seconds" in data else "")
    shown = ((name, value) for name, value in data.items() if name not in _COLUMNS and not name.endswith("Id") and value not in (None, ""))
    return ", ".join(f"{name} {value}" for name, value in shown)


def _reason(response: httpx.Response) -> str:
    try:
        told = response.json()
    except ValueError:
        return f"{response.status_code} {response.reason_phrase}"
    why = f"{response.status_code}: {told.get('error')}"
    return f"{why}: {told['text']}" if told.get("text") else why


def dialled(text: str) -> str:
    """A telephone number as it is dialled: spaces, hyphens and brackets are the reader's. Raises WorkbenchError for what is none."""
    from workbench.bxml.fields import E164_OR_SIP

    number = text if text.startswith("sip") else "".join(character for character in text if character not in " -().")
    if (rule := E164_OR_SIP.broken(number)) is not None:
        raise WorkbenchError(f"{text!r} is no telephone: it {rule}")
    return number
