"""What all panels share: one published view, buttons that call methods, errors where one looks, a static face."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import anywidget
import traitlets

from workbench.scripts import module, style
from workbench.widgets import text
from workbench.widgets.publisher import Publisher

P = ParamSpec("P")
R = TypeVar("R")
__all__ = ["Panel", "action", "module"]
PanelType = TypeVar("PanelType", bound="Panel")


def action(method: Callable[Concatenate[PanelType, P], R]) -> Callable[Concatenate[PanelType, P], R]:
    """Mark a public method that a button may call too; its error is shown in the panel, then raised."""

    @wraps(method)
    def shown(self: PanelType, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            self.say(text.explain(error), "error")
            raise

    shown.__dict__["panel_action"] = True
    return cast("Callable[Concatenate[PanelType, P], R]", shown)


class Panel(anywidget.AnyWidget):
    """A widget that only the publisher thread changes.

    `view` is all that the page needs to draw it; it holds nothing secret, for a notebook may be saved with it. Panels with the same
    `bench` show the same workbench: what is picked in one is marked in the others.
    """

    _css = style()
    title = traitlets.Unicode().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    bench = traitlets.Unicode().tag(sync=True)

    def __init__(self, publisher: Publisher, title: str, **traits: Any) -> None:
        self._publisher = publisher
        self._notes = 0
        self._open = True
        super().__init__(title=title, bench=publisher.bench, **traits)
        self.on_msg(self._on_message)

    def say(self, message: str, kind: str = "ok") -> None:
        """Show one line in the panel; `kind` is ok or error. Read out by screen readers."""
        self._notes += 1
        self._publisher.put(self, {"note": {"text": text.masked(message), "kind": kind, "n": self._notes}})

    def hand(self, **message: Any) -> None:
        """Tell the page something that it neither keeps nor saves: a token, say. It never becomes part of the view."""
        self._publisher.put(self, {"hand": message})

    def publish(self, items: list[Any]) -> float | None:
        """Merge `items` into the view. Called by the publisher alone."""
        if self._open:
            done = [item["done"] for item in items if "done" in item]
            view = dict(self.view)
            for item in items:
                view.update({name: value for name, value in item.items() if name not in ("done", "hand")})
            if view != self.view:
                self.view = view
            for item in items:
                if "hand" in item:
                    self.send({"hand": item["hand"]})
            if done:
                self.send({"done": done})
        return None

    def html(self) -> str:
        """The panel as static HTML, escaped and masked: for a notebook that is read without a kernel."""
        return text.table_html(self.title, [], [])

    def close(self) -> None:
        """Take the panel off the page."""
        self._open = False
        super().close()

    def _on_message(self, _widget: object, content: Any, _buffers: object) -> None:
        if isinstance(content, dict) and "do" in content:
            self._publisher.run(lambda: self._act(str(content["do"]), content.get("with") or {}, content.get("id")))

    def _act(self, name: str, arguments: dict[str, Any], request: object) -> None:
        method = getattr(self, name, None)
        try:
            if getattr(method, "panel_action", False):
                cast("Callable[..., object]", method)(**{str(key): value for key, value in arguments.items()})
        except Exception:
            # The action has shown it; a button has no caller to raise it to.
            pass
        finally:
            self._publisher.put(self, {"done": request})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.title!r}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = cast("tuple[dict[str, Any], dict[str, Any]]", super()._repr_mimebundle_(**kwargs))
        return {**data, "text/plain": repr(self), "text/html": self.html()}, metadata
