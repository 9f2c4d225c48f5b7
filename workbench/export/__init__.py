"""A notebook's handlers as an application of their own: a folder that anybody with Python can run, test and read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

from workbench.cassette import Cassette
from workbench.errors import WorkbenchError
from workbench.export import folder, texts
from workbench.export.carried import PACKAGE, carried
from workbench.export.names import Found, examine

REQUIRED = ("flask", "httpx", "pydantic-settings", "pyjwt", "waitress")
MIT = "The copied parts are under the MIT licence of workbench.\n"


@dataclass(frozen=True)
class Exported:
    """What was written, and how to run it."""

    folder: Path
    files: tuple[str, ...]
    handlers: Mapping[str, tuple[str, ...]]
    cassettes: int

    def __repr__(self) -> str:
        own = [name for name in self.files if not name.startswith("workbench/")]
        events = [f"{mode}: {', '.join(names)}" for mode, names in self.handlers.items() if names]
        lines = [f"{self.folder}/", *(f"    {name}" for name in own), f"    workbench/ ({len(self.files) - len(own)} files carried along)"]
        return "\n".join(
            [
                *lines,
                f"Your handlers: {'; '.join(events) or 'none, so the modes answer'}. Recorded flows as tests: {self.cassettes}.",
                f"Run it: cd {self.folder} && python -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python app.py",
            ]
        )


def export(
    target: str | Path,
    handlers: Mapping[str, Mapping[str, Any]],
    cassettes: Iterable[Cassette] = (),
    *,
    inbound: str = "transfer",
    overwrite: bool = False,
) -> Exported:
    """Write an application with these handlers, functions by event type and mode. `inbound` answers calls to the number.

    Raises WorkbenchError that names every handler that cannot leave and why, or the files that are in the way; then nothing is written.
    """
    held = list(cassettes)
    files = {
        "app.py": texts.APP,
        "handlers.py": _handlers(handlers),
        "conftest.py": '"""Tests find handlers.py and workbench/ from here."""\n',
        "tests/test_cassettes.py": texts.TEST,
        **{f"tests/cassettes/{name}": text for name, text in _named(held).items()},
        "README.md": texts.readme(_version(), {mode: list(found) for mode, found in handlers.items()}, inbound, len(held)),
        "requirements.txt": "".join(f"{name}=={version(name)}\n" for name in REQUIRED),
        ".env.example": texts.ENVIRONMENT.format(inbound=inbound),
        ".gitignore": texts.IGNORED,
        "LICENSE": _license(),
        "workbench/__init__.py": f'"""Parts of workbench {_version()}, copied by its export."""\n',
        **{f"workbench/{path.as_posix()}": (PACKAGE / path).read_text("utf-8") for path in carried()},
    }
    if not held:
        del files["tests/test_cassettes.py"], files["conftest.py"]
    written = folder.write(target, files, overwrite=overwrite)
    return Exported(written, tuple(files), {mode: tuple(found) for mode, found in handlers.items()}, len(held))


def _handlers(handlers: Mapping[str, Mapping[str, Any]]) -> str:
    found = Found()
    parts = []
    for mode, functions in handlers.items():
        for event_type, function in functions.items():
            if (name := examine(function, found, f"{mode}.{event_type}")) is not None:
                parts.append((mode, event_type, name))
    if found.faults:
        listed = "\n".join(f"- {fault}" for fault in sorted(found.faults, key=lambda fault: (fault.function, fault.line)))
        raise WorkbenchError(f"these handlers use what an application does not have, so nothing was written:\n{listed}")
    head = ['"""The handlers of the notebook, each with the mode and the event that it answers."""', "from __future__ import annotations"]
    imports = sorted(
        {*found.imports, "from workbench.application import Handlers"}, key=lambda line: (line.startswith("from workbench"), line)
    )
    ends = [f"handlers.on({mode!r}, {event!r})({name})" for mode, event, name in parts]
    made = [source.rstrip() for source in found.sources.values()]
    text = "\n\n\n".join(["\n\n".join([*head, "\n".join(imports), "handlers = Handlers()"]), *made, "\n".join(ends)]).rstrip()
    return text + "\n"


def _named(cassettes: Sequence[Cassette]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, cassette in enumerate(cassettes, 1):
        found[f"{number:02}-{cassette.mode}-{cassette.begins}.json"] = cassette.text()
    return found


def _version() -> str:
    try:
        return version("workbench")
    except PackageNotFoundError:
        return "from a copy"


def _license() -> str:
    file = PACKAGE.parent / "LICENSE"
    if file.is_file():
        return file.read_text("utf-8")
    try:
        return distribution("workbench").read_text("licenses/LICENSE") or MIT
    except PackageNotFoundError:
        return MIT
