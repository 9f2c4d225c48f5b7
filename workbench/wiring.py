"""Starts everything a workbench consists of, in the order in which one part needs the other, and stops it in the reverse order."""

from __future__ import annotations

import atexit
import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench import reaching
from workbench.errors import ApiError
from workbench.handles import NoLocal
from workbench.local import Local
from workbench.process import LocalProcess
from workbench.settings import Settings
from workbench.waiting import Waits, Wanted

if TYPE_CHECKING:
    import httpx
    from pandas import DataFrame

    from workbench.callbacks import CallbackApp
    from workbench.failing import Answers
    from workbench.feed import Feed
    from workbench.modes import BridgeMode, ConferenceMode, Flow, Mode, TransferMode, Written
    from workbench.records import Event, Reply
    from workbench.server import CallbackServer
    from workbench.stepping import Stepper
    from workbench.undoing import Apis, Undoing

USER = "workbench"
# How long handlers of webhooks that were answered already may take to end.
DRAIN_SECONDS = 5.0


class Network:
    """How the parts reach one another: over sockets. A test that joins both sides in one process hands in another."""

    transport: httpx.BaseTransport | None = None

    def serve(self, app: CallbackApp, settings: Settings) -> CallbackServer:
        """Let the platform reach the callback application."""
        from workbench.server import CallbackServer

        return CallbackServer(app, settings.port, settings.host).start()


class Wiring:
    """All parts of a workbench that runs. `view(name, thing)` draws what a mode is asked to show."""

    def __init__(self, settings: Settings, view: Callable[..., Any], network: Network | None = None) -> None:
        settings.require()
        self.network = network or Network()
        self.end = ExitStack()
        self.settings = settings
        self.process: LocalProcess | None = None
        self.before = frozenset(threading.enumerate())
        self._closing = threading.Lock()
        self.closed = False
        self._answers: Answers | None = None
        self._stepper: Stepper | None = None
        self._feed: Feed | None = None
        self.undoing: Undoing | None = None
        try:
            if not settings.live and not settings.local_url:
                # First of all: the child comes up while we import what we need ourselves.
                self.process = LocalProcess()
                self.end.callback(self.process.close)
            self._serve()
            self._reach_platform()
            self._connect_clients()
            self._remember()
            self._make_modes(view)
            self.tunnel.on_move(self._moved)
            if self.tunnel.url != self.gate.base:
                self._moved(self.tunnel.url)
            atexit.register(self.close)
        except BaseException:
            self.end.close()
            raise

    def _serve(self) -> None:
        """The log, and the callback server with its public address."""
        from workbench.callbacks import create_app
        from workbench.events import open_log, password_of_dashboard
        from workbench.guard import Guard
        from workbench.keys import Keys
        from workbench.modes import Board, Gate
        from workbench.tunnel import open_tunnel

        password, secret, keys = secrets.token_urlsafe(24), secrets.token_urlsafe(24), Keys()
        board = self.board = Board()
        self.modes: dict[str, Mode] = {}
        dashboard = (USER, password_of_dashboard(self.settings))
        self.log = open_log(self.settings, values=(password, secret, dashboard[1]))
        self.end.callback(self.log.close)
        self.instance = secrets.token_hex(8)
        guard = self.guard = Guard(hosts=(self.settings.host, *self.settings.hosts.split(",")), rate=self.settings.rate)
        self.app = create_app(
            self.modes,
            self.log,
            (USER, password),
            inbound=board.taker,
            dashboard=dashboard,
            keys=keys,
            secret=secret,
            guard=guard,
            instance=self.instance,
        )
        self.end.callback(self.app.close)
        self.server = self.network.serve(self.app, self.settings)
        self.end.callback(self.server.stop)
        self.tunnel = open_tunnel(self.settings, self.server.port)
        self.end.callback(self.tunnel.close)
        guard.expect(self.tunnel.url)
        self.gate = Gate(self.tunnel.url, USER, password, secret, dashboard, keys)

    def _moved(self, url: str) -> None:
        """The tunnel has another URL now."""
        self.guard.expect(url)
        self.gate.move(url)
        if isinstance(self.local, Local):
            with suppress(ApiError):
                reaching.take_inbound(self.local, self.settings.application_id, self.gate)

    def _reach_platform(self) -> None:
        """The local platform, if there is one: where it is, which application and number are ours, and where its inbound calls go."""
        from workbench.masking import Masker

        self.masker = Masker(b"shown", numbers=self.settings.live, own=filter(None, [self.settings.number]))
        self.local: Local | NoLocal = NoLocal()
        if self.settings.live:
            return
        if self.process is not None:
            self.settings = self.settings.at(self.process.url, self.process.token)
        else:
            self.settings = self.settings.at(self.settings.local_url, self.settings.local_token.get_secret_value())
        board = self.board
        self.local = Local(
            self.settings.local_url,
            self.settings.local_token.get_secret_value(),
            before_dial=lambda caller, to: board.expect_call(to),
            name_of=board.name_of,
            mask=self.masker.text,
            transport=self.network.transport,
        )
        self.end.callback(self.local.close)
        self.settings = reaching.owned(self.settings, self.local.state())
        # Pictures of who hears whom are noted from now on, for whoever looks back.
        self.local.happenings(after=1, hears=True)
        reaching.take_inbound(self.local, self.settings.application_id, self.gate)
        if self.process is None:
            self.end.callback(reaching.leave_inbound, self.local, self.settings.application_id, self.gate)

    def _connect_clients(self) -> None:
        """The APIs, and who waits for events."""
        from workbench.clients import Voice, WebRtc
        from workbench.endpoints import Endpoints
        from workbench.modes import EndpointSide, Sessions, WebRtcSide
        from workbench.spending import Spending

        self.waits = Waits(
            self.run_on,
            held=self.held_up,
            stuck=lambda: self._stepper.stuck() if self._stepper else "",
        )
        self.end.callback(self.log.subscribe(self.waits.hear))
        # The interconnect is the WebRTC side of our own session: nobody has to allow it.
        self.spending = Spending(guarded=self.settings.live, free=[self.settings.interconnect], shown=self.settings.masked)
        self.voice = Voice(self.settings, self.log.record_request, spending=self.spending, transport=self.network.transport)
        self.end.callback(self.voice.close)
        self.webrtc = WebRtc(self.settings, self.log.record_request, transport=self.network.transport)
        self.end.callback(self.webrtc.close)
        self.endpoints = Endpoints(self.settings, self.log.record_request, spending=self.spending, transport=self.network.transport)
        self.end.callback(self.endpoints.close)
        self.side: WebRtcSide = Sessions(self.webrtc, self.settings.interconnect, self.gate)
        if self.settings.webrtc == "endpoints":
            self.side = endpoints = EndpointSide(self.endpoints, self.gate)
            self.end.callback(self.log.subscribe(endpoints.hear))

    def _remember(self) -> None:
        """Note that this run goes on, and undo what earlier ones have left; a platform of our own ends with us, and needs none of it."""
        if self.process is None:
            from workbench.interrupts import when_terminated
            from workbench.undoing import Undoing

            self.undoing = Undoing(self.settings, self.log, self.network.transport, self.masker.text)
            self.end.callback(self.undoing.close)
            self.end.callback(when_terminated(self.close))

    def _make_modes(self, view: Callable[..., Any]) -> None:
        from workbench.modes import BridgeMode, ConferenceMode, Desk, TransferMode

        settings = self.settings
        parts = (self.voice, self.side, self.board, self.gate, settings.application_id, settings.number)
        desk = Desk(*parts, frame=self.frame, view=view, settle=self.settle, shown=self.masker.text, review=self.review)
        self.transfer: TransferMode = TransferMode(desk)
        self.bridge: BridgeMode = BridgeMode(desk)
        self.conference: ConferenceMode = ConferenceMode(desk)
        self.modes.update({mode.name: mode for mode in (self.transfer, self.bridge, self.conference)})
        self.board.take_inbound(self.transfer, asked=False)

    def feed(self) -> Feed:
        """Everything that happens, as messages; made when first asked for."""
        if self._feed is None:
            from workbench.feed import Feed

            board, local = self.board, self.local
            self._feed = Feed(
                subscribe=partial(self.log.subscribe, early=True),
                past=self.log.events,
                happenings=lambda after: local.happenings(after=after, hears=True) if isinstance(local, Local) else [],
                legs=lambda flow: board.numbers(board.flow(flow)) if board.knows(flow) else {},
                people=self.people,
                names=board.names,
                mask=self.masker.text,
            )
            self.end.callback(self._feed.close)
        return self._feed

    def people(self, *, gone: bool = False) -> dict[str, str]:
        """The browsers, their names by participant id, on demand with those that are `gone`; what stands for a WebRTC leg is none."""
        legs = tuple(f"{flow.id} " for mode in self.modes.values() for flow in mode.flows)
        made = self.side.names if gone else {one.id: one.name for one in self.side.participants}
        return {number: name for number, name in made.items() if not name.startswith(legs)}

    def answers(self) -> Answers:
        """What spoils answers on demand; made when first asked for."""
        if self._answers is None:
            from workbench.failing import Answers

            self._answers = Answers(lambda: self.local if isinstance(self.local, Local) else None)
        return self._answers

    def review(self, event: Event, flow: Flow, written: Written) -> Written | Reply:
        """What is sent of what a handler answered: at a stop a reader decides, and on demand something goes wrong."""
        sent = written if self._stepper is None else self._stepper.review(event, flow, written)
        return sent if self._answers is None else self._answers.review(event, flow, sent)

    def stepper(self) -> Stepper:
        """What holds webhooks for a reader; made when first asked for."""
        if self._stepper is None:
            from workbench.interrupts import when_interrupted
            from workbench.modes.documents import write
            from workbench.stepping import Stepper

            local = self.local if isinstance(self.local, Local) else None
            self._stepper = Stepper(self.gate, local, self.masker.text, write, seen=self.log.pending, closed=self.closed)
            self.app.answering.held_seconds = self._stepper.held_seconds
            self.end.callback(when_interrupted(self._stepper.release))
        return self._stepper

    def held_up(self) -> str:
        """What a reader holds, in words; empty while that is nothing."""
        return "" if self._stepper is None else self._stepper.held_up()

    @property
    def holding(self) -> bool:
        """Whether a reader holds an event: nothing waits for its handler, and nobody moves the clock."""
        return self._stepper is not None and self._stepper.holding

    def wanted(self, event_type: str, leg: str | None, flow: Any) -> Wanted:
        """What is waited for: in this flow, by itself or its id, or in the one that is the newest at each look."""
        from workbench.modes.handlers import known

        known(event_type)
        board, chosen = self.board, None if flow is None else str(getattr(flow, "id", flow))
        return Wanted(event_type, leg, lambda: chosen or (board.current.id if board.current else None))

    def settle(self) -> None:
        """Wait for the handlers of webhooks that were answered already; one of these handlers itself does not wait."""
        from workbench.modes.flow import in_handler

        if not self.holding and not in_handler() and not threading.current_thread().name.startswith("callbacks-"):
            self.app.answering.drain(DRAIN_SECONDS)

    def run_on(self) -> None:
        """While the platform's clock stands still: run it until nothing is under way. Who waits for an event would wait for ever."""
        if not self.holding and isinstance(self.local, Local) and self.local.clock.paused:
            # What has been told already is handled first, so that it comes before what the moved clock sets off.
            try:
                self.local.clock.advance(0)
                self.settle()
                self.local.clock.run_to_idle()
            except ApiError as error:
                # Something is held by now: the reader goes on.
                if error.rule != "local.halt":
                    raise

    def frame(self, mode: str | None = None, flow: str | None = None) -> DataFrame:
        """Requests and webhooks as a table, once their outcome is known."""
        self.settle()
        return self.log.frame(mode, flow)

    def ping(self) -> dict[str, str]:
        """Ask each part for a sign of life. Raises what the first one that has none raised."""
        return {
            "Voice API": reaching.timed(lambda: next(self.voice.list_calls(page_size=1), None)),
            "WebRTC API": reaching.timed(self.ask_webrtc),
            "callbacks": reaching.timed(lambda: reaching.reach(f"{self.gate.base}/ping", self.instance, self.tunnel.kind)),
        }

    def ask_webrtc(self) -> None:
        """Ask the WebRTC side's API for a sign of life. Raises ApiError when it has none."""
        if self.settings.webrtc == "endpoints":
            reaching.ask_endpoints(self.endpoints)
        else:
            reaching.ask_webrtc(self.webrtc)

    # -- the end -------------------------------------------------------------------------------------------------------------------

    def tidy(self) -> None:
        """End every call, delete every participant and the session: what lies about costs money, live."""
        if self._stepper is not None:
            self._stepper.closed = True
            self._stepper.off()
        # Whatever fails, a log on a full disk too: what stays up costs money, live.
        for mode in self.modes.values():
            with suppress(Exception):
                mode.close()
        with suppress(Exception):
            self.settle()
        with suppress(Exception):
            self.side.close()
        if self.undoing is not None:
            self.undoing.finish(self._apis())

    def _apis(self) -> Apis:
        from workbench.undoing import Apis

        return Apis(self.voice, self.webrtc, self.endpoints)

    def close(self) -> None:
        """Tidy up and stop all parts. Any thread; again: nothing happens."""
        with self._closing:
            if self.closed:
                return
            with suppress(Exception):
                self.tidy()
            try:
                self.end.close()
            finally:
                # An interrupt does not keep the other parts from ending, so that there is nothing to do again.
                self.closed = True
                atexit.unregister(self.close)
