"""The tables of the documentation, made from the code: `python -m workbench.simulator.describe` prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from workbench import bxml
from workbench.simulator.accounts import Accounts
from workbench.simulator.control_api import BASE as CONTROL_BASE
from workbench.simulator.control_api import ControlApi
from workbench.simulator.phones import SPECIAL
from workbench.simulator.rules import RULES
from workbench.simulator.setup import Setup
from workbench.simulator.verbs import EXECUTE
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
    """All tables, each under its heading."""
    setup = Setup()
    world = World(setup.config("http://127.0.0.1:8010/api/v2"))
    accounts = Accounts(setup, lambda: 0.0)
    parts = [
        "## Operations",
        _operations(VOICE_BASE, VoiceApi(world, accounts).operations()),
        _operations(WEBRTC_BASE, WebRtcApi(world, accounts).operations()),
        "## Controls",
        _operations(CONTROL_BASE, ControlApi(world, accounts).operations()),
        "## Phones with a behaviour of their own",
        _table(("number", "what it does"), ((number, BEHAVIOURS[next(iter(script))]) for number, script in SPECIAL.items())),
        "## Verbs",
        _verbs(),
        "## Rules",
        f"{_counts()}\n\n" + _table(("rule", "what", "label", "source"), ((r.id, r.text, r.label, r.source) for r in RULES.values())),
    ]
    return "\n\n".join(parts) + "\n"


def _operations(base: str, operations: Iterable[Operation]) -> str:
    return _table(("method", "path", "operation"), ((item.method, f"`{base}{item.path}`", item.name) for item in operations))


def _verbs() -> str:
    simulated = {verb.__name__ for verb in EXECUTE}
    nested = {"PhoneNumber", "SipUri", "Endpoint", "StreamParam", "CustomParam"}
    done = [name for name in bxml.VERBS if name in simulated]
    rest = [name for name in bxml.VERBS if name not in simulated | nested]
    return f"Executed: {', '.join(done)}.\n\nParsed, logged as not yet simulated, and passed over: {', '.join(rest)}."


def _counts() -> str:
    labels = Counter(rule.label for rule in RULES.values())
    return f"{len(RULES)} rules: " + ", ".join(f"{labels[label]} {label}" for label in ("documented", "observed", "assumed")) + "."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (head, tuple("---" for _ in head), *rows)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown(), end="")
