"""Undoes what a run has left on the platform: this one's at its end, that of earlier ones, whose process is gone, at the next start."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench import runs
from workbench.behind import DUE, ENDED, GONE, OTHERS, LeftBehind, Line
from workbench.clients import Voice, WebRtc
from workbench.endpoints import Endpoints
from workbench.errors import ApiError, SettingsError, WorkbenchError
from workbench.events import EventLog, open_log
from workbench.leavings import TYPES, Left, left
from workbench.settings import Settings

if TYPE_CHECKING:
    import httpx

# A request that is under way at the end may take so long; the rest is done at the next start.
PARTING_SECONDS = 5.0
# Nothing lives that long (calls and conferences a day, sessions 9 hours): what cannot be undone is given up.
KEPT_SECONDS = 7 * 86_400.0


class Apis(NamedTuple):
    """Through which things are ended."""

    voice: Voice
    webrtc: WebRtc
    endpoints: Endpoints


class Undoing:
    """Holds this run's file, and works through those that runs of the same account and platform have left, on a thread of its own."""

    def __init__(self, settings: Settings, log: EventLog, transport: httpx.BaseTransport | None, mask: Callable[[str], str]) -> None:
        self._settings, self._log, self._transport, self._mask = settings, log, transport, mask
        self.found = LeftBehind()
        self._stop = threading.Event()
        self._away = self._silent = False
        self._thread: threading.Thread | None = None
        place = runs.where(settings.platform, settings.account_id, settings.voice_url)
        try:
            self._held = runs.hold(settings.state_dir, log.run, place)
        except OSError as error:
            raise SettingsError(f"state_dir: {settings.state_dir} cannot be used ({error}); name another folder") from error
        # Where files cannot be locked nobody knows who still runs, so nobody's things are touched.
        before = [] if self._held is None else list(runs.abandoned(settings.state_dir, place))
        if before:
            self.found.done = False
            self._thread = threading.Thread(target=self._work, args=(before,), name="workbench-leavings", daemon=True)
            self._thread.start()

    # -- this run ------------------------------------------------------------------------------------------------------------------

    @property
    def kept(self) -> tuple[Left, ...]:
        """What of this run is still on the platform, as far as its log tells."""
        return left(self._log.events(types=TYPES)) if self._held is not None else ()

    def finish(self, apis: Apis) -> None:
        """End what nobody else has ended: an interrupt may have come between making a thing and noting it."""
        kept = self.kept
        calls = {one.id for one in kept if one.kind == "call"}
        for one in () if self._away else kept:
            try:
                undo(one, apis, calls)
            except Exception as error:
                # Without an answer the others would get none either; the next start does it.
                self._away = isinstance(error, ApiError) and error.status is None
                if self._away:
                    return

    def close(self) -> None:
        """End the work on earlier runs, and this run: its file stays as long as something of it does."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PARTING_SECONDS)
        if self._held is not None:
            keep = True
            with suppress(Exception):
                keep = bool(self.kept)
            self._held.release(keep=keep)

    # -- earlier runs ----------------------------------------------------------------------------------------------------------------

    def _work(self, before: list[runs.Held]) -> None:
        try:
            with ExitStack() as after:
                for held in before:
                    # Whatever happens: unlocked and kept, unless it was done.
                    after.callback(held.release, keep=True)
                for held in before:
                    if not self._stop.is_set():
                        self._try_run(held)
        finally:
            self.found.done = True

    def _try_run(self, held: runs.Held) -> None:
        """Undo what a run has left. One that cannot be read, be it a damaged row, keeps no other from it."""
        try:
            self._undo_run(held)
        except Exception as error:
            again = "the next start tries again"
            if time.time() - held.note.began > KEPT_SECONDS:
                held.release(keep=False)
                again = "it is given up"
            self.found.fail(f"what an earlier run left behind could not be looked up ({self._mask(str(error))}); {again}")

    def _undo_run(self, held: runs.Held) -> None:
        note = held.note
        # What is done about a run is written into its own log: read again, there is nothing left of it.
        with ExitStack() as after:
            log = after.enter_context(closing(open_log(self._settings, run=note.run)))
            options: dict[str, Any] = {"record": log.record_request, "transport": self._transport}
            apis = Apis(Voice(self._settings, **options), WebRtc(self._settings, **options), Endpoints(self._settings, **options))
            for api in apis:
                after.callback(api.close)
            lines = [Line(note.run, note.began, one) for one in left(log.events(types=TYPES))]
            self.found.name(lines)
            calls = {line.left.id for line in lines if line.left.kind == "call"}
            undone = [self._undo_line(line, apis, calls) for line in lines]
        if all(undone) or time.time() - note.began > KEPT_SECONDS:
            held.release(keep=False)

    def _undo_line(self, line: Line, apis: Apis, calls: Collection[str]) -> bool:
        """Undo one thing, and say whether that is done."""
        if self._stop.is_set() or self._silent:
            self.found.tell(line, "not ended: the platform does not answer; the next start tries again" if self._silent else DUE)
            return False
        try:
            self.found.tell(line, undo(line.left, apis, calls))
        except WorkbenchError as error:
            self._silent = isinstance(error, ApiError) and error.status is None
            self.found.tell(line, f"not ended: {self._mask(str(error))}; the next start tries again")
            return False
        return True


def undo(one: Left, apis: Apis, calls: Collection[str]) -> str:
    """End or delete one thing of a run whose `calls` these are, and say what became of it. Raises ApiError when it may still be there."""
    try:
        if one.kind == "call":
            apis.voice.update_call(one.id, state="completed")
        elif one.kind == "conference":
            room = apis.voice.conference(one.id)
            if room.get("completedTime"):
                return GONE
            members = {str(member["callId"]) for member in room.get("activeMembers") or ()}
            if not members <= set(calls):
                return OTHERS
            apis.voice.update_conference(one.id, status="completed")
        elif one.kind == "participant":
            apis.webrtc.delete_participant(one.id)
        elif one.kind == "endpoint":
            apis.endpoints.delete(one.id)
        else:
            apis.webrtc.delete_session(one.id)
    except ApiError as error:
        # 409 is documented for calls that have just ended, but also for some that have not (voice-api 3).
        over = error.status == 404 or (
            error.status == 409 and one.kind == "call" and apis.voice.call(one.id).get("state") == "disconnected"
        )
        if not over:
            raise
        return GONE
    return ENDED
