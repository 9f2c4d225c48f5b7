"""What a workbench shows: panels, figures and documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.handles import NoLocal, Phone
from workbench.local import Local, token_of

if TYPE_CHECKING:
    from workbench.bars import Timing
    from workbench.compare import Comparison
    from workbench.copying import Hosts
    from workbench.details import Details, Known
    from workbench.events import Run
    from workbench.local import Happening
    from workbench.modes import Flow, Mode, Participant
    from workbench.modes.handlers import Source
    from workbench.playing import Played
    from workbench.records import Event
    from workbench.story import Stories, Story
    from workbench.widgets import Panels
    from workbench.wiring import Wiring


class Views:
    """The part of a workbench that shows. Panels are made when first asked for, and only then is what they need loaded."""

    _wiring: Wiring
    _panels: Panels | None = None
    _rules: dict[str, dict[str, str] | None]

    if TYPE_CHECKING:
        local: Local | NoLocal

        def participant(self, name: str = "browser") -> Participant: ...

        def phone(self, which: int | str = 1, name: str | None = None) -> Phone: ...

    # -- pictures of a flow --------------------------------------------------------------------------------------------------------

    def figure(self, flow: Flow | str | None = None, *, run: str | None = None) -> Any:
        """A flow (the newest unless told) as a sequence figure; `figure.save(path)` writes it as .svg or .mmd (Mermaid).

        With `run`, one of `wb.runs()`, a flow of an earlier run by its id: what was asked and answered, which is all that is kept.
        """
        if run is not None:
            return self._figure_of_earlier(str(getattr(flow, "id", flow)), run)
        return self._figure(self._chosen(flow), self._happened())

    def runs(self) -> list[Run]:
        """Every run in the log, the newest first; this one is among them."""
        return self._wiring.log.runs()

    def _figure_of_earlier(self, flow: str, run: str) -> Any:
        from workbench.figure import Figure
        from workbench.whose import numbers_told

        events = self._wiring.log.events(flow=flow, run=run)
        if not events:
            known = dict.fromkeys(event.flow for event in self._wiring.log.events(run=run) if event.flow)
            raise WorkbenchError(f"flow: there is none called {flow!r} in run {run!r}; it has {', '.join(known) or 'none'}")
        return Figure.of(flow, numbers_told(events), events, (), self._wiring.masker.text)

    def _figure(self, chosen: Flow, happened: Sequence[Happening]) -> Any:
        from workbench import figure

        self._wiring.settle()
        parts = self._wiring
        legs, events = parts.board.numbers(chosen), parts.log.events(flow=chosen.id)
        return figure.Figure.of(chosen.id, legs, events, happened, parts.masker.text, parts.people(), parts.board.names)

    def timing(self, *flows: Flow | str) -> Timing:
        """How long the set-up of flows (the newest unless told) took, phase by phase and leg by leg, as bars on one scale."""
        return self._timing([self._chosen(flow) for flow in flows] or [self._chosen(None)], self._happened())

    def _timing(self, chosen: Sequence[Flow], happened: Sequence[Happening]) -> Timing:
        from workbench.bars import Timing
        from workbench.timing import FlowTimes

        self._wiring.settle()
        board, log = self._wiring.board, self._wiring.log
        read = [FlowTimes.of(flow.id, flow.plan, board.numbers(flow), log.events(flow=flow.id), happened) for flow in chosen]
        return Timing(read, live=not self.local)

    def show(self, document: Any) -> Any:
        """A BXML document (verb, list, Response) as text, tokens masked: fit for an output that is saved."""
        from workbench.modes import shown

        return shown(document, self._wiring.masker.text)

    def compare(self, *modes: str, story: Any = "basic") -> Comparison:
        """One story under each of these modes, all of them unless told, side by side: what each costs and what survives which change.

        On the local platform the story is played now, on the moved clock: a ready one by name, or your own as a mapping (`wb.stories()`
        shows both). Live the newest flow of each mode is counted.
        """
        from workbench import progress

        with progress.shown() as tell:
            return self._compare(modes, story, tell)

    def _compare(self, modes: Sequence[str], story: Any, tell: Callable[[str], object]) -> Comparison:
        from workbench.changes import COSTS, COSTS_CONNECTED
        from workbench.compare import Comparison, count
        from workbench.story import Story

        if self._wiring.holding and self.local:
            raise WorkbenchError(f"a story moves the platform's clock, which stands now. {self._wiring.held_up()}")
        told, chosen, log = Story.of(story), [self._mode(name) for name in modes or self._joining], self._wiring.log
        played = self._play(told, chosen, tell) if self.local else {}
        flows = [played[mode.name].flow if played else mode.flow for mode in chosen]
        happened = self._happened()
        return Comparison(
            story=told if played else None,
            counts=tuple(count(flow.mode.name, log.events(flow=flow.id), happened) for flow in flows),
            played=played,
            ladders={flow.mode.name: self._figure(flow, happened) for flow in flows},
            timing=self._timing(flows, happened),
            costs=COSTS if self._wiring.side.callable else COSTS_CONNECTED,
        )

    @property
    def _joining(self) -> list[str]:
        return [name for name, mode in self._wiring.modes.items() if mode.joins]

    def stories(self) -> Stories:
        """The stories that `compare` has ready, in words, and how to write one."""
        from workbench.story import Stories

        return Stories()

    def _play(self, story: Story, modes: list[Mode], tell: Callable[[str], object]) -> dict[str, Played]:
        """The story in each mode, beside the reader's own calls: the same browser is connected throughout, and nothing is left over."""
        from workbench import playing

        parts, local = self._wiring, self.local
        assert isinstance(local, Local)
        with parts.board.playing, ExitStack() as after:
            phones = {name: self.phone(number, name) for name, number in playing.NUMBERS.items()}
            browser = after.enter_context(playing.connected(local, parts.side))
            stage = playing.Stage(local, parts.board, phones, browser, parts.settle, parts.settings.number)
            for context in (parts.board.aside(), local.clock.still(), playing.rehearsed(stage, story)):
                after.enter_context(context)
            return {mode.name: stage.play(story, mode, tell) for mode in modes}

    def _set_up(self, flow: Flow) -> float | None:
        from workbench import timing

        return timing.set_up(self._wiring.log.events(flow=flow.id), self._happened())

    def details(self, event: Event | int) -> Details:
        """A closer look at an event, by itself or its id: request and answer, the document explained, tokens decoded, handler, rule."""
        from workbench.details import of

        return of(self._event(event), self._known())

    def _event(self, event: Event | int) -> Event:
        wanted = getattr(event, "id", event)
        if not isinstance(wanted, int):
            raise WorkbenchError(f"event: an event, as wb.wait gives it, or its id in wb.events, not {str(event)[:60]!r}")
        found = self._wiring.log.event(wanted)
        if found is None:
            raise WorkbenchError(f"there is no event {wanted} in this run; wb.events lists them")
        return found

    def _known(self) -> Known:
        from workbench.copying import copies
        from workbench.details import Known

        parts = self._wiring
        modes = tuple(parts.modes.values())

        def source(event: int) -> str | None:
            return next((found for mode in modes if (found := mode.source_of(event)) is not None), None)

        return Known(self._rule, source, parts.log.claims, lambda event: copies(event, self._hosts()))

    def copy(self, event: Event | int, kind: str = "curl") -> Source:
        """An event as something to paste: a request as curl, httpx or sdk, an answer as xml or (SDK) objects. Secrets become variables."""
        from workbench.copying import copy
        from workbench.modes.handlers import Source

        return Source(copy(self._event(event), kind, self._hosts()))

    def _hosts(self) -> Hosts:
        from workbench.copying import Hosts

        settings = self._wiring.settings
        return Hosts(settings.voice_url, settings.webrtc_url, "" if settings.live else settings.account_id)

    def _rule(self, rule: str) -> dict[str, str] | None:
        if rule not in self._rules:
            try:
                self._rules[rule] = self.local.rule(rule) if self.local else None
            except WorkbenchError:
                return None
        return self._rules[rule]

    # -- panels --------------------------------------------------------------------------------------------------------------------

    def dialer(self, mode: str = "transfer") -> Any:
        """The telephone of a mode."""
        return self._panel().dialer(self._mode(mode).name)

    def participants(self) -> Any:
        """The WebRTC side as a panel."""
        return self._panel().participants()

    def calls(self) -> Any:
        """Calls and conferences as a panel."""
        return self._panel().calls()

    def matrix(self) -> Any:
        """Who hears whom as a panel."""
        return self._panel().matrix()

    def softphone(self, holder: Any = "browser") -> Any:
        """A softphone as a panel: this page's microphone and speaker, for a participant (itself or by name) or an endpoint.

        An endpoint comes as what has its token (as `.token` or `["token"]`), or as the token.
        """
        if isinstance(holder, str) and holder.count(".") != 2:
            holder = self.participant(holder)
        name, side = getattr(holder, "name", None) or "endpoint", self._wiring.side
        ours = getattr(holder, "id", None) in side.names
        return self._panel().softphone(str(name), token_of(holder), lambda: token_of(side.for_device(holder) if ours else holder))

    def handset(self, phone: Phone | int | str = 1) -> Any:
        """The handset of a simulated phone as a panel: it rings here, and whoever answers speaks and hears."""
        return self._panel().handset(phone if isinstance(phone, Phone) else self.phone(phone))

    def comparison(self) -> Any:
        """One story under the three verbs as a panel: choose it, and press Play."""
        return self._panel().comparison(self._told_stories(), self._for_the_panel)

    def _told_stories(self) -> dict[str, str]:
        from workbench.story import READY

        return {name: " → ".join(story.lines) for name, story in READY.items()}

    def _for_the_panel(self, story: str, tell: Callable[[str], object]) -> dict[str, Any]:
        from workbench.columns import as_data

        return as_data(self._compare((), story, tell))

    def stepper(self) -> Any:
        """Step mode as a panel: choose which events are held, see what would be answered, answer."""
        return self._panel().stepper(self._wiring.stepper())

    def table(self, mode: str | None = None) -> Any:
        """The live event table of a mode, or of all."""
        return self._panel().table(self._mode(mode).name if mode else None)

    def ladder(self, flow: Flow | str | None = None) -> Any:
        """Flows as a live ladder: the newest, and each new one as it comes, unless told which."""
        chosen = None if flow is None else self._chosen(flow).id
        return self._panel().ladder(self._wiring.feed(), self._figure_of, chosen)

    def select(self, what: Any) -> None:
        """Mark an event (of `wait_for`, say), a message of a ladder, or a leg by its name in all panels; None marks nothing."""
        self._panel().select(_picked(what))

    def _figure_of(self, flow: str | None) -> Any:
        return self.figure(None if flow is None else self._chosen(flow))

    def _panel(self) -> Panels:
        if self._panels is None:
            # Only who asks for a panel pays for ipywidgets.
            from workbench.addresses import Addresses
            from workbench.widgets import Panels

            parts = self._wiring
            self._panels = Panels(
                log=parts.log,
                voice=parts.voice,
                side=parts.side,
                modes=list(parts.modes.values()),
                number=parts.settings.number,
                lines=Addresses(parts.settings),
                local=parts.local if isinstance(parts.local, Local) else None,
                shown=parts.settings.masked,
                known=self._known(),
            )
            parts.end.callback(self._panels.close)
        return self._panels

    # -- what they are made from ---------------------------------------------------------------------------------------------------

    def _chosen(self, flow: Flow | str | None) -> Flow:
        """A flow by itself or its id; the newest unless told. WorkbenchError when there is none."""
        board = self._wiring.board
        chosen = board.flow(flow) if isinstance(flow, str) else flow or board.current
        if chosen is None:
            raise WorkbenchError("no call was made yet")
        return chosen

    def _happened(self) -> list[Happening]:
        """What the platform did, as far as it can tell: live it cannot."""
        return self.local.happenings() if self.local else []

    def _mode(self, name: str) -> Mode:
        modes = self._wiring.modes
        if name not in modes:
            raise WorkbenchError(f"there is no mode {name!r}; there are {', '.join(modes)}")
        return modes[name]


def _picked(what: Any) -> dict[str, Any]:
    """What panels need of something picked."""
    from workbench.messages import Message
    from workbench.records import Event

    nothing: dict[str, Any] = {"key": None, "event": None, "leg": None, "place": None, "at": None}
    if what is None:
        return nothing
    if isinstance(what, str):
        return {**nothing, "leg": what}
    if isinstance(what, Message):
        return {"key": what.key, "event": what.event, "leg": what.leg, "place": what.place, "at": what.at}
    if isinstance(what, Event):
        return {"key": f"e{what.id}", "event": what.id, "leg": what.leg, "place": what.seq, "at": what.time}
    raise WorkbenchError(f"select: pick an event, a message or the name of a leg, not {type(what).__name__}")
