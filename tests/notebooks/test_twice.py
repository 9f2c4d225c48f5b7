"""A lesson that runs again shows the same tables: event, leg, from, to, cause, verbs, in the same order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks.conftest import Run
from tests.notebooks.inprocess import Stage, cells_of
from tests.notebooks.tables import tables

pytestmark = pytest.mark.sockets
FLOWS = {
    "01_transfer": {"transfer": 8},
    "02_bridge": {"bridge": 9, "transfer": 1},
    "03_conference": {"conference": 5, "bridge": 1, "transfer": 1},
}


def test_two_kernels_show_the_same_tables(run_twice: tuple[Path, list[Run]]) -> None:
    _, (one, other) = run_twice
    assert one.tables == other.tables


async def test_so_does_the_clock_that_is_moved_by_hand(run_twice: tuple[Path, list[Run]], stage: Stage, tmp_path: Path) -> None:
    lesson, (one, _) = run_twice
    assert await stage.run(cells_of(lesson), tmp_path) is None
    assert tables(tmp_path) == one.tables


def test_each_flow_of_the_lesson_is_compared(run_twice: tuple[Path, list[Run]]) -> None:
    lesson, (one, _) = run_twice
    modes = [flow.split("-")[0] for flow in one.tables if flow]
    assert {mode: modes.count(mode) for mode in modes} == FLOWS[lesson.stem]
    assert all(one.tables.values())
