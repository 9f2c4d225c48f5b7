"""Every scenario of the corpus, and what the corpus as a whole must hold."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

import pytest

from tests.corpus.runner import Outcome, play
from tests.corpus.scenario import FOLDER, load, paths
from workbench.simulator.rules import RULES

# Rules that no scenario follows yet. It can only shrink: a rule that is hit must leave it, and it is to be empty.
NOT_YET: set[str] = {
    "bxml.not-simulated",
}


# Events of Bandwidth's webhooks that occur in no scenario yet; it can only shrink, too.
EVENTS_NOT_YET: set[str] = {
    "endpointConnected",
    "endpointDisconnected",
    "endpointEligible",
    "endpointIneligible",
    "onDisconnect",
    "outboundConnectionRequest",
}


@cache
def outcome(path: Path) -> Outcome:
    """What came of a scenario; each is played once."""
    return asyncio.run(play(load(path)))


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.relative_to(FOLDER).with_suffix("").as_posix())
def test_scenario(path: Path) -> None:
    assert not outcome(path).differences, "\n".join(outcome(path).differences)


def test_every_rule_is_followed_by_a_scenario() -> None:
    followed = set().union(*(outcome(path).rules for path in paths()))
    assert set(RULES) - followed - NOT_YET == set(), "write a scenario for these"
    assert NOT_YET & followed == set(), "take these out of NOT_YET"
    assert set(RULES) >= NOT_YET


def test_every_event_of_a_webhook_occurs_in_a_scenario() -> None:
    from tests.conformance.webhooks import EVENTS

    known = {event for events in EVENTS.values() for event in events}
    told = set().union(*(outcome(path).events for path in paths()))
    assert known - told - EVENTS_NOT_YET == set(), "write a scenario for these"
    assert EVENTS_NOT_YET & told == set(), "take these out of EVENTS_NOT_YET"
    assert known >= EVENTS_NOT_YET


def test_the_page_is_that_of_the_code_and_the_corpus() -> None:
    from tests.corpus import describe

    assert describe.PAGE.read_text(encoding="utf-8") == describe.markdown(), "run: python -m tests.corpus.describe"
