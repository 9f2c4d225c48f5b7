"""`python -m workbench`: the callback server and its platform without a notebook."""

from __future__ import annotations

import argparse
import sys
import threading
from typing import Any

from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.workbench import Workbench


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands. Status 0, or 1 with the reason when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m workbench", description="Settings come from the environment or a .env file.")
    parser.add_argument(
        "command",
        nargs="?",
        choices=["serve", "ping", "compare", "doctor"],
        default="serve",
        help="serve: take calls until interrupted (default); ping: start, ask every part, stop; compare: a story under the three modes; "
        "doctor: look for what is wrong",
    )
    parser.add_argument("--story", default="basic", help='what compare plays: "basic" (default), "support call" and others')
    parser.add_argument("--live", action="store_true", help="doctor: look at the live platform, whatever the settings say")
    given = parser.parse_args(arguments)
    command = given.command
    if command == "doctor":
        return _doctor({"platform": "live"} if given.live else {})
    try:
        with Workbench() as workbench:
            print(workbench, flush=True)
            if command == "compare":
                print(workbench.compare(story=given.story))
                return 0
            print("\n".join(f"{part} {answer}" for part, answer in workbench.ping().items()), flush=True)
            if command == "serve":
                print("Ctrl-C ends it.", flush=True)
                threading.Event().wait()
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


def _doctor(overrides: dict[str, Any]) -> int:
    """Print what was found; status 1 when something is wrong. What keeps a workbench from starting is found without one."""
    from workbench.doctor import examine, port_taken
    from workbench.findings import Findings, wrong

    try:
        settings = Settings(**overrides)
    except WorkbenchError as error:
        found = Findings([wrong("settings", str(error), "correct it in the environment or in .env")])
        print(found)
        return 1
    found = examine(settings)
    if found:
        found = Findings([*found.lines, port_taken(settings)])
    if found:
        try:
            with Workbench(settings) as workbench:
                found = workbench.doctor()
        except WorkbenchError as error:
            found = Findings([*found.lines, wrong("start", str(error), "see the line itself")])
    print(found)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
