"""The tables of the documentation, made from the code: `python -m workbench.simulator.describe` prints them."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.simulator.accounts import Accounts
from workbench.simulator.control_api import BASE as CONTROL_BASE
from workbench.simulator.control_api import ControlApi
from workbench.simulator.endpoints_api import BASE as ENDPOINTS_BASE
from workbench.simulator.endpoints_api import EndpointsApi
from workbench.simulator.phones import SPECIAL
from workbench.simulator.recordings_api import RecordingsApi
from workbench.simulator.setup import Setup
from workbench.simulator.voice_api import BASE as VOICE_BASE
from workbench.simulator.voice_api import VoiceApi
from workbench.simulator.webrtc_api import BASE as WEBRTC_BASE
from workbench.simulator.webrtc_api import WebRtcApi
from workbench.simulator.wire import Operation
from workbench.simulator.world import World

BEHAVIOURS = {
    "busy": "is busy",
    "answer": "rings and is never answered",
    "reject": "declines",
    "ring_seconds": "answers after 10 seconds",
    "hangup_after": "hangs up 5 seconds after it answered",
    "answered_by": "is answered by a machine",
    "rings": "never rings",
}


def markdown() -> str:
    """What only the local platform has: its controls and its special phones, each under a heading."""
    world, accounts = _parts()
    controls = ControlApi(world, accounts).operations()
    parts = [
        "## Controls",
        table(("method", "path", "what"), ((item.method, f"`{CONTROL_BASE}{item.path}`", item.name) for item in controls)),
        "## Phones with a behaviour of their own",
        table(("number", "what it does"), ((number, BEHAVIOURS[next(iter(script))]) for number, script in SPECIAL.items())),
    ]
    return "\n\n".join(parts) + "\n"


def apis() -> list[tuple[str, str, list[Operation]]]:
    """Bandwidth's APIs: title, where their paths begin, operations."""
    parts = _parts()
    voice = VoiceApi(*parts)
    return [
        ("Voice", VOICE_BASE, [*voice.operations(), *RecordingsApi(parts[0], voice).operations()]),
        ("WebRTC", WEBRTC_BASE, WebRtcApi(*parts).operations()),
        ("Endpoints", ENDPOINTS_BASE, EndpointsApi(*parts).operations()),
    ]


def _parts() -> tuple[World, Accounts]:
    setup = Setup()
    return World(setup.config("http://127.0.0.1:8010/api/v2")), Accounts(setup, lambda: 0.0)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, tuple("---" for _ in head), *rows)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown(), end="")
