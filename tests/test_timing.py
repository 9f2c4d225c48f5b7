"""Set-up times, phase by phase: read from what the platform did, or from what webhooks tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.test_compare import FLOW, at, event
from workbench import Workbench, timing
from workbench.bars import Scale, Timing
from workbench.records import Event
from workbench.timing import FlowTimes, LegTimes, Span

LEGS = {"phone": "+15550100001", "webrtc": "sip:there"}


@dataclass(frozen=True)
class Happened:
    time: str
    kind: str
    call_ids: tuple[str, ...]
    data: dict[str, Any] = field(default_factory=dict)
    seq: int = 0


def test_the_platform_tells_when_both_were_joined() -> None:
    joined = [Happened(at(4), "joined", ("c-1", "c-2")), Happened(at(1.5), "joined", ("c-8", "c-9"))]
    assert timing.set_up(FLOW, joined) == 3.0


def test_sentences_are_no_delay_and_one_that_is_cut_off_counts_as_far_as_it_was_heard() -> None:
    speech = [Happened(at(2), "speak", ("c-1",), {"seconds": 1}), Happened(at(3.5), "speak", ("c-1",), {"seconds": 60})]
    assert timing.set_up(FLOW, [*speech, Happened(at(4), "joined", ("c-1", "c-2"))]) == 1.5


def test_in_a_conference_the_second_member_counts() -> None:
    members = [Happened(at(2), "memberJoined", ("c-2",)), Happened(at(5), "memberJoined", ("c-1",))]
    assert timing.set_up(FLOW, members) == 4.0


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        ([], None),
        (FLOW[:3], None),
        ([event(1, "conferenceMemberJoin", "phone", data={"eventTime": at(5), "startTime": at(1)})], None),
        ([event(i, "conferenceMemberJoin", "phone", data={"eventTime": at(i), "startTime": at(1)}) for i in (3, 5)], 4.0),
        ([event(1, "disconnect", "phone", data={"direction": "inbound", "startTime": at(1), "answerTime": at(4)})], 3.0),
        ([event(1, "disconnect", "phone", data={"direction": "outbound", "startTime": at(1), "answerTime": at(4)})], None),
    ],
    ids=["nothing", "not joined", "alone", "conference", "inbound transfer", "outbound transfer"],
)
def test_live_the_webhooks_tell_what_they_can(events: list[Event], seconds: float | None) -> None:
    assert timing.set_up(events) == seconds


def spans(leg: LegTimes) -> list[str]:
    return [f"{span.phase} {span.start:g}-{span.end:g}" for span in leg.spans]


def test_each_phase_lasts_until_the_next_begins() -> None:
    story = [
        (at(1), "queued", ("c-1",), {"to": "+15550100001"}),
        (at(1.2), "invite", ("c-1",), {"to": "+15550100001"}),
        (at(2), "answered", ("c-1",), {}),
        (at(2), "webhook", (), {}),
        (at(2.5), "webhookAnswered", (), {"of": 4}),
        (at(2.5), "speak", ("c-1",), {"seconds": 1.0}),
        (at(3.5), "invite", ("c-9",), {"to": "sip:there", "participantId": "p-1"}),
        (at(4), "answered", ("c-9",), {}),
        (at(4), "joined", ("c-1", "c-9"), {}),
        (at(9), "ended", ("c-9",), {}),
    ]
    happened = [Happened(time, kind, calls, data, seq) for seq, (time, kind, calls, data) in enumerate(story, 1)]
    events = [
        event(
            2, "answer", "phone", call="c-1", to="+15550100001", data={"enqueuedTime": at(1)}, verbs=("Transfer",), seq=4, handler_ms=100.0
        ),
        event(3, "createParticipant", "webrtc", data={"response": {"participant": {"id": "p-1"}}}),
    ]
    read = FlowTimes.of("transfer-1", "", LEGS, events, happened)
    phone, webrtc = read.legs
    assert spans(phone) == ["request 0-0.2", "ring 0.2-1", "answer 1-1.4", "handler 1.4-1.5", "speech 1.5-2.5", "join 2.5-3"]
    assert spans(webrtc) == ["ring 2.5-3"]
    assert (read.joined, read.set_up) == (3.0, 2.0)


def test_a_phone_that_nobody_answers_is_timed_until_it_ends() -> None:
    happened = [Happened(at(1), "invite", ("c-1",), {"to": "+15550100001"}, 1), Happened(at(31), "ended", ("c-1",), {}, 2)]
    events = [event(1, "disconnect", "phone", call="c-1", to="+15550100001", data={"enqueuedTime": at(1)}, cause="timeout")]
    read = FlowTimes.of("bridge-1", "early", LEGS, events, happened)
    assert read.title == "bridge-1 · early · not joined"
    assert spans(read.legs[0]) == ["ring 0-30"]


def test_a_flow_without_a_phone_has_no_times() -> None:
    read = FlowTimes.of("bridge-1", "", {}, [], [])
    assert (read.legs, read.set_up) == ((), None)
    assert "not joined" in repr(Timing([read]))
    assert "svg" in Timing([read])._repr_html_()
    assert repr(Timing([])) == "no flow to time"


def test_live_the_webhooks_tell_what_they_can_of_each_leg() -> None:
    answers = [replace(FLOW[1], handler_ms=250.0, data={**FLOW[1].data, "startTime": at(1.5), "answerTime": at(2)}), *FLOW[2:]]
    read = FlowTimes.of("bridge-1", "", LEGS, answers)
    phone, webrtc = read.legs
    assert spans(phone) == ["request 0-0.5", "ring 0.5-1", "handler 1-1.25", "not told 1.25-2"]
    assert spans(webrtc) == ["request -1-2"]
    assert read.set_up == timing.set_up(answers) == 2.0
    shown = Timing([read], live=True)
    assert "does not tell" in repr(shown) and "does not tell" in shown._repr_html_()
    assert list(shown.frame()["not told"]) == [0.75, 0.0]


def test_an_early_leg_begins_at_the_edge_of_the_drawing() -> None:
    early = FlowTimes("bridge-1", "early", 1.0, 1.0, (LegTimes("webrtc", (Span("ring", -9000, -8999), Span("join", -8999, 1.0))),))
    scale = Scale.of([early])
    assert scale.first == -0.5
    drawn = Timing([early]).svg()
    assert drawn.count("<rect") == 1 and "join 9e+03 s" in drawn


def test_what_is_drawn_is_escaped() -> None:
    drawn = Timing([FlowTimes("<b>", "<i>", 1.0, 1.0, (LegTimes("<u>", (Span("ring", 0, 1.0),)),))])._repr_html_()
    assert not re.search("<[biu]>", drawn)
    assert "&lt;b&gt;" in drawn


class TestOnThePlatform:
    pytestmark = pytest.mark.sockets

    @pytest.fixture(scope="class")
    @staticmethod
    def wb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
        with Workbench(state_dir=tmp_path_factory.mktemp("state")) as workbench:
            workbench.connect(workbench.participant())
            phone = workbench.phone().set(ring_seconds=0.3)
            with workbench.local.clock.still():
                for plan in ("sequential", "parallel", "early"):
                    workbench.bridge.dial(phone, plan)
                    workbench._wiring.run_on()
                    workbench.bridge.flow.close()
            # and with a clock that runs, so that webhooks and handlers take time
            for mode in (workbench.transfer, workbench.bridge, workbench.conference):
                mode.take_inbound()
                phone.dial(workbench.number)
                workbench._wiring.waits.wait(workbench._wiring.wanted("initiate", None, None), 10)
                workbench._wiring.local.clock.run_to_idle()
                mode.flow.close()
            yield workbench

    def test_the_phases_of_the_phone_add_up_to_the_set_up_time(self, wb: Workbench) -> None:
        times = [flow for mode in (wb.transfer, wb.bridge, wb.conference) for flow in mode.timing().flows]
        assert len(times) == 6
        for flow in times:
            phone = next(leg for leg in flow.legs if leg.leg == "phone")
            assert flow.set_up == pytest.approx(sum(span.seconds for span in phone.spans if span.phase != "speech"), abs=0.002)
        seconds = wb.bridge.setup_times().set_index("flow")["set-up s"]
        assert {flow.flow: flow.set_up for flow in wb.bridge.timing().flows} == dict(seconds)

    def test_legs_in_parallel_are_seen_to_be_faster(self, wb: Workbench) -> None:
        table = wb.timing(*wb.bridge.flows[:3]).frame().set_index(["plan", "leg"])
        assert table.loc[("sequential", "webrtc"), "from s"] == 0.3
        assert table.loc[("parallel", "webrtc"), "from s"] == 0
        assert table.loc[("early", "webrtc"), "from s"] < 0
        assert table.loc[("sequential", "phone"), "join"] == 0.2
        assert table.loc[("parallel", "phone"), "join"] == 0

    def test_a_running_clock_shows_webhooks_and_handlers(self, wb: Workbench) -> None:
        table = wb.conference.timing().frame().set_index("leg")
        assert table.loc["phone", "answer"] > 0 and table.loc["phone", "speech"] > 0

    def test_unless_told_it_is_the_newest_flow(self, wb: Workbench) -> None:
        assert [flow.flow for flow in wb.timing().flows] == ["conference-1"]
        drawn = wb.timing(wb.bridge.flows[0])._repr_html_()
        assert "Set-up times. bridge-1 · sequential · set-up 0.5 s." in drawn
