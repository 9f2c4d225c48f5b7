"""Who hears whom: one row per listener, one column per voice."""

from __future__ import annotations

from typing import Any

from workbench.widgets import text
from workbench.widgets.lookout import Lookout, Picture
from workbench.widgets.panel import Panel, module
from workbench.widgets.publisher import Publisher

UNKNOWN = "Only the local platform can tell who hears whom."


class Matrix(Panel):
    """Follows the local platform's answer to who hears whom; live it says that nobody can tell."""

    _esm = module("matrix.js")

    def __init__(self, publisher: Publisher, lookout: Lookout, *, local: bool = True) -> None:
        self._lookout = lookout
        self._local = local
        super().__init__(publisher, "Who hears whom", view=_view(lookout.look(), local))
        self._unsubscribe = lookout.subscribe(lambda picture: publisher.put(self, _view(picture, local)))

    def hears(self) -> dict[str, list[str]]:
        """Now, by name: for each party, whom it hears."""
        view = _view(self._lookout.look(), self._local)
        names = view["parties"]
        return {one: [names[at] for at, heard in enumerate(row) if heard] for one, row in zip(names, view["hears"], strict=True)}

    def html(self) -> str:
        """The matrix as static HTML."""
        view = _view(self._lookout.look(), self._local)
        words = [["hears" if heard else "" for heard in row] for row in view["hears"]]
        rows = [[name, *row] for name, row in zip(view["parties"], words, strict=True)]
        return text.table_html(self.title, ["listener", *view["parties"]], rows, {"hears": "#dcf5ea"})

    def close(self) -> None:
        """Take the panel off the page."""
        self._unsubscribe()
        super().close()


def _view(picture: Picture, local: bool) -> dict[str, Any]:
    found = picture["hears"] or {"parties": [], "hears": {}}
    ids = [party["id"] for party in found["parties"]]
    legs = {leg["number"]: leg["name"] for leg in picture["legs"]}
    return {
        "parties": [name(party, legs) for party in found["parties"]],
        "hears": [[other in found["hears"].get(one, ()) for other in ids] for one in ids],
        "unknown": "" if local else UNKNOWN,
        "error": picture["error"],
    }


def name(party: Any, legs: dict[str, str]) -> str:
    """A party as a person calls it: a phone by its leg's name where it has one."""
    if party["kind"] != "phone":
        return text.masked(str(party["name"]))
    return legs.get(party["id"]) or text.party(party["id"])
