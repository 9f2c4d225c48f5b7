"""The world around the engine: it hands inputs in with the time, does what the engine asks for, and comes back when a timer is due.

Everything happens on one asyncio loop and every input is handled without a pause, so nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import Response

from workbench.simulator import audio
from workbench.simulator.clock import Clock
from workbench.simulator.core import Config
from workbench.simulator.effects import (
    CancelWebhook,
    CloseStream,
    DropAudio,
    FetchAudio,
    Happening,
    OpenStream,
    Refusal,
    SendMessage,
    SendWebhook,
)
from workbench.simulator.engine import Engine
from workbench.simulator.faults import Faults
from workbench.simulator.ids import SeededIds
from workbench.simulator.media_streams import MediaStreams
from workbench.simulator.pictures import Pictures
from workbench.simulator.sounding import Sounding
from workbench.simulator.stream import EventStream, label
from workbench.simulator.webhooks import Answer, Deliver, HttpDelivery, exchange, outgoing
from workbench.simulator.wire import ruled

if TYPE_CHECKING:
    from workbench.simulator.media.lines import Lines
    from workbench.simulator.media.plane import Plane

T = TypeVar("T")

SECRETS = re.compile(r"(?i)(password|uui)\s*=\s*(\"[^\"]*\"?|'[^']*'?)")

GRACE_SECONDS = 2.0  # real seconds that a moved clock waits for one webhook; then its time-out may come
HALT_SECONDS = 0.05  # real seconds after which a move that waits for a webhook looks whether it has been halted
# In one move, and between two timers: an application that redirects for ever never comes to rest.
MOST_TIMERS = 100_000
MOST_ROUNDS = 1_000
REPLY_KEPT = 4_000  # characters of an application's answer in the event stream


def masked(document: str) -> str:
    """A document without its passwords and tokens: what happened is shown, and saved with notebooks."""
    return SECRETS.sub(r'\1="•••"', document)


class World:
    """One platform. `deliver` replaces the sockets webhooks and audio files go through."""

    def __init__(self, config: Config, *, seed: int | None = None, clock: Clock | None = None, deliver: Deliver | None = None) -> None:
        self.config = config
        self.clock = clock or Clock()
        self.stream = EventStream()
        self._seed = seed
        self.faults = Faults()
        self._sockets = HttpDelivery()
        self._deliver: Deliver = deliver or self._sockets
        self.media_streams = MediaStreams(lambda: not self.clock.paused, self._stream_message, self._stream_closed)
        self._tasks: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._slow: set[asyncio.Task[None]] = set()
        self._holds: dict[str, asyncio.Event] = {}
        # Called soon after the engine may have changed, once for all changes of a turn of the loop.
        self.watchers: list[Callable[[], None]] = []
        self.pictures = Pictures(self)
        self._watched = False
        self.sound = Sounding(self)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._moving = False
        # Held where it is, also in the midst of a move, until the application lets it go on; then the clock runs, if it ran before.
        self.halted = False
        self._runs_on = False
        self._lines: Lines | None = None
        self._moves = asyncio.Lock()  # moves of the clock take turns; they are the only inputs that take long
        self._begin()

    def _begin(self) -> None:
        self.ids = SeededIds(self._seed)
        self.engine = Engine(self.config, self.ids)

    # Inputs

    def run(self, act: Callable[[Engine, float], T]) -> T:
        """Give the engine an input with the time, do what it asks for, and return its answer. Passes on a Refusal."""
        self._catch_up()
        try:
            return act(self.engine, self.clock.now())
        finally:
            self._perform()
            self._arm()

    def refuse(self, response: Response, rule: str) -> Response:
        """A refusal on its way out: the rule behind it counts as followed, and its headers tell it."""
        self.engine.follow(rule)
        return ruled(response, rule)

    def change(self, act: Callable[[Engine, float], T]) -> tuple[T, int]:
        """Like `run`, for a request that changes something: its place in the sequence, before all it causes, comes along."""
        self._catch_up()
        seq = self.engine.next_seq()
        return self.run(act), seq

    def _catch_up(self) -> None:
        """Fire what is due. While the clock is moved only the move fires: one timer at a time."""
        while not self._moving and (due := self.engine.next_timer()) is not None and due <= (now := self.clock.now()):
            self.engine.fire(now)
            self._perform()

    def _arm(self) -> None:
        if self._moving:
            return
        due, now = self.engine.next_timer(), self.clock.now()
        if due is None or (self.clock.paused and due > now):
            return
        loop = asyncio.get_running_loop()
        when = loop.time() + max(0.0, due - now)
        # An alarm that comes too early is harmless and cheaper than replacing it at every input.
        if self._alarm is None or when < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm, self._alarm_at = loop.call_at(when, self._ring), when

    def _ring(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._catch_up()
        self._arm()

    # Effects

    def _changed(self) -> None:
        self.sound.changed()
        if self.watchers and not self._watched:
            self._watched = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._watched = False
        for watcher in tuple(self.watchers):
            watcher()

    def _perform(self) -> None:
        self._changed()
        for effect in self.engine.take_effects():
            match effect:
                case Happening():
                    self.stream.add(effect)
                case SendWebhook():
                    data = {"delivery": effect.delivery_id, "method": effect.method, "url": effect.url, "body": effect.body}
                    self.stream.add(Happening(effect.seq, self.clock.now(), "webhook", effect.rule, data))
                    self._start(("webhook", effect.delivery_id), self._send(effect))
                case CancelWebhook():
                    self._cancel(("webhook", effect.delivery_id))
                case FetchAudio():
                    self._start(("audio", effect.fetch_id), self._fetch(effect))
                case DropAudio():
                    self.sound.drop(effect.fetch_id)
                case OpenStream():
                    self._start(("stream", effect.connection_id), self._open_stream(effect))
                case SendMessage():
                    self.media_streams.send(effect)
                case CloseStream():
                    self._cancel(("stream", effect.connection_id))
                    self.media_streams.close(effect)
        if self.pictures.on:
            self.pictures.look()

    def _start(self, key: tuple[str, int], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[key] = task
        task.add_done_callback(self._ended)

    def _cancel(self, key: tuple[str, int]) -> None:
        if task := self._tasks.pop(key, None):
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._slow.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "the engine failed on an answer", "exception": error, "task": task})

    async def _send(self, effect: SendWebhook) -> None:
        if hold := self._holds.get(effect.body.get("callId", "")):
            await hold.wait()
        loop = asyncio.get_running_loop()
        answer, error, begun = Answer(0), None, loop.time()
        try:
            answer = await self._exchanged(effect)
        except Exception as problem:  # whatever keeps an answer from coming is a connection exception to the engine
            error = f"{type(problem).__name__}: {problem}"
        del self._tasks["webhook", effect.delivery_id]
        if error and self.halted and not any(kind == "webhook" for kind, _ in self._tasks):
            # Who held the clock has gone with the event that it held.
            self.halt(False)
        status = None if error else answer.status
        if answer.body and "xml" not in answer.header("content-type"):
            self.engine.follow("webhook.content-type")
        reply = masked(answer.body[:REPLY_KEPT].decode(errors="replace"))
        ms = round((loop.time() - begun) * 1000, 1)
        data = {"delivery": effect.delivery_id, "of": effect.seq, "status": status, "error": error, "reply": reply, "ms": ms}
        self._catch_up()
        self.stream.add(Happening(self.engine.next_seq(), self.clock.now(), "webhookAnswered", effect.rule, data))
        self.run(lambda engine, now: engine.webhook_done(now, effect.delivery_id, status, answer.body, error))

    async def _exchanged(self, effect: SendWebhook) -> Answer:
        request, follow = outgoing(effect, label(effect.rule)), self.engine.follow

        async def deliver() -> Answer:
            return await exchange(self._deliver, request, effect.username, effect.password, follow)

        if not self.faults.any:
            return await deliver()
        return await self.faults.send(effect.body.get("eventType") or effect.body.get("event"), deliver, follow)

    async def _fetch(self, effect: FetchAudio) -> None:
        seconds, error = None, None
        try:
            data, seconds = await audio.fetched(effect, self._deliver)
            self.sound.keep(effect.fetch_id, data)
        except audio.AudioError as problem:
            error = str(problem)
        del self._tasks["audio", effect.fetch_id]
        self.run(lambda engine, now: engine.audio_fetched(now, effect.fetch_id, seconds, error))

    async def _open_stream(self, effect: OpenStream) -> None:
        number = effect.connection_id
        error = await self.media_streams.connect(effect)
        del self._tasks["stream", number]
        if error is None:
            self.run(lambda engine, now: engine.stream_opened(now, number))
        else:
            self.run(lambda engine, now: engine.stream_failed(now, number, error))

    def _stream_message(self, number: int, text: str | None) -> None:
        self.run(lambda engine, now: engine.stream_message(now, number, text))
        self.sound.message(number, text)

    def _stream_closed(self, number: int, error: str | None) -> None:
        self.run(lambda engine, now: engine.stream_closed(now, number, error))

    def hold(self, call_id: str) -> Callable[[], None]:
        """Keep a call's webhooks back until the function returned is called.

        The answer to createCall uses it: `answer` is never delivered before the 201 of its call was sent (assumed; samples rely on it).
        """
        held = self._holds[call_id] = asyncio.Event()
        self.engine.follow("call.answered-first")

        def release() -> None:
            self._holds.pop(call_id, None)
            held.set()

        def release_soon() -> None:
            # One turn of the loop later, so that in process too the answer reaches its reader first.
            asyncio.get_running_loop().call_soon(release)

        return release_soon

    # The clock

    async def move(self, *, pause: bool = False, advance: float | None = None, to_idle: bool = False, resume: bool = False) -> None:
        """Pause, advance by seconds, run until nothing is under way, resume: whatever is asked for, in this order.

        Timers fire one by one at their own due times; in between, webhooks in flight settle: also when it is advanced by nothing.
        Raises Refusal when the platform never comes to rest.
        """
        if self.halted and (advance is not None or to_idle):
            raise Refusal(409, "halt: an application holds the clock until it has answered an event", "local.halt")
        async with self._moves:
            engine, paused = self.engine, (self.clock.paused or pause) and not resume
            self._runs_on = self._runs_on and not pause
            self.clock.pause()
            self._moving = True
            try:
                if advance is not None:
                    target = self.clock.now() + advance
                    await self._run_through(engine, lambda: target)
                if to_idle:
                    await self._run_through(engine, engine.busy_until)
            finally:
                self._moving = False
                if engine is self.engine and not paused:
                    self._runs_on = self.halted
                    if not self.halted:
                        self.clock.resume()
                        self._changed()
                self._ring()

    def halt(self, on: bool) -> None:
        """Hold the clock where it is, whoever moves it, or let it go on as before. An application does so that takes its time to answer."""
        if on == self.halted:
            return
        self.halted = on
        self.engine.follow("local.halt")
        if on:
            self._runs_on = not self.clock.paused
            self.clock.pause()
        elif self._runs_on:
            self.clock.resume()
        self._changed()
        self._ring()

    async def _run_through(self, engine: Engine, until: Callable[[], float | None]) -> None:
        for _ in range(MOST_TIMERS):
            await asyncio.sleep(0)  # others come to their turn however many timers there are
            await self._settle()
            if self.halted:
                return None
            target, due = until(), engine.next_timer()
            if engine is not self.engine or target is None:
                return None
            if due is None or due > target:
                return self.clock.set(target)
            self.clock.set(due)
            engine.fire(self.clock.now())
            self._perform()
        raise Refusal(409, f"no rest after {MOST_TIMERS} timers", "local.rest")

    async def _settle(self) -> None:
        """Wait for what is in flight and for what its answers set off; each gets the grace once."""
        for _ in range(MOST_ROUNDS):
            fresh = [task for task in self._tasks.values() if task not in self._slow]
            if not fresh:
                return
            late = set(fresh)
            patience = asyncio.get_running_loop().time() + GRACE_SECONDS
            while late and (left := patience - asyncio.get_running_loop().time()) > 0:
                _, late = await asyncio.wait(late, timeout=min(left, HALT_SECONDS))
                if self.halted:
                    return
            self._slow |= late
        raise Refusal(409, f"no rest after {MOST_ROUNDS} rounds of webhooks: the application keeps asking for more", "local.rest")

    # What is loaded when it is needed

    @property
    def plane(self) -> Plane:
        """What carries sound."""
        return self.sound.plane

    @property
    def lines(self) -> Lines:
        """The devices that come by sockets; what serves them is loaded with the first one."""
        if self._lines is None:
            from workbench.simulator.media.lines import Lines

            self._lines = Lines(self)
        return self._lines

    # The end

    def reset(self) -> None:
        """Start over: a fresh engine with the same settings and ids, the account as it is, the clock as at first, nothing in flight."""
        kept = self.engine.applications, self.engine.numbers, self.engine.limits
        self._stop()
        self.stream.clear()
        self.faults.clear()
        self.halted = False
        self.clock.reset()
        self._begin()
        self.sound.reset()
        self.engine.applications, self.engine.numbers, self.engine.limits = kept
        self._changed()

    async def close(self) -> None:
        """Abandon what is in flight, let followers go and close every connection."""
        tasks = self._stop()
        self.stream.clear()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._lines is not None:
            await self._lines.shut()
        self.sound.close()
        await self.media_streams.shut()
        await self._sockets.close()

    def _stop(self) -> list[asyncio.Task[None]]:
        if self._lines is not None:
            self._lines.reset()  # first: what the engine still does about it is abandoned too
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        self._tasks.clear()
        self.media_streams.reset()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        return tasks
