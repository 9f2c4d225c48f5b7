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
from workbench.export.names import Found, clashes, examine
from workbench.replay import replay

# With what they need themselves, so that each installation is the same.
REQUIRED = (
    *("flask", "blinker", "click", "itsdangerous", "jinja2", "markupsafe", "werkzeug"),
    *("httpx", "anyio", "certifi", "h11", "httpcore", "idna", "typing-extensions"),
    *("pydantic-settings", "annotated-types", "pydantic", "pydantic-core", "python-dotenv", "typing-inspection"),
    *("pyjwt", "waitress"),
)
INIT = '"""Parts of workbench {version}, copied by its export."""\n\nfrom workbench.errors import WorkbenchError as WorkbenchError\n'
MIT = "The copied parts are under the MIT licence of workbench.\n"


@dataclass(frozen=True)
class Exported:
    """What was written, and how to run it."""

    folder: Path
    files: tuple[str, ...]
    handlers: Mapping[str, tuple[str, ...]]
    cassettes: int
    # Recorded flows that the handlers answer otherwise by now.
    left: tuple[str, ...] = ()

    def __repr__(self) -> str:
        own = [name for name in self.files if not name.startswith("workbench/")]
        events = [f"{mode}: {', '.join(names)}" for mode, names in self.handlers.items() if names]
        lines = [f"{self.folder}/", *(f"    {name}" for name in own), f"    workbench/ ({len(self.files) - len(own)} files carried along)"]
        left = [f"Not among the tests, as the handlers answer them otherwise by now: {', '.join(self.left)}."] if self.left else []
        return "\n".join(
            [
                *lines,
                f"Your handlers: {'; '.join(events) or 'none, so the modes answer'}. Recorded flows as tests: {self.cassettes}.",
                *left,
                f"Run it: cd {self.folder} && python -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python app.py",
            ]
        )


def export(
    target: str | Path,
    handlers: Mapping[str, Mapping[str, Any]],
    cassettes: Iterable[Cassette] = (),
    *,
    inbound: str = "transfer",
    webrtc: str = "sessions",
    overwrite: bool = False,
    all_fit: bool = True,
) -> Exported:
    """Write an application with these handlers, functions by event type and mode. `inbound` answers calls to the number,
    `webrtc` is who stands for the browser: sessions or endpoints.

    Raises WorkbenchError that names every handler that cannot leave and why, or the files that are in the way, or, if `all_fit`, a cassette
    that the handlers answer otherwise than recorded; then nothing is written. Without `all_fit` such a cassette is left out.
    """
    own = _handlers(handlers)
    held, left = _fitting(cassettes, handlers, all_fit)
    files = {
        "app.py": texts.APP,
        "handlers.py": own,
        "conftest.py": '"""Tests find handlers.py and workbench/ from here."""\n',
        "tests/test_cassettes.py": texts.TEST,
        **{f"tests/cassettes/{name}": text for name, text in _named(held).items()},
        "README.md": texts.readme(_version(), {mode: list(found) for mode, found in handlers.items()}, inbound, len(held)),
        "requirements.txt": "".join(f"{name}=={version(name)}\n" for name in REQUIRED),
        ".env.example": texts.ENVIRONMENT.format(inbound=inbound, webrtc=webrtc),
        ".gitignore": texts.IGNORED,
        "LICENSE": _license(),
        "workbench/__init__.py": INIT.format(version=_version()),
        **{f"workbench/{path.as_posix()}": (PACKAGE / path).read_text("utf-8") for path in carried()},
    }
    if not held:
        del files["tests/test_cassettes.py"], files["conftest.py"]
    written = folder.write(target, files, overwrite=overwrite)
    return Exported(written, tuple(files), {mode: tuple(found) for mode, found in handlers.items()}, len(held), left)


def _fitting(
    cassettes: Iterable[Cassette], handlers: Mapping[str, Mapping[str, Any]], all_fit: bool
) -> tuple[list[Cassette], tuple[str, ...]]:
    """The cassettes that the handlers answer as recorded, for a test that fails from the start is none; and the titles of the others."""
    played = [replay(cassette, handlers.get(cassette.mode)) for cassette in cassettes]
    changed = [one for one in played if not one.same]
    if changed and all_fit:
        told = "\n".join(f"{one.cassette.title}:\n{one.difference}" for one in changed)
        raise WorkbenchError(f"cassettes: the handlers answer these otherwise than recorded; record them anew, or leave them out:\n{told}")
    return [one.cassette for one in played if one.same], tuple(one.cassette.title for one in changed)


def _handlers(handlers: Mapping[str, Mapping[str, Any]]) -> str:
    found = Found()
    parts = []
    for mode, functions in handlers.items():
        for event_type, function in functions.items():
            if (name := examine(function, found, f"{mode}.{event_type}")) is not None:
                parts.append((mode, event_type, name))
    found.faults.extend(clashes(found))
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
