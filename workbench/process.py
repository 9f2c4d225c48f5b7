"""The local platform as a child process. It must not outlive the kernel, and the kernel's interrupt must not reach it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue

from workbench.errors import WorkbenchError

# On a machine under load a Python process may take seconds to begin.
READY_SECONDS = 30.0
PARTING_SECONDS = 5.0


class LocalProcess:
    """Starts the platform at once; `url` and `token` wait until it listens. `close()` ends it.

    `variables` are added to the child's environment. The child reads a pipe that only this process can write to: however this process ends,
    the pipe ends with it, and so does the child.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 closed with the process
        self._child = subprocess.Popen(
            [sys.executable, "-m", "workbench.simulator", "--child", "--port", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
            env={**_environment(), **(variables or {})},
        )
        self._lines: Queue[bytes] = Queue()
        self._reader = threading.Thread(target=self._read, name="workbench-platform", daemon=True)
        self._reader.start()
        self._told: dict[str, str] | None = None

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child has not ended."""
        return self._child.poll() is None

    @property
    def url(self) -> str:
        """Where the platform is reached; waits for it to listen. WorkbenchError, with the child's last words, when it does not come up."""
        return self._ready()["url"]

    @property
    def token(self) -> str:
        """What its controls ask for."""
        return self._ready()["token"]

    def close(self) -> None:
        """End the child: by the end of its input, and by force where that is not enough. Ended already: nothing happens."""
        if self._errors.closed:
            return
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with suppress(BrokenPipeError):
            self._child.stdin.close()
        try:
            self._child.wait(PARTING_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._reader.join()
        self._child.stdout.close()
        self._errors.close()

    def _read(self) -> None:
        # What the child says later is read too, so that it never waits for a reader.
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _ready(self) -> dict[str, str]:
        if self._told is None:
            try:
                told = json.loads(self._lines.get(timeout=READY_SECONDS))
                self._told = {"url": str(told["url"]), "token": str(told["token"])}
            except (Empty, ValueError, KeyError, TypeError):
                raise WorkbenchError(f"the local platform did not start: {self._last_words()}") from None
        return self._told

    def _last_words(self) -> str:
        if self._errors.closed:
            return "it was closed"
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()
        return said[-2000:] or f"no word within {READY_SECONDS:.0f} s"


def _environment() -> dict[str, str]:
    """The child finds the package where we found it, also when it was never installed."""
    root = str(Path(__file__).resolve().parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
