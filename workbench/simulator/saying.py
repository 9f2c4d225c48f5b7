"""What is played to calls and conferences: how long a sentence takes, and the happenings that tell what is being said or played."""

from __future__ import annotations

from typing import Any

from workbench import bxml
from workbench.simulator import transcripts
from workbench.simulator.core import Core

CHARACTERS_PER_SECOND = 15.0
SHORTEST_SECONDS = 0.4
FIGURE_CHARACTERS = 4  # a figure is a word


def seconds_to_say(text: str) -> float:
    """The time a sentence takes, at an even 15 characters a second (assumed)."""
    return max(SHORTEST_SECONDS, round(characters(bxml.spoken(text)) / CHARACTERS_PER_SECOND, 1))


def characters(spoken: str) -> int:
    """How long a text is in characters, each of its figures counted as a word."""
    return len(spoken) + (FIGURE_CHARACTERS - 1) * sum(map(str.isdecimal, spoken))


def say(core: Core, verb: bxml.SpeakSentence, **where: Any) -> float:
    """Begin to say a sentence to a call or conference; its length in seconds."""
    seconds, text = seconds_to_say(verb.text), bxml.spoken(verb.text)
    asked = {name: value for name in ("voice", "gender", "locale") if (value := getattr(verb, name)) is not None}
    if asked:
        core.follow("bxml.voice")
    core.happen("speak", "bxml.speak", text=text, seconds=seconds, **asked, **where)
    call, conference = core.calls.get(where.get("callId", "")), core.conferences.get(where.get("conferenceId", ""))
    core.play(_source(where), "speech", seconds, text=text, voice=verb.voice or verb.gender, locale=verb.locale)
    transcripts.platform_says(core, text, seconds, call, conference)
    return seconds


def play(core: Core, fetch_id: int, seconds: float, **where: str) -> None:
    """Begin to play a file that was fetched to a call or conference."""
    core.happen("play", "bxml.play", seconds=seconds, **where)
    core.play(_source(where), "file", seconds, fetch_id=fetch_id)


def _source(where: dict[str, Any]) -> str:
    """The source that a call or conference hears the platform as: its own id."""
    return str(where.get("callId") or where["conferenceId"])
