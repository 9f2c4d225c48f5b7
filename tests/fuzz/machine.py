"""The random users of the pure engine, whose applications answer with documents of any kind too."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from tests.simulator.rig import NUMBER
from tests.simulator.test_properties import NUMBERS, Platform

from .documents import Wild


class WildPlatform(Platform):
    """Anybody does anything, and half of the answers are wild."""

    @initialize(number=st.integers(0, 2**32))
    def be_wild(self, number: int) -> None:
        """Documents by a source of their own."""
        self.wild = Wild(Random(number), {"number": [*NUMBERS, NUMBER], "url": ["/redirect"], "audio": ["/song.wav"]})

    def answer(self, body: Mapping[str, Any]) -> Any:
        """A document that runs, or anything."""
        self.wild.known = {**self.wild.known, "call": list(self.rig.engine.calls)}
        tame = not hasattr(self, "wild") or self.wild.random.random() < 0.5
        return super().answer(body) if tame else self.wild.document().decode(errors="replace")

    def one_completion_for_each_bridge(self) -> None:
        """Not held here: a wild Bridge need not ask for its completion."""


def use_at_random(number: int, users: int) -> None:
    """So many platforms, 40 steps each."""
    machine: Any = seed(number)(type("Machine", (WildPlatform,), {}))
    run_state_machine_as_test(machine, settings=settings(max_examples=users, stateful_step_count=40, deadline=None, database=None))
