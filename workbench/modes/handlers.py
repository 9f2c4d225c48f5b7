"""The handlers of a mode: one method per event type, each replaceable from a cell while calls are up."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from workbench.errors import WorkbenchError
from workbench.modes.flow import Handler

# Events whose document the platform runs or may run (webhooks 2). A call event without a handler is a fault, a conference event is not.
ASKING = frozenset(
    {
        "initiate",
        "answer",
        "redirect",
        "gather",
        "recordComplete",
        "transferAnswer",
        "transferComplete",
        "bridgeComplete",
        "bridgeTargetComplete",
        "referComplete",
    }
)
CONFERENCE = frozenset({"conferenceCreated", "conferenceMemberJoin", "conferenceMemberExit", "conferenceRedirect"})
# Their answer is ignored (webhooks 2), so the platform does not wait for the handler.
TELLING = frozenset(
    {
        "disconnect",
        "transferDisconnect",
        "conferenceCompleted",
        "connectStatus",
        "dtmf",
        "machineDetectionComplete",
        "recordingAvailable",
        "conferenceRecordingAvailable",
        "transcriptionAvailable",
        "mediaStreamStarted",
        "mediaStreamRejected",
        "mediaStreamStopped",
        "realTimeTranscriptionStarted",
        "realTimeTranscriptionRejected",
        "realTimeTranscriptionStopped",
        "realTimeTranscriptionAvailable",
        "onConnect",
        "onLeave",
        "onDisconnect",
        "outboundConnectionRequest",
    }
)
# So many events know which function answered them.
USED = 2000
# A misspelt event type would never be asked for, so `on` refuses it.
EVENT_TYPES = ASKING | CONFERENCE | TELLING


def known(event_type: object) -> None:
    """Raises WorkbenchError for an event type that does not exist, with the nearest one that does."""
    if isinstance(event_type, str) and event_type in EVENT_TYPES:
        return
    from difflib import get_close_matches

    small = {name.lower(): name for name in sorted(EVENT_TYPES)}
    meant = "".join(f" (did you mean {small[near]!r}?)" for near in get_close_matches(str(event_type).lower(), small, n=1))
    raise WorkbenchError(f"there is no event {event_type!r}{meant}; there are {', '.join(sorted(EVENT_TYPES))}")


class Source(str):
    """Source code that a notebook shows with colours."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"```python\n{self}\n```"


class Handlers:
    """Which function answers which event: the mode's own method until a cell replaces it."""

    def __init__(self, mode: Any) -> None:
        self._mode = mode
        self._replaced: dict[str, Handler] = {}
        self._used: dict[int, Handler] = {}

    def on(self, event_type: str) -> Callable[[Handler], Handler]:
        """A decorator that makes a function the handler; used again, the newer one counts."""
        self._known(event_type)

        def replace(handler: Handler) -> Handler:
            self._replaced[event_type] = handler
            return handler

        return replace

    def reset(self, event_type: str | None = None) -> None:
        """Back to the mode's own handler; without a name, all of them."""
        if event_type is None:
            self._replaced.clear()
        else:
            self._known(event_type)
            self._replaced.pop(event_type, None)

    def get(self, event_type: str) -> Handler | None:
        """The function that answers such events, or None."""
        return self._replaced.get(event_type) or getattr(self._mode, f"on_{event_type}", None)

    def knows(self, event_type: str) -> bool:
        """Whether the platform may ask about such events."""
        return event_type in EVENT_TYPES

    @property
    def replaced(self) -> dict[str, Handler]:
        """The functions that cells have put in the place of the mode's own."""
        return dict(self._replaced)

    def used(self, event: int, handler: Handler) -> None:
        """Note which function answers an event; the last ones are kept."""
        self._used[event] = handler
        while len(self._used) > USED:
            self._used.pop(next(iter(self._used)), None)

    def source_of(self, event: int) -> str | None:
        """The source of the function that answered an event, as it was then; None when nobody knows any more."""
        handler = self._used.get(event)
        try:
            return None if handler is None else textwrap.dedent(inspect.getsource(handler)).rstrip()
        except (OSError, TypeError):
            return None

    def source(self, event_type: str) -> Source:
        """The source of the function that answers such events."""
        self._known(event_type)
        handler = self.get(event_type)
        if handler is None:
            mode = self._mode.name
            raise WorkbenchError(f"{mode} has no handler for {event_type}; write one with @wb.{mode}.on({event_type!r})")
        return Source(textwrap.dedent(inspect.getsource(handler)).rstrip())

    def table(self) -> dict[str, str]:
        """Each event type that has a handler, and whose it is: the mode's or a cell's."""
        own = {name.removeprefix("on_"): "mode" for name in dir(self._mode) if name.removeprefix("on_") in EVENT_TYPES}
        return own | dict.fromkeys(self._replaced, "cell")

    def _known(self, event_type: str) -> None:
        known(event_type)
