"""`python -m workbench`: the callback server and its platform without a notebook."""

from __future__ import annotations

import argparse
import sys
import threading

from workbench.errors import WorkbenchError
from workbench.workbench import Workbench


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands. Status 0, or 1 with the reason when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m workbench", description="Settings come from the environment or a .env file.")
    parser.add_argument(
        "command",
        nargs="?",
        choices=["serve", "ping", "compare"],
        default="serve",
        help="serve: take calls until interrupted (default); ping: start, ask every part, stop; compare: a story under the three modes",
    )
    parser.add_argument("--story", default="basic", help='what compare plays: "basic" (default), "support call" and others')
    given = parser.parse_args(arguments)
    command = given.command
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


if __name__ == "__main__":
    sys.exit(main())
