"""All panels of one workbench: made when first asked for, shown as often as one likes, closed together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from workbench.details import Known
from workbench.errors import WorkbenchError
from workbench.records import About, Happened
from workbench.widgets import text
from workbench.widgets.calls import Calls, VoiceLike
from workbench.widgets.comparison import Comparison, Play
from workbench.widgets.demo import Demo, Plays
from workbench.widgets.dialer import Dialer
from workbench.widgets.handset import Handset
from workbench.widgets.ladder import Feed, Figure, LadderPanel, event_details
from workbench.widgets.lookout import NOTHING, Lookout, Picture
from workbench.widgets.matrix import Matrix
from workbench.widgets.panel import Panel
from workbench.widgets.participants import Participants, Side, made
from workbench.widgets.publisher import Publisher
from workbench.widgets.softphone import Softphone
from workbench.widgets.stepper import StepPanel, StepperLike
from workbench.widgets.table import EventTable, Log, detail

PanelType = TypeVar("PanelType", bound=Panel)


class LocalLike(Protocol):
    """The local platform's handle; see `workbench.local.Local`."""

    def state(self) -> Mapping[str, Any]: ...

    def hears(self) -> Mapping[str, Any]: ...

    def measure(self) -> Mapping[str, Sequence[str]]: ...

    def happenings(self, kind: str | None = None, after: int = 0, *, hears: bool = False) -> Sequence[Happened]: ...

    def phone(self, number: str) -> Any: ...

    def connect(self, participant: Any) -> object: ...

    def disconnect(self, participant: Any) -> object: ...


class Lines(Protocol):
    """What pages connect with; see `workbench.addresses.Addresses`."""

    def softphone(self, token: str) -> Mapping[str, str]: ...

    def softphone_page(self, token: str) -> str: ...

    def handset(self, ticket: str) -> Mapping[str, str]: ...

    def handset_page(self, number: str, ticket: str) -> str: ...


class Panels:
    """Makes each panel once: shown again, it is a second view of the same panel.

    `local` is the local platform or None, `number` the workbench's own; `shown` masks a customer's number as the log does.
    """

    def __init__(
        self,
        *,
        log: Log,
        voice: VoiceLike,
        side: Side,
        modes: Sequence[Any],
        number: str,
        lines: Lines,
        local: LocalLike | None = None,
        shown: Callable[[str], str] = str,
        known: Known | None = None,
    ) -> None:
        self._log, self._voice, self._side, self._number, self._shown = log, voice, side, number, shown
        self._local, self._lines, self._known = local or None, lines, known
        self._modes = {mode.name: mode for mode in modes}
        self._made: dict[tuple[object, ...], Panel] = {}
        self._lock = threading.RLock()
        self._picked = 0
        self.publisher = Publisher()
        self.lookout = Lookout(self._look)
        self._unsubscribe = log.subscribe(self.lookout.nudge)

    def table(self, mode: str | None = None, flow: str | None = None) -> EventTable:
        """The live event table: of all modes, of one, or of one flow."""
        return self._panel(("table", mode, flow), lambda: EventTable(self._log, self.publisher, mode=mode, flow=flow, known=self._known))

    def ladder(self, feed: Feed, draw: Callable[[str | None], Figure], flow: str | None = None) -> LadderPanel:
        """Flows as ladders, the newest unless told which."""
        details = event_details(self._log.event, lambda event: detail(event, self._known))
        rule = (self._known or Known()).rule
        return self._panel(("ladder", flow), lambda: LadderPanel(feed, self.publisher, draw=draw, details=details, rule=rule, flow=flow))

    def select(self, picked: Mapping[str, Any]) -> None:
        """Mark something in all panels."""
        with self._lock:
            self._picked += 1
            for panel in self._made.values():
                if isinstance(panel, LadderPanel | EventTable):
                    self.publisher.put(panel, {"picked": {**picked, "n": self._picked}})

    def dialer(self, mode: str) -> Dialer:
        """The telephone of a mode."""
        if mode not in self._modes:
            raise WorkbenchError(f"there is no mode {mode!r}; there are {', '.join(self._modes)}")
        return self._panel(
            ("dialer", mode), lambda: Dialer(self._modes[mode], self.publisher, self.lookout, number=self._number, phones=self._local)
        )

    def participants(self) -> Participants:
        """The WebRTC side."""
        return self._panel(("participants",), lambda: Participants(self._side, self.publisher, self.lookout, devices=self._local))

    def calls(self) -> Calls:
        """Calls and conferences now."""
        return self._panel(("calls",), lambda: Calls(self._voice, self.publisher, self.lookout, about=self._about))

    def comparison(self, stories: Mapping[str, str], play: Play) -> Comparison:
        """One story under the three verbs."""
        return self._panel(("comparison",), lambda: Comparison(self.publisher, stories=stories, play=play))

    def demo(self, stories: Mapping[str, tuple[str, str]], token: Callable[[], str], show: Callable[[], Plays]) -> Demo:
        """Stories for an audience; `show` makes what plays them, `token` is what the audience's browser takes part with."""
        grant = lambda: self._lines.softphone(token())  # noqa: E731
        return self._panel(("demo", *stories), lambda: Demo(self.publisher, show(), stories=stories, grant=grant))

    def matrix(self) -> Matrix:
        """Who hears whom."""
        return self._panel(("matrix",), self._new_matrix)

    def softphone(self, name: str, token: str, now: Callable[[], str] | None = None) -> Softphone:
        """The softphone of a participant or an endpoint, by its token; `name` is what it is shown by.

        `now` gives the token to connect with where that may change.
        """
        lines, given = self._lines, now or (lambda: token)
        page = (lambda: lines.softphone_page(given())) if self._local else None
        return self._panel(("softphone", token), lambda: Softphone(name, self.publisher, grant=lambda: lines.softphone(given()), page=page))

    def handset(self, phone: Any) -> Handset:
        """The handset of a simulated phone."""
        if self._local is None:
            raise WorkbenchError("a handset needs the local platform; live, use a real phone")
        return self._panel(("handset", phone.number), lambda: Handset(phone, self.publisher, lines=self._lines, first=self._number))

    def stepper(self, stepper: StepperLike) -> StepPanel:
        """Step mode."""
        return self._panel(("stepper",), lambda: StepPanel(self.publisher, stepper))

    def close(self) -> None:
        """End the threads behind the panels, and the lines of their pages. What is on the page stays as it is, and rows still open."""
        self._unsubscribe()
        for panel in self._made.values():
            if isinstance(panel, Softphone | Handset):
                panel.leave()
            elif isinstance(panel, Demo):
                panel.end()
        self.lookout.close()
        self.publisher.close()

    def _panel(self, key: tuple[object, ...], make: Callable[[], PanelType]) -> PanelType:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return cast(PanelType, self._made[key])

    def _new_matrix(self) -> Matrix:
        local = self._local
        if local is None:
            return Matrix(self.publisher, self.lookout)
        return Matrix(
            self.publisher, self.lookout, measure=local.measure, past=lambda: local.happenings("hears", hears=True), names=self._numbers
        )

    def _numbers(self) -> dict[str, str]:
        """What the numbers of all flows are called."""
        flows = [flow for mode in self._modes.values() for flow in list(mode.flows)]
        return {leg.number: leg.name for flow in flows for leg in list(flow.legs.values())}

    def _look(self) -> Picture:
        legs = [leg for mode in self._modes.values() for flow in list(mode.flows) for leg in flow.up]
        told = [_leg(leg, self._shown) for leg in legs]
        picture = {**NOTHING, "legs": told, "made": made(self._side)}
        if self._local is not None:
            return {**picture, **self._local.state(), "hears": self._local.hears()}
        return {**picture, "calls": [_known_call(leg) for leg in told if leg["call"]], "conferences": self._rooms()}

    def _rooms(self) -> list[dict[str, Any]]:
        """Live, what our own flows know: asking the account would cost requests at every look."""
        flows = [flow for mode in self._modes.values() for flow in list(mode.flows) if getattr(flow, "conference_id", None) and flow.up]
        return [
            {"conferenceId": flow.conference_id, "name": flow.name, "members": [{"callId": leg.call_id} for leg in flow.up if leg.answered]}
            for flow in flows
        ]

    def _about(self, call_id: str) -> About | None:
        legs = (leg for mode in self._modes.values() for flow in list(mode.flows) for leg in flow.up)
        return next((leg.about for leg in legs if leg.call_id == call_id), None)


def _leg(leg: Any, shown: Callable[[str], str]) -> dict[str, Any]:
    return {
        "mode": leg.flow.mode.name,
        "flow": leg.flow.id,
        "name": leg.name,
        "number": shown(leg.number),
        "party": text.party(leg.number if leg.webrtc else shown(leg.number)),
        "call": leg.call_id,
        "state": "answered" if leg.answered else "called",
        "waiting": leg.waiting,
    }


def _known_call(leg: dict[str, Any]) -> dict[str, Any]:
    return {"callId": leg["call"], "from": None, "to": leg["party"], "state": leg["state"]}
