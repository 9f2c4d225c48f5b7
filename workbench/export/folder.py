"""A folder of files, written whole or not at all, and never over what somebody else wrote."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from workbench.errors import WorkbenchError

MANIFEST = ".workbench-export.json"
SHOWN = 8


def write(folder: str | Path, files: Mapping[str, str], *, overwrite: bool = False) -> Path:
    """Write these files; gives the folder.

    Raises WorkbenchError when the folder has something in it. With `overwrite` files of an earlier export are replaced; those that were
    changed since, and all others in the way, are named and nothing is written.
    """
    target = Path(folder).expanduser().absolute()
    if target.exists() and not target.is_dir():
        raise WorkbenchError(f"{target} is a file; name a folder for the application")
    _check(target, files, overwrite)
    beside = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        _fill(beside, files)
        _move(beside, target, files)
    except OSError as error:
        raise WorkbenchError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def _check(target: Path, files: Mapping[str, str], overwrite: bool) -> None:
    there = sorted(name for name in files if (target / name).exists())
    known = _known(target)
    if not overwrite:
        if target.exists() and any(target.iterdir()):
            held = _some(there or sorted(each.name for each in target.iterdir()))
            raise WorkbenchError(f"{target} is not empty ({held}); name another folder, or overwrite=True")
        return
    if strange := [name for name in there if name not in known]:
        raise WorkbenchError(
            f"these files of {target} come from no export, so they stay: {_some(strange)}; move them, or name another folder"
        )
    if changed := [name for name in there if _digest((target / name).read_bytes()) != known[name]]:
        raise WorkbenchError(
            f"these files of {target} were changed since they were exported, so they stay: {_some(changed)}; move them first"
        )


def _known(target: Path) -> dict[str, str]:
    try:
        return dict(json.loads((target / MANIFEST).read_text("utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    manifest = json.dumps({"files": {name: _digest(text.encode()) for name, text in files.items()}}, indent=1) + "\n"
    for name, text in {**files, MANIFEST: manifest}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def _move(beside: Path, target: Path, files: Mapping[str, str]) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(beside, target)
        return
    left = {name for name in _known(target) if name not in files}
    for name in (*files, MANIFEST):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(beside / name, target / name)
    for name in left:
        (target / name).unlink(missing_ok=True)


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
