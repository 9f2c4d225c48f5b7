"""The durable log: every request made and every webhook received, append-only in SQLite, over all runs.

A row is committed before the webhook is answered. The database runs in WAL mode with `synchronous=NORMAL`: a committed row survives the
death of the process (kill -9); after a power cut the last moments may be missing. What is stored is masked; handlers get the real data.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from workbench import entries
from workbench.database import Database
from workbench.errors import SettingsError
from workbench.keys import kept_in, kept_password
from workbench.masking import Masker, salt_in
from workbench.records import Begun, Event, Exchange, Refused, Reply, TurnedAway, Webhook
from workbench.refused import CHALLENGED
from workbench.settings import Settings

if TYPE_CHECKING:
    from pandas import DataFrame

    from workbench.tokens import Claims

_Key = tuple[str, ...]
Listener = Callable[[Event], None]
# A platform repeats a webhook within seconds; at 400 calls per second this is still ten of them.
REMEMBERED = 5_000
# A public address is knocked at all day: the counts stay exact, the rows end.
REFUSALS_KEPT = 1_000
# Characters of a refused request's path that are noted: whoever knocks chooses it.
PATH_KEPT = 200
# And of these so many are searched for secrets: the search takes long in long paths.
PATH_READ = 2000


@dataclass(frozen=True, slots=True)
class Run:
    """One run found in the log; times in epoch seconds."""

    run: str
    first: float
    last: float
    events: int


@dataclass(frozen=True, slots=True)
class _First:
    """What is remembered of a webhook in case it comes again."""

    id: int
    seq: int | None
    answer: Future[Reply]


def new_run() -> str:
    """An id for a run; sorts by time."""
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(2)


class EventLog:
    """The log of one run, and the way to earlier ones. Thread-safe.

    Listeners run on the thread that finished the event, so they must be quick.
    """

    def __init__(self, path: Path, run: str, masker: Masker) -> None:
        self.path = path
        self.run = run
        self._masker = masker
        self._database = Database(path, run)
        self._numbers = count(self._database.last_id() + 1)
        self._lock = Lock()
        self._answers: dict[_Key, _First] = {}
        self._refused: dict[str, TurnedAway] = {}
        self._listeners: tuple[Listener, ...] = ()
        self._early: tuple[Listener, ...] = ()

    # -- writing -------------------------------------------------------------------------------------------------------------------

    def begin(self, webhook: Webhook) -> Begun:
        """Commit a webhook. If it repeats one of this run, the result says so and shares the first one's answer, be it still to come."""
        masked = self._masker.value(webhook.data)
        key = _identity(webhook)
        # one step: of two equal webhooks at once, one has to be the first
        with self._lock:
            number = next(self._numbers)
            first = self._repeated(key, webhook)
            answer = first.answer if first else Future()
            if key is not None and first is None:
                self._remember(key, _First(number, webhook.seq, answer))
        stored = entries.of_webhook(webhook, masked, self.run, number, first.id if first else None)
        try:
            self._database.add(stored)
        except Exception:
            with self._lock:
                self._answers.pop(key or (), None)
            raise
        real = stored if masked == webhook.data else entries.of_webhook(webhook, webhook.data, self.run, number, stored.duplicate_of)
        return Begun(real, answer, stored)

    def finish(self, begun: Begun, reply: Reply) -> Event:
        """Commit what a webhook was answered, then tell the listeners. Returns the event as stored: masked."""
        stored = replace(
            begun.stored or begun.event,
            status=reply.status,
            reply=self._masker.text(reply.body),
            verbs=reply.verbs,
            handler_ms=reply.handler_ms,
            error=None if reply.error is None else self._masker.text(reply.error),
            late=reply.late,
        )
        self._database.finish(stored)
        if not begun.duplicate:
            begun.answer.set_result(reply)
        self._tell(stored)
        return stored

    def record_request(self, exchange: Exchange) -> Event:
        """Commit a request that was made; the clients' `record` hook."""
        masked = replace(
            exchange,
            path=self._masker.text(exchange.path),
            request=self._masker.value(exchange.request),
            response=self._masker.value(exchange.response),
            error=None if exchange.error is None else self._masker.text(exchange.error),
        )
        with self._lock:
            number = next(self._numbers)
        stored = entries.of_exchange(masked, self.run, number)
        self._database.add_finished(stored)
        self._tell(stored)
        return stored

    def refuse(self, refused: Refused) -> None:
        """Count a request that was turned away, and note it. The challenge that precedes every webhook is only counted."""
        challenge = refused.reason == CHALLENGED
        path = "" if challenge else self._masker.text(refused.path[:PATH_READ])[:PATH_KEPT]
        noted = replace(refused, method=refused.method[:20], path=path)
        with self._lock:
            before = self._refused.get(refused.reason)
            count = before.count + 1 if before else 1
            self._refused[refused.reason] = TurnedAway(refused.reason, count, noted)
        if not challenge and count <= REFUSALS_KEPT:
            self._database.refuse(noted)

    def asked_at(self, event_id: int) -> str | None:
        """Path and query at which a webhook of this run came, while it is remembered in case it comes again."""
        with self._lock:
            return next((key[2] for key, first in self._answers.items() if first.id == event_id), None)

    def subscribe(self, listener: Listener, *, early: bool = False) -> Callable[[], None]:
        """Call `listener` with each event, masked, once its outcome is committed; `early` also with those that a reader holds before.

        Returns what ends the subscription.
        """
        with self._lock:
            self._listeners = (*self._listeners, listener)
            if early:
                self._early = (*self._early, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)
                self._early = tuple(one for one in self._early if one is not listener)

        return unsubscribe

    def claims(self, shown: str) -> Claims | None:
        """What a masked token says, by what is shown of it, as long as it is remembered."""
        return self._masker.claims(shown)

    def pending(self, event_id: int, flow: str) -> None:
        """Show an event of this flow whose outcome takes long."""
        for event in self.events(flow=flow) if self._early else ():
            if event.id == event_id:
                self._tell(event, self._early)

    def close(self) -> None:
        """Close the log; reading stays possible."""
        self._database.close()

    # -- reading -------------------------------------------------------------------------------------------------------------------

    def events(
        self, mode: str | None = None, flow: str | None = None, *, run: str | None = None, types: Collection[str] = ()
    ) -> list[Event]:
        """The events of a mode, a flow, or all of them, in the order in which they happened; of this run unless told otherwise.

        With `types` only events of these are read.
        """
        return in_order(self._database.events(run or self.run, mode, flow, types))

    def event(self, number: int, *, run: str | None = None) -> Event | None:
        """One event by its id; of this run unless told otherwise. None when there is none."""
        return self._database.event(run or self.run, number)

    def frame(self, mode: str | None = None, flow: str | None = None, *, run: str | None = None) -> DataFrame:
        """The same events as a table; its columns are described in `workbench.frames`."""
        from workbench.frames import frame

        return frame(self.events(mode, flow, run=run))

    def runs(self) -> list[Run]:
        """Every run in the log, the newest first."""
        return [Run(*row) for row in self._database.runs()]

    def refusals(self, *, run: str | None = None) -> list[Refused]:
        """What was turned away, the oldest first; challenges are not listed."""
        return [Refused(*row) for row in self._database.refusals(run or self.run)]

    @property
    def refused(self) -> dict[str, int]:
        """How often this run turned something away, by reason."""
        with self._lock:
            return {reason: one.count for reason, one in self._refused.items()}

    def turned_away(self) -> list[TurnedAway]:
        """What this run turned away, a row for each reason."""
        with self._lock:
            return list(self._refused.values())

    # -- inside --------------------------------------------------------------------------------------------------------------------

    def _repeated(self, key: _Key | None, webhook: Webhook) -> _First | None:
        first = None if key is None else self._answers.get(key)
        if first is None or not _repeats(webhook, first):
            return None
        # an error is no answer: a second attempt is asked anew
        failed = first.answer.done() and first.answer.result().status >= 500
        return None if failed else first

    def _remember(self, key: _Key, first: _First) -> None:
        self._answers.pop(key, None)
        self._answers[key] = first
        if len(self._answers) > REMEMBERED:
            del self._answers[next(iter(self._answers))]

    def _tell(self, event: Event, listeners: Iterable[Listener] | None = None) -> None:
        for listener in self._listeners if listeners is None else listeners:
            # a callback must not fail because somebody who watches does
            with contextlib.suppress(Exception):
                listener(event)


def open_log(settings: Settings, *, run: str | None = None, values: Iterable[str] = ()) -> EventLog:
    """The log in the settings' state directory. `values` are further secrets to hide: the callback's password, the participants' path.

    Raises SettingsError when there is no log to be had.
    """
    try:
        return _open_log(settings, run, values)
    except (sqlite3.Error, OSError) as error:
        raise SettingsError(
            f"state_dir: the log in {settings.state_dir} cannot be used ({error}); name another folder, or move it away"
        ) from error


def dashboard_file(settings: Settings) -> Path:
    """Where the password of the URLs entered in this account's dashboard is kept."""
    return kept_in(settings.state_dir, f"{settings.platform} {settings.account_id}")


def password_of_dashboard(settings: Settings) -> str:
    """The password of the URLs entered in this account's dashboard, kept beside the log. Raises SettingsError when it cannot be."""
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return kept_password(settings.state_dir, f"{settings.platform} {settings.account_id}")
    except OSError as error:
        raise SettingsError(f"state_dir: {settings.state_dir} cannot be used ({error}); name another folder") from error


def _open_log(settings: Settings, run: str | None, values: Iterable[str]) -> EventLog:
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = (settings.number,) if settings.number else ()
    hidden = (*settings.secrets(), *values)
    masker = Masker(salt_in(settings.state_dir), numbers=settings.live, own=own, values=hidden)
    return EventLog(settings.state_dir / "events.db", run or new_run(), masker)


def in_order(events: Iterable[Event]) -> list[Event]:
    """By the platform's sequence numbers where there are any, else by arrival.

    An event without number stays behind everything that had arrived before it.
    """
    seen = 0
    placed: list[tuple[int, int, float, int, Event]] = []
    for event in sorted(events, key=lambda event: (event.time, event.id)):
        seen = max(seen, event.seq or 0)
        placed.append((seen if event.seq is None else event.seq, event.seq is None, event.time, event.id, event))
    return [event for *_, event in sorted(placed, key=lambda place: place[:4])]


def _identity(webhook: Webhook) -> tuple[str, ...] | None:
    """What two deliveries of one webhook have in common; None for a webhook that cannot be told from its like."""
    data = webhook.data
    about = [str(data[key]) for key in ("callId", "conferenceId", "participantId", "endpointId", "sessionId") if data.get(key)]
    # A Connect's status has no time, but comes once for each connection (brtc 4.2).
    at = data.get("eventTime") or data.get("timestamp") or data.get("status")
    return (webhook.event_type, str(at), webhook.url, *about) if about and at else None


def _repeats(webhook: Webhook, before: _First) -> bool:
    # On a paused clock two events may bear one time. The local platform numbers its deliveries and names its retries, so it can tell.
    numbered = webhook.seq is not None and before.seq is not None
    return not numbered or webhook.seq == before.seq or (webhook.rule or "").startswith("webhook.retry")
