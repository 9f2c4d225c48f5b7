"""Panels with many rows: each comes to its pages once, in numbered deltas, whatever is lost, late or loaded again."""

from __future__ import annotations

import threading
import time
from typing import Any

import traitlets

from workbench.widgets.panel import Panel

# A delta repeats the last rows now and then, for a page that was loading when the earlier ones were sent.
TAIL = 64
TAIL_EVERY = 0.1
# While no page has reported, more is repeated: a page that loads beside a blocking cell can ask for nothing.
UNSEEN_TAIL = 1000
REPEATS = (0.3, 1.0, 3.0)
CHUNK = 1000


class Rows(Panel):
    """A panel whose `rows` are appended to in place and never sent as a whole, except to a page that (re)loads.

    Subclasses say what a row is (`_fresh`) and what a page may ask for (`_asked`).
    """

    rows: Any = traitlets.List().tag(sync=True)

    def _begin(self) -> None:
        """Called before anything can be published."""
        self._seen = False
        self._tail_sent = 0.0
        self._repeats: list[float] = []
        # What arrives while the first rows are read waits for them.
        self._lock = threading.Lock()

    def _fresh(self, items: list[Any]) -> list[dict[str, Any]]:
        """The rows of what was put for this panel, as far as they are new. Called by the publisher alone, under the lock."""
        raise NotImplementedError

    def _asked(self, item: dict[str, Any]) -> None:
        """A page's wish other than for rows."""

    def publish(self, items: list[Any]) -> float | None:
        """Append rows, answer pages, show the rest as every panel does; called by the publisher alone."""
        asked = [item["asked"] for item in items if isinstance(item, dict) and "asked" in item]
        others = [item for item in items if isinstance(item, dict) and "asked" not in item]
        with self._lock:
            if not self._open:
                return None
            rows = self._fresh([item for item in items if not isinstance(item, dict)])
            start = len(self.rows)
            self.rows.extend(rows)
        if others:
            super().publish(others)
        for item in asked:
            self._answer(item)
        if rows:
            self._repeats = list(REPEATS)
            self._send_delta(start)
        elif not items and self._repeats:
            self._repeats.pop(0)
            self._tell(len(self.rows) - (TAIL if self._seen else UNSEEN_TAIL))
        return self._repeats[0] if self._repeats else None

    def _send_delta(self, start: int) -> None:
        now = time.monotonic()
        if now - self._tail_sent > TAIL_EVERY:
            self._tail_sent = now
            start = min(start, len(self.rows) - TAIL)
        self._tell(start)

    def _tell(self, start: int, end: int | None = None) -> None:
        start = max(0, start)
        self.send({"start": start, "rows": self.rows[start:end]})

    def _answer(self, item: dict[str, Any]) -> None:
        if "sync" not in item:
            self._asked(item)
        elif isinstance(item["sync"], int):
            self._seen = True
            for start in range(max(0, item["sync"]), len(self.rows), CHUNK):
                self._tell(start, start + CHUNK)

    def _on_message(self, widget: object, content: Any, buffers: object) -> None:
        if isinstance(content, dict) and "do" not in content:
            self._publisher.put(self, {"asked": content})
        else:
            super()._on_message(widget, content, buffers)
