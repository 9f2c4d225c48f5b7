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


def once(path: Path, content: bytes) -> bytes:
    """What a file holds; made with `content` where there is none, or an empty one. Readable by its owner only. Raises OSError.

    Whole or not at all, for another process may read it at this moment; of two that make it at once both get the first one's.
    """
    if path.exists():
        if found := path.read_bytes():
            return found
        path.unlink(missing_ok=True)
    made = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
    with os.fdopen(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    except OSError:
        # not every file system has links
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
    return path.read_bytes()
