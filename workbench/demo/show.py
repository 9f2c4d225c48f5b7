"""Plays a story in real time, on a thread of its own, and tells after every change what an audience should see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from workbench import bxml
from workbench.demo.stories import STORIES
from workbench.errors import WorkbenchError
from workbench.feed import Batch, Feed
from workbench.messages import Message
from workbench.modes.base import speak
from workbench.narration import sentence

# What an audience needs to take in a step, and how fast the voices speak.
BREATH_SECONDS, CHARACTERS = 1.2, 14.0
# How long a page may take to connect before a simulated browser takes its part; how long anything in a story may take.
PAGE_SECONDS, STEP_SECONDS = 6.0, 20.0
LOOK_SECONDS = 0.1
PHONES = (1, 2, 3)
# Whatever a reader has made of them: they ring a second, are answered, and say what the story has them say.
SCRIPT: dict[str, Any] = {"answer": True, "ring_seconds": 1.0, "rings": True, "by_hand": False, "answered_by": "human"}
SCRIPT |= dict.fromkeys(("busy", "reject", "echoes"), False)
SCRIPT |= dict.fromkeys(("hangup_after", "refuses_with", "says", "plays", "tone"))
THREAD = "workbench-demo"
Told = Callable[[dict[str, Any]], object]


class Stopped(Exception):
    """The audience has seen enough."""


@dataclass(frozen=True)
class Stage:
    """Where stories are played. `local` is the local platform, `board` the switchboard, `browser` gives the audience's participant."""

    local: Any
    board: Any
    feed: Callable[[], Feed]
    modes: Mapping[str, Any]
    phone: Callable[[int], Any]
    browser: Callable[[], Any]
    number: str


class Show:
    """One story at a time. `tell` gets what has changed; `pace` 0 leaves out the pauses that are there for people."""

    def __init__(self, stage: Stage, tell: Told = lambda news: None, pace: float = 1.0) -> None:
        self._stage, self.tell, self.pace = stage, tell, pace
        self._news = threading.Condition()
        self._halt = threading.Event()
        self._silent = threading.Event()
        self._thread: threading.Thread | None = None
        self._before: set[str] = set()
        self._since = 0.0
        self._messages: dict[str, dict[str, Any]] = {}
        self.mode: Any = None

    # -- from outside --------------------------------------------------------------------------------------------------------------

    def play(self, story: str, *, page: bool = False) -> None:
        """Begin a story; `page` when a browser is about to connect. WorkbenchError for one there is not, or while one is played."""
        if story not in STORIES:
            raise WorkbenchError(f"there is no story {story!r}; there are {', '.join(STORIES)}")
        if not self._stage.local:
            raise WorkbenchError("a demonstration needs the local platform, whose phones speak by themselves")
        if self.playing:
            raise WorkbenchError("a story is being played; stop it first")
        self._free()
        self._halt.clear()
        (self._silent.clear if page else self._silent.set)()
        self._thread = threading.Thread(target=self._work, args=(story,), name=THREAD, daemon=True)
        self._thread.start()

    @property
    def playing(self) -> bool:
        """Whether a story is on."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """End the story: its calls are ended, nothing is left."""
        self._halt.set()
        self._wake()

    def silent(self) -> None:
        """No page will connect: a simulated browser takes part."""
        self._silent.set()
        self._wake()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; whether it came."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.playing

    # -- what stories do -----------------------------------------------------------------------------------------------------------

    @property
    def flow(self) -> Any:
        """The story's flow."""
        return self.mode.flow

    def phone(self, which: int) -> Any:
        """One of the phones."""
        return self._stage.phone(which)

    def call_us(self, which: int) -> None:
        """A phone calls our number."""
        self.mode.take_inbound()
        self.phone(which).dial(self._stage.number)
        self.until(lambda: any(flow.id not in self._before for flow in self.mode.flows), "the call")

    def together(self, *which: int) -> None:
        """Wait until the browser hears these phones."""
        browser, numbers = self._stage.browser().id, [self.phone(one).number for one in which]

        def heard() -> bool:
            voices = self._stage.local.hears()["hears"].get(browser, ())
            return all(number in voices for number in numbers)

        self.until(heard, "the connection")

    def say(self, which: int, text: str) -> None:
        """A phone says something, and everybody listens to the end."""
        self.phone(which).say(text)
        self._rest(len(text) / CHARACTERS)

    def over(self) -> None:
        """Wait until all calls have ended."""
        self.until(lambda: not self.flow.up, "the end of all calls")

    def until(self, condition: Callable[[], object], what: str, seconds: float = STEP_SECONDS) -> None:
        """Wait until something is so; looked at whenever there is news. WorkbenchError when it never is."""
        left = seconds
        while not condition():
            self._check()
            if left <= 0:
                raise WorkbenchError(f"{what} did not come within {seconds:g} s")
            with self._news:
                self._news.wait(LOOK_SECONDS)
            left -= LOOK_SECONDS

    def _free(self) -> None:
        """Raises WorkbenchError while a call of the reader's has one of the phones: it is not ours to end."""
        ends = {end for one in self._stage.local.state()["calls"] if one["state"] != "disconnected" for end in (one["to"], one["from"])}
        for which in PHONES:
            if self.phone(which).number in ends:
                raise WorkbenchError(f"phone {which} is in a call, and this story needs it; hang up first: wb.phone({which}).hangup()")

    # -- the thread ----------------------------------------------------------------------------------------------------------------

    def _work(self, story: str) -> None:
        self.mode = self._stage.modes[story]
        self._before = {flow.id for flow in self.mode.flows}
        self._messages.clear()
        self.tell(
            {"state": "playing", "at": 0, "of": 0, "caption": "", "said": "", "trouble": "", "messages": [], "parties": [], "hears": []}
        )
        end = "over"
        try:
            with ExitStack() as after:
                after.enter_context(self._prepared(story))
                steps = list(STORIES[story].steps(self))
                for at, (caption, do) in enumerate(steps, 1):
                    self.tell({"caption": caption, "at": at, "of": len(steps)})
                    self._rest(BREATH_SECONDS)
                    do()
                self._rest(BREATH_SECONDS)
        except Stopped:
            end = "stopped"
        except Exception as error:
            end = "failed"
            self.tell({"trouble": str(error).splitlines()[0] if str(error) else type(error).__name__})
        finally:
            self.tell({"state": end})

    @contextmanager
    def _prepared(self, story: str) -> Iterator[None]:
        """Phones that answer, a browser, a greeting, somebody who watches; and all of it as before afterwards."""
        stage = self._stage
        with ExitStack() as after:
            after.callback(self._newest)
            after.enter_context(stage.board.aside())
            after.callback(self._clear)
            if stage.local.clock.paused:
                stage.local.clock.resume()
            scripts = {one["number"]: {name: one[name] for name in SCRIPT} for one in stage.local.state()["phones"]}
            for phone in map(stage.phone, PHONES):
                phone.set(**SCRIPT)
                after.callback(phone.set, **scripts.get(phone.number, {}))
            if story == "transfer" and self.mode.handlers.get("initiate") != "cell":
                self.mode.on("initiate")(_greet)
                after.callback(self.mode.reset, "initiate")
            seen = [line["seq"] for line in stage.local.lines()]
            self._since = float(max(seen, default=0))
            after.callback(stage.feed().subscribe(self._see))
            self._browser()
            yield

    def _browser(self) -> None:
        """The audience's own browser, or a simulated one where none comes."""
        stage = self._stage

        def devices(named: bool) -> bool:
            return any(one["name"] or not named for one in stage.local.devices(stage.browser()))

        with suppress(WorkbenchError):
            self.until(lambda: self._silent.is_set() or devices(named=True), "the page", PAGE_SECONDS)
        heard = devices(named=True)
        self.tell({"heard": heard})
        if not devices(named=False):
            stage.local.connect(stage.browser())

    def _clear(self) -> None:
        for flow in self.mode.flows:
            if flow.id not in self._before:
                with suppress(WorkbenchError):
                    flow.close()
        for which in PHONES:
            with suppress(WorkbenchError):
                self.phone(which).hangup()

    def _newest(self) -> None:
        """What was played last is what a reader looks at next: as a figure, in a capsule."""
        self._stage.board.current = next(
            (flow for flow in reversed(self.mode.flows) if flow.id not in self._before), self._stage.board.current
        )

    def _see(self, batch: Batch) -> None:
        """News of the feed, on its thread."""
        fresh = [one for one in batch.messages if one["flow"] not in self._before and one["mode"] == self.mode.name]
        news: dict[str, Any] = {}
        for one in fresh:
            self._messages[one["key"]] = {**one, "says": sentence(Message(**one))}
        if fresh:
            ordered = sorted(self._messages.values(), key=lambda one: one["place"])
            news = {"messages": ordered, "said": ordered[-1]["says"]}
        lanes = [found for flow, found in batch.lanes.items() if flow not in self._before and flow.startswith(f"{self.mode.name}-")]
        if lanes:
            news["lanes"] = lanes[-1]
        for picture in batch.pictures:
            if picture["place"] > self._since:
                self.tell({name: picture[name] for name in ("parties", "hears")})
        if news:
            self.tell(news)
        self._wake()

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def _rest(self, seconds: float) -> None:
        """Time for people."""
        self._halt.wait(seconds * self.pace)
        self._check()

    def _check(self) -> None:
        if self._halt.is_set():
            raise Stopped


def _greet(event: Any, flow: Any) -> list[bxml.Verb]:
    return [speak("Welcome. One moment please, we are connecting you."), flow.connect_verb(flow.participant())]
