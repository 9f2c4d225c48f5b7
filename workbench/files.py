"""Files that are handed out: whole or not at all, and never in the place of another one without being asked."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from workbench.errors import WorkbenchError


def named(path: object, what: str = "path") -> Path:
    """What names a file or folder, `~` for the home folder. Raises WorkbenchError for anything else."""
    if not isinstance(path, str | os.PathLike) or not str(path).strip():
        raise WorkbenchError(f"{what}: the name of a file or folder, in quotes, not {str(path)[:60]!r}")
    return Path(path).expanduser()


def write(path: str | Path, text: str, *, overwrite: bool = False) -> Path:
    """Write a text file; gives its path. Raises WorkbenchError when there is one already, or when it cannot be written there."""
    target = named(path)
    if target.is_dir():
        raise WorkbenchError(f"{target} is a folder; give the name of a file in it")
    if target.exists() and not overwrite:
        raise WorkbenchError(f"{target} is there already; give another name, or overwrite=True")
    beside = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        beside.write_text(text, "utf-8")
        os.replace(beside, target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise WorkbenchError(f"{target} cannot be written: {error.strerror or error}") from error
    return target
