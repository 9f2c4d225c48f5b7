"""The lessons' checks can fail: each idea is broken on purpose, and the first error is its check, with the message that teaches."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tests.notebooks.breaks import BREAKS, Break
from tests.notebooks.harness import LESSONS
from tests.notebooks.inprocess import Cell, Stage, cells_of

pytestmark = pytest.mark.sockets
BROKEN = [pytest.param(lesson, one, id=f"{lesson.stem}-{one.step}-{one.says}") for lesson in LESSONS for one in BREAKS[lesson.stem]]


def broken(cells: list[Cell], one: Break) -> list[Cell]:
    """The lesson with one change."""
    where = one.at or one.step
    found = [cell for cell in cells if cell.step == where and one.old in cell.source]
    assert len(found) == 1, f"{one.old!r} is in {len(found)} code cells of {where}"
    return [replace(cell, source=cell.source.replace(one.old, one.new)) if cell is found[0] else cell for cell in cells]


def messages(cell: Cell) -> list[str]:
    """What the checks of a cell say; of a message with values in it, the beginning."""
    checks = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Assert)]
    parts = [node.msg.values[0] if isinstance(node.msg, ast.JoinedStr) else node.msg for node in checks]
    return [part.value if isinstance(part, ast.Constant) else "" for part in parts]


@pytest.mark.parametrize(("lesson", "one"), BROKEN)
async def test_the_check_of_the_broken_step_fails_first(stage: Stage, lesson: Path, one: Break, tmp_path: Path) -> None:
    failure = await stage.run(broken(cells_of(lesson), one), tmp_path)
    assert failure is not None, "no check noticed"
    assert isinstance(failure.error, AssertionError), repr(failure.error)
    assert (failure.cell.step, str(failure.error)[: len(one.says)]) == (one.step, one.says)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_every_check_is_broken_once(lesson: Path) -> None:
    checks = [(cell.step, said) for cell in cells_of(lesson) for said in messages(cell)]
    assert all(said for _, said in checks), "a check without a message teaches nothing"
    hits = [[one for one in BREAKS[lesson.stem] if one.step == step and said.startswith(one.says)] for step, said in checks]
    assert {check: len(hit) for check, hit in zip(checks, hits, strict=True) if len(hit) != 1} == {}
    assert len(BREAKS[lesson.stem]) == len(checks)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
async def test_unbroken_no_check_fails(stage: Stage, lesson: Path, tmp_path: Path) -> None:
    assert await stage.run(cells_of(lesson), tmp_path) is None
