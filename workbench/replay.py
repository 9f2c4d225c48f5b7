"""A cassette's webhooks put to handlers again: without network, platform, sleep or clock.

Requests that handlers make are answered from the cassette. Those that were made outside handlers, as the first call, are made again.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from workbench import entries
from workbench.cassette import Cassette, Request, Told
from workbench.clients import Voice, WebRtc
from workbench.differing import Replay, Step
from workbench.endpoints import Endpoints
from workbench.errors import WorkbenchError
from workbench.evening import BASE
from workbench.modes import (
    Board,
    BridgeMode,
    ConferenceMode,
    Desk,
    EndpointSide,
    Flow,
    Gate,
    Handler,
    Mode,
    Sessions,
    TransferMode,
    WebRtcSide,
)
from workbench.modes.endpoints import BROWSER
from workbench.modes.flow import WEBRTC
from workbench.modes.handlers import EVENT_TYPES, TELLING
from workbench.records import STANDIN, Reply, Webhook
from workbench.settings import Settings
from workbench.tape import Tape
from workbench.wire import Wire

if TYPE_CHECKING:
    from workbench.modes import Leg

MODES: dict[str, type[Mode]] = {mode.name: mode for mode in (TransferMode, BridgeMode, ConferenceMode)}
USER, PASSWORD = "replay", "replay-credential"
PLATFORM = "http://cassette.invalid"


def replay(cassette: Cassette | str | Path, handlers: Mode | Mapping[str, Handler] | None = None, *, patience: float = 5.0) -> Replay:
    """Put a cassette's webhooks to the handlers of a mode, to functions by event type, or to the mode's own; what differs is told.

    A handler has `patience` seconds.
    """
    tape = cassette if isinstance(cassette, Cassette) else Cassette.load(cassette)
    return _Player(tape, handlers, patience).play()


@dataclass(frozen=True)
class _Bench:
    """The parts of an application, with a tape where the network would be."""

    mode: Mode
    board: Board
    tape: Tape
    wire: Wire
    client: httpx.Client


class _Player:
    """Plays one cassette once."""

    def __init__(self, cassette: Cassette, handlers: Mode | Mapping[str, Handler] | None, patience: float) -> None:
        self._cassette, self._patience = cassette, patience
        self._bench = _bench(cassette, handlers)
        self._flow: Flow | None = None
        self._steps: list[Step] = []

    def play(self) -> Replay:
        """From the first event to the last."""
        for number, one in enumerate(self._cassette.events, 1):
            self._bench.tape.during = number if isinstance(one, Told) else None
            if isinstance(one, Told):
                self._told(number, one)
            elif one.by is None and number in self._bench.tape.left:
                _, error = self._limited(partial(self._again, one))
                self._steps += [] if error is None else [Step(number, one.leg, one.operation, error=error)]
        return Replay(self._cassette, tuple(self._steps), tuple(self._bench.tape.made), self._bench.tape.left)

    def _limited(self, work: Callable[[], Any]) -> tuple[Any, str | None]:
        """What some work gives, or how it failed; whoever hangs is left behind."""
        found: list[tuple[Any, str | None]] = []

        def run() -> None:
            STANDIN.set(self._bench.client)
            try:
                found.append((work(), None))
            except BaseException as error:
                frames = error.__traceback__
                found.append((None, "".join(traceback.format_exception(type(error), error, frames and frames.tb_next)).strip()))

        thread = threading.Thread(target=run, name="workbench-replay", daemon=True)
        thread.start()
        thread.join(self._patience)
        return found[0] if found else (None, f"the handler did not end within {self._patience:g} s")

    # -- webhooks ------------------------------------------------------------------------------------------------------------------

    def _told(self, number: int, one: Told) -> None:
        mode, board = self._bench.mode, self._bench.board
        if one.event_type not in EVENT_TYPES:
            return
        reply, error = self._limited(lambda: self._asked(mode, board, number, one))
        if error is not None or not isinstance(reply, Reply):
            reply = Reply(status=500, error=error)
        if one.event_type in TELLING:
            # Whoever only tells is answered before its handler runs.
            reply = replace(reply, status=200, body="")
        self._steps.append(Step(number, one.leg, one.event_type, one, reply, error))

    def _asked(self, mode: Mode, board: Board, number: int, one: Told) -> Reply:
        webhook = Webhook(mode.name, one.event_type, self._flow.id if self._flow else None, one.leg, "", one.data, 0.0)
        if one.event_type == "initiate" and self._flow is not None:
            with board.arriving(self._flow):
                flow, leg = mode.locate(webhook)
        else:
            flow, leg = mode.locate(webhook)
        if self._flow is None and flow is not None:
            self._begun(board.flow(flow))
        if one.given and self._flow is not None and (held := self._flow.legs.get(leg or "")) is not None:
            held.planned[:1] = [self._document(one.reply)]
        return mode.ask(entries.of_webhook(replace(webhook, flow=flow, leg=leg), one.data, "", number, None))

    def _document(self, reply: str) -> str:
        """A recorded document with what was hidden in it put back: our gate adds its credentials, and the newest token is the one."""
        from workbench.differing import bare

        newest = self._bench.mode.desk.webrtc.participants
        return bare(reply).replace("TOKEN", str(newest[-1].token) if newest else "TOKEN")

    # -- requests made outside handlers --------------------------------------------------------------------------------------------

    def _begun(self, flow: Flow) -> Flow:
        self._flow = flow
        flow.plan = self._cassette.plan
        if hasattr(flow, "name"):
            flow.name = self._cassette.room
        return flow

    def _again(self, one: Request) -> None:
        mode = self._bench.mode
        flow = self._flow or self._begun(mode.open())
        leg = flow.legs.get(one.leg or "")
        asked = one.request if isinstance(one.request, dict) else {}
        if one.operation == "createCall":
            self._call(flow, asked)
        elif one.operation == "createParticipant":
            # Either for a call that follows, or for a document.
            calls = [later for later in self._left() if later.operation == "createCall" and later.leg == one.leg]
            self._call(flow, calls[0].request) if calls else flow.participant(one.leg or "webrtc")
        elif one.operation == "updateCall" and leg is not None and asked.get("redirectUrl"):
            leg.redirect(self._planned(leg))
        elif one.operation == "updateCall" and leg is not None and asked.get("state") == "completed":
            leg.hangup()
        elif one.operation == "deleteParticipant" and leg is not None and leg.participant is not None:
            flow.release(leg.name)
        else:
            content = {"xml": one.request} if isinstance(one.request, str) else {"json": one.request} if one.method != "GET" else {}
            self._bench.wire.send(one.operation, one.method, one.path, **content)

    def _left(self) -> list[Request]:
        return [one for one in self._bench.tape.left.values() if one.by is None]

    def _planned(self, leg: Leg) -> str | None:
        """A place is kept for a document that came with a redirect; the redirect's event brings it."""
        at = next((number for number, one in self._bench.tape.left.items() if one.leg == leg.name and one.operation == "updateCall"), 0)
        later = self._cassette.events[at:]
        asks = next((one for one in later if isinstance(one, Told) and one.leg == leg.name and one.event_type == "redirect"), None)
        return "<Response/>" if asks is not None and asks.given else None

    def _call(self, flow: Flow, asked: Mapping[str, Any]) -> None:
        mode, to = self._bench.mode, str(asked.get("to", ""))
        fields = {_snake(name): value for name, value in asked.items() if name not in _OURS}
        first = not flow.legs
        if first and isinstance(mode, BridgeMode) and not mode.desk.webrtc.callable:
            if WEBRTC in self._cassette.legs:
                mode.dial_webrtc(flow)
        elif first and isinstance(mode, BridgeMode) and flow.plan in ("sequential", "early"):
            phones = {number for number in self._cassette.legs.values() if number != self._cassette.interconnect}
            phone = to if to in phones else next(iter(phones), "")
            later = (lambda: mode.dial_webrtc(flow)) if flow.plan == "sequential" else (lambda: mode.dial_phone(phone, flow))
            mode._next[flow.id] = later
        if to == self._cassette.interconnect:
            mode.call_webrtc(flow, **fields)
        else:
            mode.call(flow, to, **fields)


# What a call says that a mode itself puts there.
_OURS = frozenset({"to", "from", "applicationId", "answerUrl", "disconnectUrl", "username", "password", "uui", "machineDetection"})


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _bench(cassette: Cassette, handlers: Mode | Mapping[str, Handler] | None) -> _Bench:
    own = handlers if isinstance(handlers, Mode) else None
    if own is not None and own.name != cassette.mode:
        raise WorkbenchError(f"the cassette is one of {cassette.mode}; replay it with that mode's handlers, not {own.name}'s")
    tape = Tape(cassette.events, cassette.session)
    settings = Settings.untouched().at(PLATFORM)
    voice, webrtc = Voice(settings, transport=tape), WebRtc(settings, transport=tape)
    board, gate = Board(), Gate(BASE, USER, PASSWORD, "replay-key-of-the-gate")
    for name, number in sorted(cassette.legs.items(), key=lambda item: len(item[0])):
        if number != cassette.interconnect:
            board.names.setdefault(number, name)
    # Endpoints have no address; sessions always have one.
    endpoints = EndpointSide(Endpoints(settings, transport=tape), gate)
    side: WebRtcSide = Sessions(webrtc, cassette.interconnect, gate) if cassette.interconnect else endpoints
    if side is endpoints and not any(isinstance(one, Request) and one.operation == "createEndpoint" for one in cassette.events):
        # It was there before this flow.
        endpoints.create(BROWSER)
        tape.made.clear()
    desk = Desk(voice, side, board, gate, "application", cassette.number, frame=_nothing, view=_nothing)
    mode = (type(own) if own is not None else MODES[cassette.mode])(desk)
    functions = handlers.replaced if isinstance(handlers, Mode) else handlers or {}
    for event_type, handler in functions.items():
        mode.on(event_type)(handler)
    board.take_inbound(mode)
    return _Bench(mode, board, tape, Wire(settings, settings.voice_url, transport=tape), httpx.Client(transport=tape))


def _nothing(*asked: object) -> Any:
    raise WorkbenchError("a replay has no tables and panels")
