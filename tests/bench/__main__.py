"""Prints every figure beside its baseline; words run parts.

`python -m tests.bench callbacks calls capsule comparing hostile ladder memory screen sifting start streams`.

`media` runs only when it is named.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import psutil

from tests.bench.figures import Row, table

CORES = os.cpu_count() or 1
PACKAGES = ("flask", "waitress", "starlette", "uvicorn", "aiohttp", "aiortc", "jupyterlab", "ipykernel")


def callbacks() -> list[Row]:
    from tests.bench.callbacks import measure

    return measure()


def calls() -> list[Row]:
    from tests.bench.calls import measure

    return measure()


def capsule() -> list[Row]:
    from tests.bench.capsule import measure

    return measure()


def comparing() -> list[Row]:
    from tests.bench.comparing import measure

    return measure()


def hostile() -> list[Row]:
    from tests.bench.hostile import measure

    return measure()


def ladder() -> list[Row]:
    from tests.bench.ladder import measure

    return measure()


def media() -> list[Row]:
    from tests.bench.media import measure

    return measure()


def memory() -> list[Row]:
    from tests.bench.memory import measure

    return measure()


def rungs() -> list[Row]:
    from tests.bench.rungs import measure

    return measure()


def screen() -> list[Row]:
    from tests.bench.screen import CHOSEN_MS, MANY, choosing, measure

    chosen = [
        Row(f"{name} {MANY:,} rows of the table", f"{ms:.0f} ms", target=f"≤ {CHOSEN_MS:.0f} ms", met=ms <= CHOSEN_MS)
        for name, ms in choosing().items()
    ]
    soon = [
        Row(
            f"event on screen at {figure.rate}/s ({figure.shown} of {figure.sent} shown)",
            f"p50 {figure.p50:.1f}  p95 {figure.p95:.1f}  worst {figure.worst:.1f} ms",
            target=f"p95 ≤ {figure.target:.0f} ms",
            met=figure.kept,
        )
        for figure in measure()
    ]
    return [*chosen, *soon]


def sifting() -> list[Row]:
    from tests.bench.sifting import measure

    return measure()


def start() -> list[Row]:
    from tests.bench.start import measure

    return measure()


def streams() -> list[Row]:
    from tests.bench.streams import measure

    return measure()


PARTS: dict[str, Callable[[], list[Row]]] = {
    part.__name__: part
    for part in (callbacks, calls, capsule, comparing, hostile, ladder, media, memory, rungs, screen, sifting, start, streams)
}
ASKED_FOR = {"media"}  # takes minutes, and is a word of its own


def main(words: list[str]) -> int:
    """Run the parts named, or all. Status 1 when a target was missed, 2 for a word that is none."""
    if unknown := [word for word in words if word not in PARTS]:
        print(f"tests.bench: {unknown[0]!r} is none of {', '.join(PARTS)}", file=sys.stderr)
        return 2
    print(header(), flush=True)
    rows: list[Row] = []
    for name, part in PARTS.items():
        if name in (words or PARTS.keys() - ASKED_FOR):
            seconds, all_used, we_used = time.perf_counter(), used_by_all(), used_by_us()
            rows += part()
            seconds, all_used, we_used = time.perf_counter() - seconds, used_by_all() - all_used, used_by_us() - we_used
            others = max(0.0, (all_used - we_used) / seconds / CORES)
            print(f"{name}: {seconds:.0f} s, load {load()}, {others:.0%} of the machine went to other programs", flush=True)
    print("\n" + table(rows))
    return any(row.met is False for row in rows)


def header() -> str:
    """The machine, what else it is doing, and the versions."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{platform.system()} {platform.machine()}, {CORES} cores, load {load()}\n{python}, {versions}"


def used_by_all() -> float:
    """Processor seconds that every program together has used."""
    times = psutil.cpu_times()
    return times.user + times.system


def used_by_us() -> float:
    """Processor seconds that the bench and its children that have ended have used."""
    return sum(os.times()[:4])


def load() -> str:
    """Processes that wanted a processor in the last 1, 5 and 15 minutes."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
