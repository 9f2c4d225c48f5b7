"""A folder of files, written whole or not at all, and never over what somebody else wrote."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from workbench.errors import WorkbenchError
from workbench.files import named

MANIFEST = ".workbench-export.json"
SHOWN = 8


def write(folder: str | Path, files: Mapping[str, str], *, overwrite: bool = False) -> Path:
    """Write these files; gives the folder.

    Raises WorkbenchError when the folder has something in it. With `overwrite` files of an earlier export are replaced, or removed where
    this one has no such file; those that were changed since, and all others in the way, are named and nothing is written.
    """
    target = named(folder, "folder").absolute()
    if target.exists() and not target.is_dir():
        raise WorkbenchError(f"{target} is a file; name a folder for the application")
    stale = _check(target, files, overwrite)
    beside = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        _fill(beside, files)
        _move(beside, target, files, stale)
    except OSError as error:
        raise WorkbenchError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def _check(target: Path, files: Mapping[str, str], overwrite: bool) -> list[str]:
    """Whether these files may be written; gives those of an earlier export that are to go."""
    there = [name for name in sorted(files) if _in_the_way(target, name)]
    known = _known(target)
    if not overwrite:
        if target.exists() and any(target.iterdir()):
            held = _some(there or sorted(each.name for each in target.iterdir()))
            raise WorkbenchError(f"{target} is not empty ({held}); name another folder, or overwrite=True")
        return []
    if strange := [name for name in there if name not in known or not _plain(target, name)]:
        raise WorkbenchError(
            f"these files of {target} come from no export, so they stay: {_some(strange)}; move them, or name another folder"
        )
    stale = [name for name in known if name not in files and _plain(target, name)]
    if changed := [name for name in (*there, *stale) if _digest((target / name).read_bytes()) != known[name]]:
        raise WorkbenchError(
            f"these files of {target} were changed since they were exported, so they stay: {_some(changed)}; move them first"
        )
    return stale


def _in_the_way(target: Path, name: str) -> bool:
    """Whether there is something where a file is to be, or a file where one of its folders is to be."""
    above = [target / parent for parent in PurePosixPath(name).parents if parent.name]
    return os.path.lexists(target / name) or any(each.is_symlink() or each.is_file() for each in above)


def _plain(target: Path, name: str) -> bool:
    """Whether this is a file of the folder itself: no link leads elsewhere."""
    return (target / name).is_file() and (target / name).resolve() == target.resolve().joinpath(*PurePosixPath(name).parts)


def _known(target: Path) -> dict[str, str]:
    """Which files an export has written there, with their hashes. Whoever handed the folder over may have written anything into it."""
    try:
        found = json.loads((target / MANIFEST).read_text("utf-8"))["files"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {name: held for name, held in found if not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts}


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    manifest = json.dumps({"files": {name: _digest(text.encode()) for name, text in files.items()}}, indent=1) + "\n"
    for name, text in {**files, MANIFEST: manifest}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def _move(beside: Path, target: Path, files: Mapping[str, str], stale: Iterable[str]) -> None:
    """Put the files in their places. When one cannot be put there, all are as before."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(beside, target)
        return
    with ExitStack() as undo:
        for name in (*files, MANIFEST, *stale):
            path, former = target / name, beside / ".before" / name
            for folder in (path.parent, former.parent):
                folder.mkdir(parents=True, exist_ok=True)
            if path.exists():
                os.replace(path, former)
                undo.callback(os.replace, former, path)
            if (beside / name).exists():
                os.replace(beside / name, path)
                undo.callback(path.unlink)
        undo.pop_all()


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
