"""Comparing what came with what a scenario expects: field by field, with patterns for what cannot be known beforehand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
PATTERNS = {
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "<duration>": r"PT\d+(\.\d+)?S",
    "<uuid>": _UUID,
    "<call id>": rf"c-[0-9a-f]{{8}}-{_UUID}",
    "<conference id>": rf"conf-[0-9a-f]{{8}}-{_UUID}",
    "<recording id>": rf"r-([0-9a-f]{{8}}-)?{_UUID}",
    "<url>": r"(https?|wss?)://.+",
    "<digits>": r"[0-9]+",
}


def differences(expected: Any, actual: Any, where: str) -> list[str]:
    """What differs, a line each. Of an object only the expected fields are looked at; lists must have the same length."""
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            return [f"{where}: expected an object, was {actual!r}"]
        return [line for name, value in expected.items() for line in _field(value, actual, str(name), where)]
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{where}: expected {len(expected)} items, was {actual!r}"]
        pairs = enumerate(zip(expected, actual, strict=True))
        return [line for place, (one, other) in pairs for line in differences(one, other, f"{where}[{place}]")]
    return [] if matches(expected, actual) else [f"{where}: expected {expected!r}, was {actual!r}"]


def _field(expected: Any, actual: Mapping[str, Any], name: str, where: str) -> list[str]:
    if expected == "<absent>":
        return [f"{where}.{name}: expected not to be there, was {actual[name]!r}"] if name in actual else []
    if name not in actual:
        return [f"{where}.{name}: expected {expected!r}, was not there"]
    return differences(expected, actual[name], f"{where}.{name}")


def matches(expected: Any, actual: Any) -> bool:
    """Whether a value is the expected one, or of the form that a pattern in angle brackets names."""
    if isinstance(expected, str) and expected.startswith("<") and expected.endswith(">"):
        if expected == "<any>":
            return actual is not None
        if expected == "<number>":
            return isinstance(actual, int | float) and not isinstance(actual, bool)
        pattern = expected[6:-1] if expected.startswith("<like ") else PATTERNS.get(expected)
        if pattern is not None:
            return isinstance(actual, str) and re.fullmatch(pattern, actual) is not None
    return (type(expected) is type(actual) and bool(expected == actual)) or _numbers(expected, actual)


def _numbers(expected: Any, actual: Any) -> bool:
    both = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (expected, actual))
    return both and abs(expected - actual) < 0.0015
