"""How long a sentence takes, and the happening that tells it is being said."""

from __future__ import annotations

from typing import Any

from workbench import bxml
from workbench.simulator import transcripts
from workbench.simulator.core import Core

CHARACTERS_PER_SECOND = 15.0
SHORTEST_SECONDS = 0.4


def seconds_to_say(text: str) -> float:
    """The time a sentence takes, at an even 15 characters a second (assumed)."""
    return max(SHORTEST_SECONDS, round(len(bxml.spoken(text)) / CHARACTERS_PER_SECOND, 1))


def say(core: Core, verb: bxml.SpeakSentence, **where: Any) -> float:
    """Begin to say a sentence to a call or conference; its length in seconds."""
    seconds, text = seconds_to_say(verb.text), bxml.spoken(verb.text)
    core.happen("speak", "bxml.speak", text=text, seconds=seconds, **where)
    call, conference = core.calls.get(where.get("callId", "")), core.conferences.get(where.get("conferenceId", ""))
    transcripts.platform_says(core, text, seconds, call, conference)
    return seconds
