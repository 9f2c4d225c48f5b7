"""Flows as ladders, live: every message between phone, platform, notebook and browser, as it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import traitlets

from workbench.errors import WorkbenchError
from workbench.records import Event
from workbench.scripts import sheets, style
from workbench.widgets.deltas import Rows
from workbench.widgets.panel import action, module
from workbench.widgets.publisher import Publisher


class Batch(Protocol):
    """What a feed tells; see `workbench.feed.Batch`."""

    messages: list[dict[str, Any]]
    lanes: dict[str, list[dict[str, str]]]
    pictures: list[dict[str, Any]]


class Feed(Protocol):
    """What a ladder needs of `workbench.feed.Feed`."""

    def subscribe(self, listener: Callable[[Any], object]) -> Callable[[], None]: ...


class Figure(Protocol):
    """What a ladder needs of `workbench.figure.Figure`."""

    def svg(self) -> str: ...

    def mermaid(self) -> str: ...

    def _repr_html_(self) -> str: ...


Details = Callable[[int], Mapping[str, Any] | None]


class LadderPanel(Rows):
    """All flows; the page shows the newest unless told which.

    `draw` gives a flow as a figure, or the newest; `details` the parts of an event, `rule` what a rule of the
    platform says.
    """

    _esm = module("ladders.js")
    _css = style() + sheets("ladder.css")
    chosen = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        feed: Feed,
        publisher: Publisher,
        *,
        draw: Callable[[str | None], Figure],
        details: Details,
        rule: Callable[[str], Mapping[str, str] | None] = lambda rule: None,
        flow: str | None = None,
    ) -> None:
        self._draw, self._details, self._rule = draw, details, rule
        self._lanes: dict[str, list[dict[str, str]]] = {}
        self._begin()
        super().__init__(publisher, "Ladder", chosen=flow or "")
        self._leave = feed.subscribe(lambda batch: publisher.put(self, batch))

    def figure(self, flow: str | None = None) -> Figure:
        """A flow (the one chosen or the newest, unless told) as a figure, to save or to show without a kernel."""
        return self._draw(flow or self.chosen or None)

    @action
    def export(self, flow: str = "", form: str = "svg") -> None:
        """Hand the page a flow's figure: "svg" to save as a file, "mermaid" to copy."""
        if form not in ("svg", "mermaid"):
            raise WorkbenchError(f"form: a ladder is exported as svg or mermaid, not as {form!r}")
        figure = self.figure(flow or None)
        name = f"{flow or self.chosen or 'ladder'}.svg"
        text = figure.svg() if form == "svg" else figure.mermaid()
        self.hand(file={"name": name, "text": text, "way": "save" if form == "svg" else "copy"})

    def html(self) -> str:
        """The figure of the flow, as static SVG; a word where there is no flow yet."""
        try:
            return self.figure()._repr_html_()
        except WorkbenchError:
            return "<p>Ladder: no call was made yet.</p>"

    def close(self) -> None:
        """Take the ladder off the page and off the feed."""
        self._leave()
        super().close()

    def _fresh(self, items: Sequence[Batch]) -> list[dict[str, Any]]:
        rows = [message for batch in items for message in batch.messages]
        news = {flow: lanes for batch in items for flow, lanes in batch.lanes.items()}
        if news:
            self._lanes.update(news)
            self.view = {**self.view, "lanes": dict(self._lanes)}
        return rows

    def _asked(self, item: dict[str, Any]) -> None:
        if isinstance(item.get("detail"), int):
            detail = self._details(item["detail"])
            if detail is not None:
                self.send({"detail": dict(detail)})
        elif isinstance(item.get("rule"), str):
            told = self._rule(item["rule"])
            if told is not None:
                self.send({"rule": {"id": item["rule"], "key": item.get("key"), **told}})


def event_details(event: Callable[[int], Event | None], shown: Callable[[Event], Mapping[str, Any]]) -> Details:
    """The details of an event of the log, by its number."""

    def of(number: int) -> Mapping[str, Any] | None:
        found = event(number)
        return None if found is None else shown(found)

    return of
