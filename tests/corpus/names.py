"""What the names of a scenario stand for: numbers, calls, ids that were kept; and who is meant in what the platform tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.tokens import INTERCONNECT

_NAME = re.compile(r"\{([A-Za-z][\w.' -]*)\}")


class Names:
    """`{A}` is the number of phone A, `{call A}` the id of the call with it; everything kept is there by its own name."""

    def __init__(self, values: Mapping[str, str], parties: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._parties = {address: name for name, address in parties.items()} | {INTERCONNECT: "interconnect"}
        self._values |= dict(parties) | {"interconnect": INTERCONNECT}
        self._calls: dict[str, str] = {}
        self.next_call: str | None = None

    def keep(self, name: str, value: Any) -> None:
        """Let `{name}` stand for a value."""
        self._values[name] = value if isinstance(value, str) else str(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def fill(self, value: Any) -> Any:
        """A value with every name replaced; raises KeyError for a name that stands for nothing yet."""
        if isinstance(value, str):
            return _NAME.sub(lambda found: self._values[found[1]], value)
        if isinstance(value, Mapping):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        return value

    def learn(self, call_id: str, direction: str, from_: str, to: str) -> None:
        """Name a call by who is at its far end: a phone, the interconnect, an application's number; a second one is `A 2`."""
        if call_id in self._calls:
            return
        wanted, self.next_call = self.next_call, None
        base = wanted or self._far_end(direction, from_, to)
        name, count = base, 2
        while f"call {name}" in self._values:
            name, count = f"{base} {count}", count + 1
        self._calls[call_id] = name
        self._values[f"call {name}"] = call_id

    def _far_end(self, direction: str, from_: str, to: str) -> str:
        if direction == "outbound":
            return self._parties.get(to, to)
        caller = self._parties.get(from_, "number")
        return "inbound" if caller.startswith("number") else caller

    def who(self, told: Mapping[str, Any]) -> str:
        """Whom a webhook is about: a call, a participant, an endpoint, or nobody."""
        if call_id := told.get("callId"):
            if told.get("direction") and call_id not in self._calls:
                self.learn(call_id, told["direction"], told["from"], told.get("transferTo") or told["to"])
            return self._calls.get(call_id, call_id)
        reached = told.get("to") if told.get("toType") == "ENDPOINT" else None
        return self.of(told.get("participantId") or told.get("endpointId") or reached or "")

    def of(self, value: str) -> str:
        """The name that stands for a value, or the value itself."""
        return (
            self._calls.get(value) or self._parties.get(value) or next((name for name, one in self._values.items() if one == value), value)
        )

    def all_of(self, values: Iterable[str]) -> list[str]:
        """The names of several values."""
        return [self.of(value) for value in values]
