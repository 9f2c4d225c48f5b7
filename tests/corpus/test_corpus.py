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
    "request.required",
    "request.field",
    "request.url",
    "request.https",
    "request.method",
    "request.range",
    "request.length",
    "request.uui",
    "request.application",
    "request.enum",
    "call.unknown",
    "call.bxml",
    "call.bxml-relative",
    "conference.unknown",
    "conference.ended",
    "list.size",
    "list.token",
    "http.path",
    "http.method",
    "http.content-type",
    "http.json",
    "http.size",
    "call.initiate-unset",
    "call.timeout",
    "call.no-ring",
    "call.rejected",
    "call.unreachable",
    "call.redirect",
    "call.replace",
    "call.wire",
    "webhook.failed",
    "webhook.retry",
    "webhook.retry-sync",
    "webhook.late",
    "webhook.lost",
    "bxml.invalid",
    "bxml.interrupt",
    "bxml.ring",
    "bxml.play",
    "bxml.play-failed",
    "bxml.redirect",
    "bxml.not-simulated",
    "transfer.first",
    "transfer.next",
    "transfer.single",
    "transfer.detach",
    "bridge.join",
    "bridge.unanswered",
    "bridge.failed",
    "bridge.busy",
    "bridge.complete",
    "bridge.next",
    "bridge.target-complete",
    "bridge.target-hangup",
    "conference.exit",
    "conference.completed",
    "conference.full",
    "conference.refused",
    "conference.day",
    "conference.end",
    "conference.redirect",
    "conference.verbs",
    "conference.queue",
    "conference.webhook",
    "conference.coach",
    "webrtc.field",
    "webrtc.unknown",
    "webrtc.other-session",
    "webrtc.full",
    "webrtc.outside",
    "webrtc.nine-hours",
    "webrtc.connect",
    "webrtc.leave",
    "webrtc.deleted",
    "webrtc.newest",
    "interconnect.token",
    "interconnect.refused",
    "interconnect.answer",
    "phone.one-call",
    "phone.idle",
    "phone.field",
    "local.loopback",
    "local.token",
    "local.clock",
    "local.rest",
    "stream.bounded",
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
