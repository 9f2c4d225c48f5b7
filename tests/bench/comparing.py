"""How long a story takes under three verbs, on the moved clock: what a cell with `wb.compare()` waits for, beside one without changes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from tests.bench.figures import Row
from workbench import Workbench

LONGEST_S = 5.0
STORY = "support call"


def measure(times: int = 5) -> list[Row]:
    """Both stories so many times, in turns, after a first time that fills the caches; drawing what a cell shows is part of it."""
    with tempfile.TemporaryDirectory() as state, Workbench(state_dir=Path(state)) as workbench:
        workbench.connect(workbench.participant())
        found = [[_seconds(workbench, STORY), _seconds(workbench, "basic")] for _ in range(times + 1)]
    story, basic = (median(column) for column in zip(*found[1:], strict=True))
    figure = f"compare of three verbs ({STORY}), shown"
    return [Row(figure, f"{story:.2f} s", f"{basic:.2f} s, no change", story / basic, f"≤ {LONGEST_S:.0f} s", story <= LONGEST_S)]


def _seconds(workbench: Workbench, story: str) -> float:
    began = time.perf_counter()
    workbench.compare(story=story)._repr_html_()
    return time.perf_counter() - began
