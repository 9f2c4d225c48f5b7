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
    "conference.kept",
    "conference.unknown",
    "conference.member-unknown",
    "number.form",
    "webhook.moved",
    "webhook.unreachable",
    "webhook.unchallenged",
    "webhook.content-type",
    "webhook.failed",
    "webhook.retry",
    "webhook.retry-sync",
    "webhook.late",
    "webhook.lost",
    "bxml.invalid",
    "bxml.verb",
    "bxml.attribute",
    "bxml.size",
    "bxml.unknown-attribute",
    "bxml.rest",
    "bxml.play",
    "bxml.play-failed",
    "bxml.not-simulated",
    "transfer.answer-verbs",
    "transfer.leg-hangup",
    "transfer.success",
    "transfer.redirect",
    "transfer.first",
    "transfer.next",
    "transfer.single",
    "transfer.detach",
    "bridge.join",
    "bridge.unanswered",
    "bridge.failed",
    "bridge.unknown",
    "bridge.ended",
    "bridge.ringing",
    "bridge.leaves",
    "bridge.moved",
    "bridge.order",
    "bridge.busy",
    "bridge.complete",
    "bridge.next",
    "bridge.target-complete",
    "bridge.target-hangup",
    "conference.completed",
    "conference.full",
    "conference.refused",
    "conference.day",
    "conference.redirect",
    "conference.verbs",
    "conference.queue",
    "conference.webhook",
    "conference.skip",
    "conference.no-document",
    "conference.late",
    "conference.creator",
    "conference.tag",
    "conference.fields",
    "conference.order",
    "conference.hold",
    "conference.coach-later",
    "conference.coach",
    "webrtc.permissions",
    "webrtc.permissions-default",
    "webrtc.version",
    "webrtc.tag",
    "webrtc.token",
    "webrtc.empty",
    "webrtc.again",
    "webrtc.moved",
    "webrtc.removed",
    "subscription.participants",
    "subscription.session",
    "subscription.none",
    "subscription.replaced",
    "subscription.removed",
    "subscription.path",
    "subscription.form",
    "webrtc.unknown",
    "webrtc.other-session",
    "webrtc.full",
    "webrtc.outside",
    "webrtc.nine-hours",
    "webrtc.fields",
    "webrtc.one-attempt",
    "webrtc.browser",
    "webrtc.leg",
    "webrtc.connect",
    "webrtc.leave",
    "webrtc.deleted",
    "webrtc.newest",
    "interconnect.token",
    "interconnect.entries",
    "interconnect.refused",
    "interconnect.expired",
    "interconnect.answer",
    "phone.one-call",
    "phone.idle",
    "phone.number",
    "phone.field",
    "local.loopback",
    "local.token",
    "local.field",
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
