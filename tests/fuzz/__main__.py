"""`python3 run.py fuzz [--requests N] [--seed N]`: prints what was done and how to do it again."""

from __future__ import annotations

import argparse
import gc
import sys
import time

import psutil

from .documents import broken_everywhere, whole
from .machine import use_at_random
from .parsing import parsed
from .run import BATCH, lay_siege
from .siege import Tally

REQUESTS = 20_000
USERS = 300
GROWTH_MB = 60  # what hypothesis and schemathesis keep for themselves; what platforms keep is looked for after each of them


def megabytes() -> float:
    """The memory of this process."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


def main() -> str | None:
    """The whole run; what went wrong."""
    words = argparse.ArgumentParser(prog="run.py fuzz")
    words.add_argument("--requests", type=int, default=REQUESTS, help="how many at least (%(default)s)")
    words.add_argument("--seed", type=int, default=1, help="repeats a run (%(default)s)")
    asked = words.parse_args()
    begun, marks = time.monotonic(), [0.0]

    def told(tally: Tally, place: int) -> None:
        if marks[0] == 0.0 and tally.requests > asked.requests / 3:
            marks[0] = megabytes()
        print(f"\r{tally.requests} requests", end="", flush=True)

    print(f"seed {asked.seed}")
    tally = lay_siege(asked.requests, asked.seed, told)
    grown = megabytes() - marks[0]
    print(f"\r{tally.requests} requests to platforms under siege in {time.monotonic() - begun:.0f} s ({BATCH} to a seed)")
    print("  " + ", ".join(f"{count} {kind}" for kind, count in tally.kinds.most_common()))
    print("  answered: " + ", ".join(f"{status} × {count}" for status, count in sorted(tally.statuses.items())))
    print(f"  memory grew by {grown:.0f} MB over the last two thirds")
    if asked.requests >= REQUESTS and grown > GROWTH_MB:
        return "the memory grows"
    if asked.requests < 100:  # one seed again
        return None
    print(f"{parsed(broken_everywhere(whole()))} documents broken at every position: each parsed or refused")
    use_at_random(asked.seed, USERS)
    print(f"{USERS} random uses of the engine, 40 steps each, with wild documents")
    return None


if __name__ == "__main__":
    sys.exit(main())
