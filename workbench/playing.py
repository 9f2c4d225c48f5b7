"""Plays a story in a mode, on the moved clock, and looks at who hears whom and which legs are up before and after each change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.changes import HOW, HOW_CONNECTED, MEANS, Cannot, Turn
from workbench.errors import WorkbenchError
from workbench.handles import Phone
from workbench.local import Local
from workbench.modes import Board, Flow, Mode, Participant, WebRtcSide
from workbench.story import WEBRTC, Moment, Story

if TYPE_CHECKING:
    from workbench.tables import Matrix

# Kept for stories; the numbers behind them behave in ways of their own.
NUMBERS = {"phone": "+19195550188", "phone 2": "+19195550189", "phone 3": "+19195550190"}
# Rounds of webhooks after which a moment is over anyway.
MOST_ROUNDS = 50
BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class Picture:
    """Who heard whom at a moment: a row per listener."""

    parties: tuple[str, ...]
    hears: tuple[tuple[bool, ...], ...]

    def matrix(self) -> Matrix:
        """The same as a table with ticks."""
        from workbench.tables import Matrix

        return Matrix(self.hears, index=list(self.parties), columns=list(self.parties), dtype=bool)


@dataclass(frozen=True, slots=True)
class Scene:
    """A moment as a mode has played it. `cannot` says why it could not, `how` what it did; legs are kept, lost, or called anew."""

    moment: Moment
    how: str
    cannot: str
    kept: tuple[str, ...]
    lost: tuple[str, ...]
    new: tuple[str, ...]
    before: Picture
    after: Picture

    @property
    def broken(self) -> tuple[str, ...]:
        """Legs that were lost although nobody wanted them to go."""
        meant = self.moment.who if self.moment.change in ("swap", "leave") else ""
        return tuple(leg for leg in self.lost if leg != meant)

    @property
    def outcome(self) -> str:
        """What survived, in words."""
        if self.cannot:
            return self.cannot
        fell = [f"{leg} falls, a new one is called" if leg in self.new else f"{leg} ends" for leg in self.lost]
        came = [f"{leg} comes" for leg in self.new if leg not in self.lost]
        stayed = f"{' and '.join(self.kept)} stay{'' if len(self.kept) > 1 else 's'}" if self.kept else ""
        return ", ".join(filter(None, [*fell, *came, stayed])) or "nobody is there"


@dataclass(frozen=True, slots=True)
class Played:
    """A story as one mode has played it; `devices` are the ids of the browser's device, at each look."""

    flow: Flow
    first: Picture
    scenes: tuple[Scene, ...]
    devices: tuple[str, ...]


@dataclass
class Stage:
    """Where stories are played: phones of their own, by name, and a browser that stays connected."""

    local: Local
    board: Board
    phones: Mapping[str, Phone]
    browser: Participant
    settle: Callable[[], object]
    number: str
    devices: list[str] = field(default_factory=list)
    # The last that has been heard of the platform: asking for all of it would take long on one that has been up for days.
    heard: int = 0

    def play(self, story: Story, mode: Mode, tell: Callable[[str], object] = lambda text: None) -> Played:
        """Play the story in a flow of its own; nothing of it is left. `tell` is told how far it is."""
        self.devices.clear()
        tell(f"{mode.name}: {story.lines[0]}")
        before = len(mode.flows)
        try:
            flow = self._begin(story, mode)
            self.idle()
            first, scenes = self.picture(story), []
            for at, moment in enumerate(story.moments, 1):
                tell(f"{mode.name}, {at} of {len(story.moments)}: {moment.words}")
                scenes.append(self._scene(story, moment, flow))
            for name in self._talking(story):
                self.phones[name].hangup()
                self.idle()
        finally:
            for one in mode.flows[before:]:
                one.close()
                self.board.put_aside(one)
            self.idle()
        return Played(flow, first, tuple(scenes), tuple(self.devices))

    def idle(self) -> None:
        """Let time pass until nothing is under way on either side."""
        for _ in range(MOST_ROUNDS):
            self.local.clock.run_to_idle()
            self.settle()
            last = max((line["seq"] for line in self.local.lines(self.heard)), default=self.heard)
            if last == self.heard:
                return
            self.heard = last

    def picture(self, story: Story) -> Picture:
        """Who hears whom now: the story's phones and the browser, whoever else may be on the platform."""
        heard = self.local.hears()["hears"]
        names = {self.phones[name].number: name for name in story.phones} | {self.browser.id: BROWSER}
        device = next((one["deviceId"] for one in self.local.devices(self.browser)), "")
        self.devices.append(str(device))
        return Picture(tuple(names.values()), tuple(tuple(two in heard.get(one, ()) for two in names) for one in names))

    # -- inside --------------------------------------------------------------------------------------------------------------------

    def _begin(self, story: Story, mode: Mode) -> Flow:
        phone = self.phones["phone"]
        if story.calls == "outbound":
            return mode.begin(phone)
        mode.take_inbound()
        flow = mode.alone()
        with self.board.arriving(flow):
            phone.dial(self.number)
            self.idle()
        return flow

    def _scene(self, story: Story, moment: Moment, flow: Flow) -> Scene:
        self.local.clock.advance(moment.after)
        self.idle()
        before, calls = self.picture(story), self._calls(flow)
        said = HOW if flow.mode.desk.webrtc.callable else HOW_CONNECTED
        means, how = MEANS[flow.mode.name][moment.change], said[flow.mode.name].get(moment.change, "")
        why = str(means) if isinstance(means, Cannot) else ""
        if not why and moment.who not in calls and moment.change != "join":
            why = f"{moment.who} is not there"
        if not isinstance(means, Cannot) and not why:
            # A handler of the reader's may have made something else of the call.
            try:
                means(Turn(moment, flow, calls, self.phones.__getitem__))
            except WorkbenchError as error:
                why = f"failed: {str(error).splitlines()[0]}"
            self.idle()
        if why:
            return Scene(moment, "", why, tuple(calls), (), (), before, before)
        now = self._calls(flow)
        kept = tuple(leg for leg in calls if now.get(leg) == calls[leg])
        new = tuple(leg for leg in now if leg not in kept)
        return Scene(moment, how, "", kept, tuple(leg for leg in calls if leg not in kept), new, before, self.picture(story))

    def _calls(self, flow: Flow) -> dict[str, str]:
        """The calls of a flow that are answered, the other end of a Transfer included: ids by the name of their leg."""
        ours, state = self.board.legs(flow), self.local.state()
        found = [one for one in state["calls"] if {one["callId"], one["parentCallId"]} & ours.keys() and one["state"] == "answered"]
        named = [
            (ours[one["callId"]].name if one["callId"] in ours else self.board.name_of(one["callId"], one["to"]), one) for one in found
        ]
        calls = {name: str(one["callId"]) for name, one in sorted(named, key=lambda pair: pair[0] == WEBRTC)}
        # An endpoint is no call: it is there while one of ours is connected with it.
        connected = next((str(one["endpointId"]) for one in state["endpoints"] if one["callId"] in calls.values()), None)
        return calls if connected is None else {**calls, WEBRTC: connected}

    def _talking(self, story: Story) -> list[str]:
        up = {one["number"] for one in self.local.state()["phones"] if one["callId"]}
        return [name for name in story.phones if self.phones[name].number in up]


@contextmanager
def rehearsed(stage: Stage, story: Story) -> Iterator[None]:
    """The phones and the interconnect answer as the story says; afterwards as before."""
    interconnect = stage.local.state()["interconnect"]
    try:
        for leg, seconds in story.rings.items():
            if leg == WEBRTC:
                stage.local.interconnect(answer=seconds is not None, **({} if seconds is None else {"answer_seconds": seconds}))
            else:
                stage.phones[leg].set(answer=seconds is not None, **({} if seconds is None else {"ring_seconds": seconds}))
        yield
    finally:
        for phone in stage.phones.values():
            phone.set(answer=True, ring_seconds=1.0)
        if WEBRTC in story.rings:
            stage.local.interconnect(**interconnect)


@contextmanager
def connected(local: Local, side: WebRtcSide) -> Iterator[Participant]:
    """The reader's browser if it is connected; else one that comes for the stories and goes after them.

    An endpoint takes one call at a time, and the reader's may be in one: stories have their own.
    """
    theirs = side.named(BROWSER)
    if theirs is not None and side.callable and local.devices(theirs):
        yield theirs
        return
    made = side.create("browser of a story")
    try:
        device = local.connect(made)
        try:
            with side.standing_in(made):
                yield made
        finally:
            device.leave()
    finally:
        side.delete(made)
