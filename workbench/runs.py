"""Which runs of a state directory still go on: each holds a locked file for as long as its process lives."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = "runs"
# The byte that is locked: behind the text, for Windows lets nobody read what is locked.
_BYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Note:
    """A run and when it began, in epoch seconds; `where` tells its account and platform apart from others, and is no account's number."""

    run: str
    where: str
    began: float


def where(*parts: str) -> str:
    """What stands for an account on a platform: equal for equal parts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class Held:
    """A run's file, locked by this process. However the process ends, the lock ends with it."""

    def __init__(self, path: Path, file: int, note: Note) -> None:
        self._path, self._file = path, file
        self.note = note

    def release(self, *, keep: bool) -> None:
        """End the lock. Kept, the file tells the next start that something of the run is left. Again: nothing happens."""
        if self._file < 0:
            return
        if not keep:
            # Windows removes no open file, so there it is done below.
            with suppress(OSError):
                self._path.unlink()
        os.close(self._file)
        self._file = -1
        if not keep:
            with suppress(OSError):
                self._path.unlink()


def hold(folder: Path, run: str, place: str) -> Held | None:
    """Note that a run goes on, until it is released or the process ends. None where files cannot be locked."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True, mode=0o700)
    path, note = folder / FOLDER / f"{run}.json", Note(run, place, time.time())
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        # Locked before there is anything to read: an empty file is nobody's.
        _lock(file, wait=True)
    except OSError:
        os.close(file)
        path.unlink()
        return None
    try:
        os.write(file, json.dumps(asdict(note)).encode())
    except OSError:
        os.close(file)
        path.unlink()
        raise
    return Held(path, file, note)


def abandoned(folder: Path, place: str) -> Iterator[Held]:
    """The runs of one account whose process is gone and that have not tidied up, the oldest first, each locked by us from now on."""
    for path in sorted((folder / FOLDER).glob("*.json")):
        with suppress(OSError):
            if (held := _take(path, place)) is not None:
                yield held


def _take(path: Path, place: str) -> Held | None:
    note = _read(path)
    if note is None or note.where != place:
        return None
    file = os.open(path, os.O_RDWR)
    try:
        _lock(file, wait=False)
        # Somebody may have removed it, and may even have been done with the run, between our two looks.
        if os.stat(path).st_ino == os.fstat(file).st_ino:
            return Held(path, file, note)
    except OSError:
        pass
    os.close(file)
    return None


def _read(path: Path) -> Note | None:
    try:
        told = json.loads(path.read_bytes())
        return Note(str(told["run"]), str(told["where"]), float(told["began"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int, *, wait: bool) -> None:
        os.lseek(file, _BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(file: int, *, wait: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
