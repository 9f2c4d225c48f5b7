"""`python3 run.py parity`: the totals, and with live credentials the scenarios marked `live` against that account."""

from __future__ import annotations

import asyncio
import os
import sys

from tests.corpus import live
from tests.corpus.describe import counts


def main() -> int:
    """0 when nothing differs."""
    for name, value in counts().items():
        print(f"{name:42} {value}")
    if missing := live.missing(os.environ):
        print(f"\nNot compared with a live account: {', '.join(missing)} not set.")
        return 0
    differing = 0
    for scenario in live.scenarios():
        found = asyncio.run(live.play_live(scenario))
        print(f"\n{scenario.name}: {'differs' if found else 'the same'}", *found, sep="\n  ")
        differing += bool(found)
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
