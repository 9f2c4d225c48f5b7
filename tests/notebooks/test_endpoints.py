"""The lessons with endpoints as the WebRTC side: what the product has runs and is checked, the rest says so at its step (brtc 7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks.harness import LESSONS
from tests.notebooks.inprocess import Said, Stage, cells_of

pytestmark = pytest.mark.sockets
# What a reader must find skipped; all else runs.
SKIPPED = {
    "01_transfer": ["step-02", "step-03", "step-09", "step-10"],
    "02_bridge": ["step-01", "step-02", "step-03", "step-04", "step-05", "step-06", "step-10", "step-11", "step-12"],
    "03_conference": ["step-01", "hear", "step-12"],
}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
async def test_with_endpoints(stage: Stage, lesson: Path, tmp_path: Path) -> None:
    said: list[Said] = []
    assert await stage.run(cells_of(lesson), tmp_path, said, webrtc="endpoints") is None
    assert all(one.line.startswith("Skipped with endpoints. This step needs ") for one in said)
    assert [one.step for one in said] == SKIPPED[lesson.stem]
