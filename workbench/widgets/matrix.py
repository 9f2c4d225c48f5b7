"""Who hears whom: one row per listener, one column per voice; computed, and measured when asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.errors import WorkbenchError
from workbench.records import Happened
from workbench.widgets import text
from workbench.widgets.lookout import NOTHING, Lookout, Picture
from workbench.widgets.panel import Panel, action, module
from workbench.widgets.publisher import Publisher

UNKNOWN = "Only the local platform can tell who hears whom."
# The leg that carries a browser's sound.
_WEBRTC = "webrtc"
Heard = Mapping[str, Sequence[str]]


class Matrix(Panel):
    """Follows the local platform's answer to who hears whom; live it says that nobody can tell.

    `measure` makes every voice a tone and listens at every ear: for each party, by id, whom it heard. `past` gives the pictures
    that the platform has noted, `names` what the phones in them are called, by number.
    """

    _esm = module("matrix.js")

    def __init__(
        self,
        publisher: Publisher,
        lookout: Lookout,
        *,
        measure: Callable[[], Heard] | None = None,
        past: Callable[[], Sequence[Happened]] = tuple,
        names: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._lookout, self._past, self._names = lookout, past, names
        self._measure = measure
        self._lock = threading.Lock()
        # What was computed when it was last measured, what was heard, and when.
        self._measured: tuple[Any, Heard, str] | None = None
        super().__init__(publisher, "Who hears whom", view=self._view(lookout.look()))
        self._unsubscribe = lookout.subscribe(self._see)

    def hears(self) -> dict[str, list[str]]:
        """Now, by name: for each party, whom it hears."""
        return _named(_view(self._lookout.look()))

    @action
    def measure(self) -> dict[str, list[str]]:
        """Measure with tones who hears whom, and show it beside what was computed; by name, for each party whom it heard."""
        if self._measure is None:
            raise WorkbenchError(UNKNOWN)
        before = self._lookout.look()
        heard = self._measure()
        with self._lock:
            self._measured = (before["hears"], heard, time.strftime("%H:%M:%S"))
            self._publisher.put(self, self._view(self._lookout.look()))
        return _named({**_view(before), "hears": _rows(before, heard)})

    @action
    def look_back(self, place: float | None = None, at: float | None = None, asked: str = "") -> None:
        """Hand the page the picture of a moment: by its place among all that happened, else by its time. Nothing where none is known."""
        then = None
        for one in self._past():
            if (one.seq <= place) if place is not None else (at is not None and _epoch(one.time) <= at):
                then = one
        if then is None:
            self.hand(past={"asked": asked})
            return
        legs = [{"number": number, "name": leg} for number, leg in self._names().items()]
        picture = {**NOTHING, "hears": then.data, "legs": legs}
        self.hand(past={**_view(picture), "time": text.clock(at or _epoch(then.time))[:8], "asked": asked})

    def html(self) -> str:
        """The matrix as static HTML."""
        view = _view(self._lookout.look())
        words = [["hears" if heard else "" for heard in row] for row in view["hears"]]
        rows = [[name, *row] for name, row in zip(view["parties"], words, strict=True)]
        return text.table_html(self.title, ["listener", *view["parties"]], rows, {"hears": "#dcf5ea"})

    def close(self) -> None:
        """Take the panel off the page."""
        self._unsubscribe()
        super().close()

    def _see(self, picture: Picture) -> None:
        with self._lock:
            self._publisher.put(self, self._view(picture))

    def _view(self, picture: Picture) -> dict[str, Any]:
        view = {**_view(picture), "unknown": "" if self._measure else UNKNOWN, "error": picture["error"]}
        view |= {"measured": None, "faults": [], "at": "", "stale": False}
        if self._measured is not None:
            computed, heard, view["at"] = self._measured
            view["stale"] = computed != picture["hears"]
            view["measured"] = _rows(picture, heard)
            view["faults"] = [] if view["stale"] else list(_faults(view))
        return view


def _view(picture: Picture) -> dict[str, Any]:
    found = picture["hears"] or {"parties": [], "hears": {}}
    legs = {leg["number"]: leg["name"] for leg in picture["legs"]}
    parties = found["parties"]
    shown = {"parties": [name(party, legs) for party in parties], "hears": _rows(picture, found["hears"])}
    return {**shown, "legs": [legs.get(party["id"]) if party["kind"] == "phone" else _WEBRTC for party in parties]}


def _epoch(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _rows(picture: Picture, heard: Heard) -> list[list[bool]]:
    ids = [party["id"] for party in (picture["hears"] or {"parties": []})["parties"]]
    return [[other in heard.get(one, ()) for other in ids] for one in ids]


def _named(view: Mapping[str, Any]) -> dict[str, list[str]]:
    names = view["parties"]
    return {one: [names[at] for at, heard in enumerate(row) if heard] for one, row in zip(names, view["hears"], strict=True)}


def _faults(view: Mapping[str, Any]) -> list[str]:
    names, found = view["parties"], []
    for one, computed, measured in zip(names, view["hears"], view["measured"], strict=True):
        for other, should, did in zip(names, computed, measured, strict=True):
            if one != other and should != did:
                found.append(f"{one} should hear {other}, but was silent" if should else f"{one} should not hear {other}, but did")
    return found


def name(party: Any, legs: dict[str, str]) -> str:
    """A party as a person calls it: a phone by its leg's name where it has one."""
    if party["kind"] != "phone":
        return text.masked(str(party["name"]))
    return legs.get(party["id"]) or text.party(party["id"])
