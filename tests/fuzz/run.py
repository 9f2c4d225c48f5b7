"""Laying siege to many platforms, one after the other, until enough requests were made. A seed repeats a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from .siege import Siege, Tally, hurried

STEPS = 24
BATCH = 25  # platforms between two looks at the count


def lay_siege(requests: int, start: int, told: Callable[[Tally, int], None] = lambda *_: None, shrink: bool = True) -> Tally:
    """At least so many requests. Raises what goes wrong, with a note that says how to repeat it."""
    tally, place = Tally(), start
    with hurried(), asyncio.Runner() as runner:
        while tally.requests < requests:
            try:
                _batch(place, tally, runner, shrink)
            except BaseException as problem:
                problem.add_note(f"repeat it with: python3 run.py fuzz --seed {place} --requests 1")
                raise
            place += 1
            told(tally, place)
    return tally


def _batch(number: int, tally: Tally, runner: asyncio.Runner, shrink: bool) -> None:
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]

    @seed(number)
    @settings(max_examples=BATCH, database=None, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def besieged(data: st.DataObject) -> None:
        runner.run(_one(data, tally))

    besieged()


async def _one(data: st.DataObject, tally: Tally) -> None:
    siege = Siege(data.draw, tally)
    try:
        await siege.begin()
        for _ in range(STEPS):
            await siege.step()
        await siege.aftermath()
    finally:
        await siege.close()
