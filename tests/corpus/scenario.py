"""A scenario: one readable file that says what happens and what must come of it. README.md describes the format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent

# What a step may begin with, and what may stand beside it.
ACTIONS = (
    *("call", "dial", "pick up", "hang up", "reject", "keys", "phone", "wait", "request", "session", "participant", "endpoint"),
    *("connect", "disconnect", "release", "hears", "note", "socket", "device"),
)
OPTIONS = {
    *("as", "with", "for", "to", "by", "body", "xml", "text", "form", "content type", "headers", "credentials", "bearer"),
    *("expect", "rule", "gives", "keep", "says", "closes", "breaks"),
    *("opens", "asks", "tells", "sends", "frames", "told", "closed", "lost"),
}


class ScenarioError(Exception):
    """A scenario's file does not keep to the format; the message names file and field."""


@dataclass(frozen=True)
class Scenario:
    """One file. `name` is its path below the corpus without the ending."""

    name: str
    about: str
    source: str
    steps: tuple[Mapping[str, Any], ...]
    phones: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    setup: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, float] = field(default_factory=dict)
    sockets: Mapping[str, str] = field(default_factory=dict)
    webhooks: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    state: tuple[tuple[str, Any], ...] = ()
    happens: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    messages: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    shows: tuple[str, ...] = ()
    live: bool = False
    uncounted: bool = False


def load(path: Path) -> Scenario:
    """The scenario in a file. Raises ScenarioError."""
    name = path.relative_to(FOLDER).with_suffix("").as_posix()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{name}: {error}") from None
    known = {item.name for item in fields(Scenario)} - {"name", "uncounted"}
    if not isinstance(content, dict) or set(content) - known or {"about", "source", "steps"} - set(content):
        raise ScenarioError(f"{name}: needs about, source and steps, and may have {sorted(known)}")
    values = {key: value for key, value in content.items() if value is not None}
    uncounted = values.get("webhooks") == "any"
    values |= {"webhooks": ()} if uncounted else {}
    for key in ("webhooks", "state", "happens", "messages"):
        values[key] = tuple(_line(name, item) for item in values.get(key, ()))
    values["steps"] = tuple(_step(name, step) for step in values["steps"])
    values["shows"] = tuple(values.get("shows", ()))
    return Scenario(name=name, uncounted=uncounted, **values)


def _line(name: str, item: Any) -> tuple[str, Any]:
    """`answer A`, or `answer A: {fields}`."""
    if isinstance(item, str):
        return item, {}
    if not isinstance(item, dict) or len(item) != 1:
        raise ScenarioError(f"{name}: {item!r} must be a text, or one text with what belongs to it")
    (line, expected), *_ = item.items()
    return str(line), {} if expected is None else expected


def _step(name: str, step: Any) -> Mapping[str, Any]:
    if not isinstance(step, dict):
        raise ScenarioError(f"{name}: step {step!r} must say what is done: one of {', '.join(ACTIONS)}")
    actions = [key for key in step if key in ACTIONS]
    if len(actions) != 1 or next(iter(step)) != actions[0] or set(step) - OPTIONS - set(actions):
        raise ScenarioError(f"{name}: step {step!r} must begin with one of {', '.join(ACTIONS)}, and may have {sorted(OPTIONS)}")
    return step


def paths() -> list[Path]:
    """Every scenario's file, in order."""
    return sorted(FOLDER.rglob("*.yaml"))
