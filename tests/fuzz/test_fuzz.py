"""A short run of what `python3 run.py fuzz` does at length."""

from __future__ import annotations

import pytest

from workbench.simulator.engine import Engine

from .documents import HUGE, broken_everywhere, whole
from .machine import use_at_random
from .parsing import parsed
from .run import lay_siege
from .siege import Siege


def test_platforms_withstand_a_siege() -> None:
    tally = lay_siege(600, 1, shrink=False)
    assert tally.requests >= 600 and tally.statuses[200] and tally.statuses[400] and tally.webhooks


def test_wild_documents_change_nothing_that_always_holds() -> None:
    use_at_random(1, 8)


def test_a_document_broken_anywhere_is_parsed_or_refused() -> None:
    assert parsed([*HUGE, *broken_everywhere(whole())]) > 5_000


def test_a_failing_engine_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(Engine, "state", fail)
    with pytest.raises(RuntimeError, match="broken on purpose") as found:
        lay_siege(600, 1, shrink=False)
    assert found.value.__notes__[-1].startswith("repeat it with: python3 run.py fuzz --seed 1")


def test_what_is_kept_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def leak(self: Siege) -> None:
        self.platform.world.engine.sip_legs["x"] = None  # type: ignore[assignment]

    monkeypatch.setattr(Siege, "step", leak)
    with pytest.raises(AssertionError, match="sip_legs"):
        lay_siege(10, 1, shrink=False)
