"""One story under three verbs: choose it, press Play, and read what became of each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.errors import WorkbenchError
from workbench.scripts import sheets, style
from workbench.widgets import text
from workbench.widgets.panel import Panel, action, module
from workbench.widgets.publisher import Publisher

# Plays a story by its name, telling how far it is; gives what the page shows (`workbench.columns.as_data`).
Play = Callable[[str, Callable[[str], object]], Mapping[str, Any]]


class Comparison(Panel):
    """`stories` are those that can be played, each with its sentences."""

    _esm = module("comparison.js")
    _css = style() + sheets("ladder.css")

    def __init__(self, publisher: Publisher, *, stories: Mapping[str, str], play: Play) -> None:
        self._stories, self._play = dict(stories), play
        self._result: Mapping[str, Any] | None = None
        told = [{"name": name, "told": sentences} for name, sentences in self._stories.items()]
        super().__init__(publisher, "The same call, three ways", view={"stories": told, "chosen": next(iter(stories), ""), "doing": ""})

    @action
    def play(self, story: str) -> None:
        """Play a story under the three verbs."""
        if story not in self._stories:
            raise WorkbenchError(f"there is no story {story!r}; there are {', '.join(self._stories)}")
        try:
            self._result = self._play(story, lambda doing: self._publisher.put(self, {"chosen": story, "doing": text.masked(doing)}))
        finally:
            self._publisher.put(self, {"chosen": story, "doing": "", "result": self._result})

    def html(self) -> str:
        """What was played last as static HTML."""
        if self._result is None:
            return text.table_html(self.title, ["story", "what happens"], self._stories.items())
        rows = [[row["name"], *(cell["text"] for cell in row["cells"])] for row in self._result["rows"]]
        return text.table_html(f"{self.title}: {self._result['told']}", ["", *self._result["modes"]], rows)
