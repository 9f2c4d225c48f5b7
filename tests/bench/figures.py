"""What a measurement comes to: a row of the table, and percentiles of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Row:
    """One figure beside its baseline; `met` is None where no target is set."""

    figure: str
    measured: str
    baseline: str = "–"
    ratio: float | None = None
    target: str = "–"
    met: bool | None = None


@dataclass(frozen=True)
class Times:
    """Percentiles of `n` times in milliseconds."""

    n: int
    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        """From the single times, in seconds."""
        cuts = quantiles(seconds, n=100, method="inclusive")
        return cls(len(seconds), 1000 * cuts[49], 1000 * cuts[98])

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f}  p99 {self.p99:.1f} ms"


def table(rows: Sequence[Row]) -> str:
    """The rows as text, columns in line."""
    heads = ("figure", "measured", "baseline, same run", "ratio", "target", "met?")
    cells = [heads, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "–" if row.ratio is None else f"{row.ratio:.2f}"
    met = {True: "yes", False: "NO", None: "–"}[row.met]
    return row.figure, row.measured, row.baseline, ratio, row.target, met
