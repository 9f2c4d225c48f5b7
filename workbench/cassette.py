"""A flow saved as a file: its requests and webhooks in order, masked, to be put to handlers again by `workbench.replay`.

The file is JSON that people read and compare: one event after the other, keys in a fixed order. What differs from run to run without
meaning anything is evened out: the flow's number, the callback server's address, and, live, customers' numbers, which become made-up ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from workbench import files
from workbench.errors import WorkbenchError
from workbench.evening import Evened
from workbench.records import Event

FORMAT, VERSION = "workbench-cassette", 1
# A flow of a thousand webhooks is about 2 MB.
LIMIT = 8 * 1024 * 1024
Begins = Literal["outbound", "inbound"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the application made. `by` is the number of the event whose handler made it; None: it was made outside handlers."""

    leg: str | None
    operation: str
    method: str
    path: str
    request: Any = None
    status: int | None = None
    response: Any = None
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A webhook and what it was answered. `given`: the document was not a handler's but came with the redirect that asked for it."""

    leg: str | None
    event_type: str
    data: Mapping[str, Any]
    status: int | None = None
    reply: str = ""
    verbs: tuple[str, ...] = ()
    failed: bool = False
    given: bool = False


@dataclass(frozen=True, slots=True)
class Cassette:
    """A flow as it was. `legs` are numbers by name, `room` is a conference's name, `session` the WebRTC session's id."""

    title: str
    mode: str
    begins: Begins
    plan: str = ""
    room: str = ""
    session: str = ""
    number: str = ""
    interconnect: str = ""
    legs: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Request | Told, ...] = ()

    def __repr__(self) -> str:
        """Short: a cell's last value is saved with the notebook."""
        return f"<Cassette {self.title!r}: {self.mode}, {self.begins}, {len(self.events)} events>"

    @classmethod
    def from_flow(cls, flow: Any, events: Iterable[Event], *, secret: Iterable[str] = (), title: str = "") -> Cassette:
        """The cassette of a flow with the log's events of it, in order; `secret` values are hidden wherever they turn up."""
        desk, chosen = flow.mode.desk, [one for one in events if one.duplicate_of is None]
        even = Evened(flow, secret)
        numbers = {one.id: count for count, one in enumerate(chosen, 1)}
        made = tuple(_event(one, numbers, flow.given) for one in chosen)
        calls_in = [one for one in chosen if one.event_type == "initiate" and one.direction == "webhook"]
        dialled = any(one.event_type == "createCall" and "during" not in one.data for one in chosen)
        return cls(
            title=title or f"{flow.mode.name.capitalize()}",
            mode=flow.mode.name,
            begins="inbound" if calls_in and not dialled else "outbound",
            plan=flow.plan,
            room=even(getattr(flow, "name", "")),
            session=_session(chosen),
            number=even(desk.number),
            interconnect=desk.webrtc.address,
            legs={name: even(_number(name, number, chosen, desk.shown)) for name, number in desk.board.numbers(flow).items()},
            events=tuple(_evened(one, even) for one in made),
        )

    # -- files ---------------------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The file's text."""
        head = {"format": FORMAT, "version": VERSION, **{name: getattr(self, name) for name in _TEXTS}, "legs": dict(self.legs)}
        return json.dumps({**head, "events": [_kept(one) for one in self.events]}, indent=1, ensure_ascii=False) + "\n"

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the file; an existing one stays unless `overwrite`. Gives its path."""
        return files.write(path, self.text(), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> Cassette:
        """Read a file. WorkbenchError says what is wrong with it."""
        source = files.named(path, "cassette")
        try:
            if source.stat().st_size > LIMIT:
                raise WorkbenchError(f"{source} is too large for a cassette: more than {LIMIT // 1024 // 1024} MB")
            text = source.read_bytes().decode()
        except OSError as error:
            raise WorkbenchError(f"{source} cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise WorkbenchError(f"{source} is no cassette: it is not text in UTF-8") from error
        try:
            return cls.read(text)
        except WorkbenchError as error:
            raise WorkbenchError(f"{source}: {error}") from error.__cause__

    @classmethod
    def read(cls, text: str) -> Cassette:
        """The cassette in a file's text. WorkbenchError names the field, and the event's number, that is missing or wrong."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            cut = isinstance(error, json.JSONDecodeError) and error.pos >= len(text.rstrip()) - 1
            what = "it ends in the middle; get the whole file" if cut and text.strip() else f"it is not JSON ({error})"
            raise WorkbenchError(f"no cassette: {what}") from error
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise WorkbenchError(f'no cassette: its "format" is not "{FORMAT}"; wb.save(path) writes one')
        version = found.get("version")
        if version != VERSION or isinstance(version, bool):
            raise WorkbenchError(f"a cassette of version {version!r}, but version {VERSION} is read here; use the workbench that wrote it")
        return _cassette(found)

    def export_test(self, path: str | Path, handlers: str | None = None, overwrite: bool = False) -> Path:
        """Write a pytest of this cassette, with a copy of it beside; gives the test's path.

        `handlers` names what is tested, `module:name` of a dictionary from event types to functions; without, the mode's own handlers.
        """
        from workbench.as_pytest import export

        return export(self, path, handlers, overwrite)


_TEXTS = ("title", "mode", "begins", "plan", "room", "session", "number", "interconnect")
_MODES = ("transfer", "bridge", "conference")
# Which types a field of an event may have; what may be left out stands at its default.
_TYPES: dict[str, tuple[type, ...]] = {
    "leg": (str, type(None)),
    "operation": (str,),
    "method": (str,),
    "path": (str,),
    "status": (int, type(None)),
    "by": (int, type(None)),
    "event_type": (str,),
    "data": (dict,),
    "reply": (str,),
    "verbs": (list,),
    "failed": (bool,),
    "given": (bool,),
}
_KINDS: dict[str, tuple[type[Request | Told], tuple[str, ...]]] = {
    "request": (Request, ("operation", "method", "path")),
    "webhook": (Told, ("event_type", "data")),
}


def _cassette(found: Mapping[str, Any]) -> Cassette:
    heads = {name: _checked(found, name, str, "") for name in _TEXTS}
    for name, allowed in (("mode", _MODES), ("begins", get_args(Begins))):
        if heads[name] not in allowed:
            raise WorkbenchError(f'"{name}" is one of {", ".join(allowed)}, not {heads[name]!r}')
    legs, events = _checked(found, "legs", dict, ""), _checked(found, "events", list, "")
    for name, number in legs.items():
        if not isinstance(number, str):
            raise WorkbenchError(f'"legs": the number of {name!r} is text, not {type(number).__name__}')
    return Cassette(**heads, legs=legs, events=tuple(_read(one, number) for number, one in enumerate(events, 1)))


def _read(one: Any, number: int) -> Request | Told:
    where = f"event {number}: "
    if not isinstance(one, dict):
        raise WorkbenchError(f"{where}a JSON object is expected, not {type(one).__name__}")
    kind = one.get("kind")
    if kind not in _KINDS:
        raise WorkbenchError(f'{where}"kind" is request or webhook, not {kind!r}')
    made, needed = _KINDS[kind]
    for name in needed:
        _checked(one, name, _TYPES[name], where)
    fields = {name: value for name, value in one.items() if name not in ("kind", "n")}
    for name, value in fields.items():
        if name not in made.__slots__:
            raise WorkbenchError(f'{where}there is no field "{name}" in a {kind}')
        if name in _TYPES:
            _checked(fields, name, _TYPES[name], where)
        if name == "verbs":
            if not all(isinstance(verb, str) for verb in value):
                raise WorkbenchError(f'{where}"verbs" is a list of names')
            fields[name] = tuple(value)
    return made(**{"leg": None, **fields})


def _checked(found: Mapping[str, Any], name: str, types: type | tuple[type, ...], where: str) -> Any:
    """A field's value. WorkbenchError when it is missing or of another type."""
    types = types if isinstance(types, tuple) else (types,)
    if name not in found:
        raise WorkbenchError(f'{where}the field "{name}" is missing')
    value = found[name]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        wanted = " or ".join("null" if one is type(None) else one.__name__ for one in types)
        raise WorkbenchError(f'{where}"{name}" must be {wanted}, not {type(value).__name__}')
    return value


def _kept(one: Request | Told) -> dict[str, Any]:
    """An event as the file has it: what stands at its default is left out."""
    kind = "request" if isinstance(one, Request) else "webhook"
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(one).items()}
    return {"kind": kind, **{name: value for name, value in plain.items() if value not in (None, "", [], False) or name == "data"}}


# -- what is written down of an event ----------------------------------------------------------------------------------------------


def _event(event: Event, numbers: Mapping[int, int], given: Iterable[int]) -> Request | Told:
    data = event.data
    if event.direction == "request":
        return Request(
            leg=event.leg,
            operation=event.event_type,
            method=str(data["method"]),
            path=str(data["path"]),
            request=data.get("request"),
            status=event.status,
            response=data.get("response"),
            by=numbers.get(data.get("during") or 0),
        )
    return Told(
        leg=event.leg,
        event_type=event.event_type,
        data=data,
        status=event.status,
        reply=event.reply or "",
        verbs=event.verbs,
        failed=event.error is not None,
        given=event.id in given,
    )


def _evened(one: Request | Told, even: Evened) -> Request | Told:
    return type(one)(**{name: even(getattr(one, name)) if name in _SHOWN else getattr(one, name) for name in one.__slots__})


_SHOWN = frozenset({"path", "request", "response", "data", "reply"})


def _number(leg: str, number: str, events: Iterable[Event], shown: Callable[[str], str]) -> str:
    """A leg's number as its events have it: one that is hidden must be hidden alike everywhere."""
    masked = shown(number)
    return masked if masked == number else next((end for one in events if one.leg == leg and (end := _end(one))), masked)


def _end(event: Event) -> str | None:
    """The other end of a leg's call, as an event tells it."""
    if event.direction == "request":
        return event.to
    target = event.data.get("transferTo") if event.data.get("parentCallId") else None
    return event.from_ if event.data.get("direction") == "inbound" else str(target or event.to or "")


def _session(events: Iterable[Event]) -> str:
    paths = [str(one.data["path"]).split("/") for one in events if one.event_type == "addParticipantToSession"]
    return paths[0][2] if paths else ""
