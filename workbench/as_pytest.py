"""A pytest made of a cassette."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import files
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.cassette import Cassette

_TEST = '''"""The webhooks of a recorded {mode} call, put to the handlers again: no network, no sleep."""

from pathlib import Path

{imports}from workbench.cassette import Cassette
from workbench.replay import replay

CASSETTE = Path(__file__).with_name("{cassette}")
{handlers}

def test_the_recorded_call_is_answered_as_before():
    found = replay(Cassette.load(CASSETTE), HANDLERS)
    assert found.same, found.difference
'''
_OWN = "# Your functions by event type, as {'answer': answer}; for all others the mode's own answer.\nHANDLERS = {}\n"
_NAMED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def export(cassette: Cassette, path: str | Path, handlers: str | None, overwrite: bool) -> Path:
    """Write the test and the cassette beside it: both or none."""
    target = Path(path).expanduser()
    if not target.name.startswith("test_") or target.suffix != ".py":
        raise WorkbenchError(f"path: pytest finds files that are called test_….py, not {target.name}")
    if handlers is not None and not _NAMED.fullmatch(handlers):
        raise WorkbenchError(f"handlers: module:name of a dictionary, as 'handlers:HANDLERS', not {handlers!r}")
    copy = target.with_name(target.stem.removeprefix("test_") + ".cassette.json")
    if not overwrite and (there := next((one for one in (target, copy) if one.exists()), None)):
        raise WorkbenchError(f"{there} is there already; give another name, or overwrite=True")
    module, _, name = (handlers or "").partition(":")
    imports = f"from {module} import {name} as HANDLERS\n\n" if handlers else ""
    own = "" if handlers else _OWN
    files.write(copy, cassette.text(), overwrite=overwrite)
    text = _TEST.format(mode=cassette.mode, imports=imports, cassette=copy.name, handlers=own)
    return files.write(target, text, overwrite=overwrite)
