"""What goes wrong on the way to the application, on demand: a webhook comes twice, late, or not at all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from workbench.simulator.effects import Refusal
from workbench.simulator.webhooks import Answer

Kind = Literal["duplicate", "late", "lost"]
# Real seconds after which a late webhook is sent although none has overtaken it; less than a moved clock waits for one.
LATE_SECONDS = 1.0
MOST = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """Goes wrong with webhooks of type `event` (of any, when None), each by `chance`, `times` of them (for ever, when None)."""

    kind: Kind
    event: str | None = None
    times: int | None = 1
    chance: float = 1.0


class Faults:
    """The faults that are on. Those that are used up go by themselves."""

    def __init__(self) -> None:
        self.on: list[Fault] = []
        self._luck = random.Random(0)
        self._passed: list[asyncio.Event] = []

    @property
    def any(self) -> bool:
        """Whether a webhook may go wrong, or one waits to be overtaken."""
        return bool(self.on or self._passed)

    def set(self, fields: Mapping[str, Any]) -> int:
        """Take these faults instead of those that are on; gives how many tokens expire. Raises Refusal, and then nothing changes."""
        if unknown := fields.keys() - {"faults", "seed", "expiredTokens"}:
            raise _wrong(f"{min(unknown)}: there are faults, seed and expiredTokens")
        rows, seed, tokens = fields.get("faults", []), fields.get("seed", 0), fields.get("expiredTokens", 0)
        if type(tokens) is not int or not 0 <= tokens <= MOST:
            raise _wrong(f"expiredTokens: must be a whole number from 0 to {MOST}, but was {tokens!r}")
        if not isinstance(rows, list) or len(rows) > MOST:
            raise _wrong(f"faults: must be a list of at most {MOST}")
        if not isinstance(seed, int):
            raise _wrong(f"seed: must be a whole number, but was {seed!r}")
        self.on = [_fault(at, row) for at, row in enumerate(rows)]
        self._luck = random.Random(seed)
        return tokens

    def shown(self) -> dict[str, Any]:
        """What is on, `times` being what is left."""
        return {"faults": [asdict(fault) for fault in self.on]}

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.on = []

    async def send(self, event: str | None, deliver: Callable[[], Awaitable[Answer]], follow: Callable[[str], None]) -> Answer:
        """Deliver a webhook, or have it go wrong. Raises ConnectionError for one that is lost."""
        kind = self._next(event)
        if kind is not None:
            follow("local.fault")
        if kind == "lost":
            raise ConnectionError("lost on its way, as a fault on demand")
        if kind == "late":
            await self._overtaken()
        try:
            answer = await deliver()
            if kind == "duplicate":
                await deliver()
            return answer
        finally:
            while self._passed:
                self._passed.pop().set()

    def _next(self, event: str | None) -> Kind | None:
        for at, fault in enumerate(self.on):
            if fault.event not in (None, event) or self._luck.random() >= fault.chance:
                continue
            left = None if fault.times is None else fault.times - 1
            self.on[at : at + 1] = [] if left == 0 else [replace(fault, times=left)]
            return fault.kind
        return None

    async def _overtaken(self) -> None:
        passed = asyncio.Event()
        self._passed.append(passed)
        await asyncio.wait([waiting := asyncio.ensure_future(passed.wait())], timeout=LATE_SECONDS)
        waiting.cancel()


def _fault(at: int, row: object) -> Fault:
    where = f"faults[{at}]"
    if not isinstance(row, dict) or row.keys() - {"kind", "event", "times", "chance"}:
        raise _wrong(f"{where}: must be an object with kind, event, times and chance")
    fault = Fault(**{"kind": None, **row})
    if fault.kind not in get_args(Kind):
        raise _wrong(f"{where}.kind: must be one of {', '.join(get_args(Kind))}, but was {fault.kind!r}")
    if fault.event is not None and not isinstance(fault.event, str):
        raise _wrong(f"{where}.event: must be the type of an event or null, but was {fault.event!r}")
    if fault.times is not None and (type(fault.times) is not int or fault.times < 1):
        raise _wrong(f"{where}.times: must be a whole number from 1, or null for ever, but was {fault.times!r}")
    if type(fault.chance) not in (int, float) or not 0 <= fault.chance <= 1:
        raise _wrong(f"{where}.chance: must be from 0 to 1, but was {fault.chance!r}")
    return fault


def _wrong(text: str) -> Refusal:
    return Refusal(400, text, "local.field")
