"""Connections to the callback server, as far as they may not last for ever: waitress' channels with two rules more."""

from __future__ import annotations

from typing import Any

from waitress.channel import HTTPChannel

# Seconds within which a request has to be there in whole, and after which a connection that says nothing is closed. Waitress counts
# from the last byte, so one byte a minute would keep a connection for ever.
COMPLETE = 15
# From so many connections on, each new one takes the place of the one that has been silent for longest.
CROWDED = 400


class Connection(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """One connection. How long a request has been under way is told by `last_activity`, which waitress looks at."""

    last_activity: float

    def __init__(self, server: Any, *args: Any, **options: Any) -> None:
        super().__init__(server, *args, **options)
        others = [one for one in list(server.active_channels.values()) if one is not self and not one.requests and not one.will_close]
        if len(others) >= CROWDED:
            min(others, key=lambda one: one.last_activity).will_close = True

    def received(self, data: bytes) -> Any:
        """Take in a part of a request; what is not complete does not count as activity after its first byte."""
        unfinished, began = self.request is not None, getattr(self, "_began", self.last_activity)
        done = super().received(data)
        self._began = began if unfinished and self.request is not None else self.last_activity
        if self.request is not None:
            self.last_activity = self._began
        return done
