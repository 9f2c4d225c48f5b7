"""Scripts and style sheets of pages, put together from plain files without a bundler."""

from __future__ import annotations

import re
from pathlib import Path

STATIC = Path(__file__).parent / "widgets" / "static"
# What pages of their own need too; the local platform serves it.
BROWSER = Path(__file__).parent / "browser"
_IMPORTED = re.compile(r"(?m)^(?:import|export) [^;]* from \"\./([\w.]+)\";\n")
_EXPORTED = re.compile(r"(?m)^export (?=(?:async )?(?:function|const|class))")


def module(name: str) -> str:
    """A panel's ES module with what it imports in front, each file once: what anywidget loads has no address to import from."""
    found: dict[str, str] = {}
    _collect(name, found)
    main = found.pop(name)
    return "".join(_EXPORTED.sub("", source) for source in found.values()) + main


def _collect(name: str, found: dict[str, str]) -> None:
    source = next(place / name for place in (STATIC, BROWSER) if (place / name).exists()).read_text("utf-8")
    for imported in _IMPORTED.findall(source):
        if imported not in found:
            _collect(imported, found)
    found[name] = _IMPORTED.sub("", source)


def style() -> str:
    """The style sheet of all panels."""
    return sheets("look.css", "ladder.css", "demo.css") + (STATIC / "panel.css").read_text("utf-8")


def sheets(*names: str) -> str:
    """Style sheets of pages, one after the other."""
    return "".join((BROWSER / name).read_text("utf-8") for name in names)
