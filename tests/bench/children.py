"""Programs that are measured, each in a process of its own that ends with the bench, however that ends."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

from tests.conftest import ROOT, clean_environment

SIMULATOR = ("-m", "workbench.simulator", "--child", "--port", "0")
# A child that says nothing for so long hangs: it is killed, and the wait for its line ends.
PATIENCE = 60.0


class Child:
    """A Python program that tells what it has to tell in lines of JSON and ends with its standard input."""

    def __init__(self, process: subprocess.Popen[str], words: tuple[str, ...], said: Any) -> None:
        self.process = process
        self._words = words
        self.pid = process.pid
        self.said = said

    def ask(self, word: str) -> Any:
        """Send a word; its next line."""
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return _line(self.process, self._words)


@contextmanager
def child(*words: str) -> Iterator[Child]:
    """`python *words` with the settings of a fresh machine, once it has told its first line."""
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=clean_environment(Path(home)),
            start_new_session=True,
        )
        try:
            yield Child(process, words, _line(process, words))
            process.communicate(timeout=10)
        finally:
            process.kill()
            process.communicate()


def tell(**values: Any) -> None:
    """A child's line."""
    print(json.dumps(values), flush=True)


def _line(process: subprocess.Popen[str], words: tuple[str, ...]) -> Any:
    assert process.stdout is not None
    watch = Timer(PATIENCE, process.kill)
    watch.start()
    try:
        line = process.stdout.readline()
    finally:
        watch.cancel()
    if not line:
        raise RuntimeError(f"{' '.join(words)} ended or hung before it told its line")
    return json.loads(line)
