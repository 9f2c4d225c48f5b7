"""A demonstration for an audience: one button plays a story with sound, and everybody sees what happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from workbench.errors import CLOSED, WorkbenchError
from workbench.widgets import text
from workbench.widgets.panel import Panel, action, module
from workbench.widgets.publisher import Publisher


class Plays(Protocol):
    """What plays stories; see `workbench.demo.Show`."""

    tell: Callable[[dict[str, Any]], object]

    @property
    def playing(self) -> bool: ...
    def play(self, story: str, *, page: bool = False) -> None: ...
    def stop(self) -> None: ...
    def silent(self) -> None: ...
    def wait(self, seconds: float) -> bool: ...


class Demo(Panel):
    """`stories` has each story's title and lead by its name; `grant` makes what a page connects with, so that the audience hears."""

    _esm = module("demo.js")

    def __init__(
        self, publisher: Publisher, show: Plays, *, stories: Mapping[str, tuple[str, str]], grant: Callable[[], Mapping[str, str]]
    ) -> None:
        self._show, self._grant = show, grant
        self._stories = dict(stories)
        told = [{"name": name, "title": title, "lead": lead} for name, (title, lead) in self._stories.items()]
        view = {"stories": told, "chosen": told[0]["name"], "state": "ready", "messages": [], "lanes": [], "parties": [], "hears": []}
        super().__init__(publisher, "Demonstration", view=view)
        show.tell = self._see

    @action
    def play(self, story: str = "", page: str = "") -> None:
        """Play a story, the one chosen unless told; from a page its browser takes part and is heard. Returns at once."""
        if self._publisher.closed:
            raise WorkbenchError(CLOSED)
        chosen = story or str(self.view["chosen"])
        self._publisher.put(self, {"chosen": chosen if chosen in self._stories else self.view["chosen"]})
        self._show.play(chosen, page=bool(page))
        if page:
            self.hand(connect=dict(self._grant()), page=page)

    @action
    def choose(self, story: str) -> None:
        """Choose the story that is played next."""
        if story not in self._stories:
            raise WorkbenchError(f"there is no story {story!r}; there are {', '.join(self._stories)}")
        if not self._show.playing:
            self._publisher.put(self, {"chosen": story, "state": "ready", "messages": [], "said": "", "caption": "", "parties": []})

    @action
    def stop(self) -> None:
        """End the story; its calls are ended."""
        self._show.stop()

    @action
    def silent(self) -> None:
        """The page cannot connect: the story goes on without sound."""
        self._show.silent()

    def wait(self, seconds: float = 120) -> bool:
        """Wait until the story is over; whether it is."""
        return self._show.wait(seconds)

    def html(self) -> str:
        """What is demonstrated, as static HTML."""
        return text.table_html(self.title, ["story", "what to see"], self._stories.values())

    def end(self) -> None:
        """End what plays; the page's line is left."""
        self._show.stop()
        self.hand(leave=True)
        self._show.wait(10)

    def _see(self, news: dict[str, Any]) -> None:
        self._publisher.put(self, news)
        if news.get("state") in ("over", "stopped", "failed"):
            self.hand(leave=True)
