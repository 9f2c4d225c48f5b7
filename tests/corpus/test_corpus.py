"""Every scenario of the corpus, and what the corpus as a whole must hold."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

import pytest

from tests.corpus.runner import Outcome, play
from tests.corpus.scenario import FOLDER, load, paths
from workbench.simulator.rules import RULES


@cache
def outcome(path: Path) -> Outcome:
    """What came of a scenario; each is played once."""
    return asyncio.run(play(load(path)))


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.relative_to(FOLDER).with_suffix("").as_posix())
def test_scenario(path: Path) -> None:
    assert not outcome(path).differences, "\n".join(outcome(path).differences)


def test_every_rule_is_followed_by_a_scenario() -> None:
    followed = set().union(*(outcome(path).rules for path in paths()))
    assert set(RULES) - followed == set(), "write a scenario for these"


def test_every_event_of_a_webhook_occurs_in_a_scenario() -> None:
    from tests.conformance.webhooks import EVENTS

    known = {event for events in EVENTS.values() for event in events}
    told = set().union(*(outcome(path).events for path in paths()))
    assert known - told == set(), "write a scenario for these"


def test_the_page_is_that_of_the_code_and_the_corpus() -> None:
    from tests.corpus import describe

    assert describe.PAGE.read_text(encoding="utf-8") == describe.markdown(), "run: python -m tests.corpus.describe"
