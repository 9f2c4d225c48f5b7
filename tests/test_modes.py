"""The three modes against the real platform in a child process, its clock in the test's hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bandwidth.models.bxml import Response as SdkResponse
from bandwidth.models.bxml import SpeakSentence as SdkSpeakSentence

from workbench import Workbench, bxml
from workbench.errors import ApiError, BxmlError, WorkbenchError
from workbench.modes import Flow, Gate, Mode, Secret
from workbench.modes.documents import shown, verbs_of, write

pytestmark = pytest.mark.sockets
GATE = Gate("http://127.0.0.1:5000", "user", "secret")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with Workbench(state_dir=tmp_path_factory.mktemp("state")) as workbench:
        workbench.local.clock.pause()
        workbench.connect(workbench.participant("browser"))
        yield workbench


@pytest.fixture
def wb(shared: Workbench) -> Iterator[Workbench]:
    """The module's workbench, as if it were new."""
    yield shared
    for mode in modes(shared):
        mode.close()
        mode.reset()
    shared.transfer.take_inbound()
    shared.local.interconnect(answer=True, answer_seconds=0.2)
    assert [left for left in shared.leftovers() if not left.startswith("session") and left != "participant browser"] == []


def modes(wb: Workbench) -> list[Mode]:
    return [wb.transfer, wb.bridge, wb.conference]


def idle(wb: Workbench) -> None:
    wb.local.clock.run_to_idle()


def told(flow: Flow) -> list[str]:
    """The table of a flow: event, leg, and what was answered."""
    rows = flow.events[["event", "leg", "verbs"]].itertuples(index=False)
    return [" ".join(filter(None, row)) for row in rows]


def hears(wb: Workbench) -> dict[str, set[str]]:
    table = wb.hears()
    return {listener: {voice for voice in table.columns if table.loc[listener, voice]} for listener in table.index}


TOGETHER = {"phone": {"browser"}, "browser": {"phone"}}


class TestEveryMode:
    """What holds for each mode alike."""

    @pytest.fixture(params=["transfer", "bridge", "conference"])
    def mode(self, request: pytest.FixtureRequest, wb: Workbench) -> Mode:
        return getattr(wb, request.param)

    def test_a_dialed_phone_and_the_browser_hear_each_other(self, wb: Workbench, mode: Mode) -> None:
        mode.dial(wb.phone())
        idle(wb)
        assert hears(wb) == TOGETHER

    def test_a_calling_phone_and_the_browser_hear_each_other(self, wb: Workbench, mode: Mode) -> None:
        mode.take_inbound()
        wb.phone().dial(wb.number)
        idle(wb)
        assert hears(wb) == TOGETHER

    def test_closing_a_flow_leaves_no_call_and_no_participant(self, wb: Workbench, mode: Mode) -> None:
        flow = mode.begin(wb.phone())
        idle(wb)
        flow.close()
        state = wb.local.state()
        assert (state["calls"], [one["tag"] for one in state["participants"]]) == ([], ["browser"])
        assert flow.over
        assert flow.up == []

    def test_what_fails_for_one_leg_keeps_no_other_from_its_end(self, wb: Workbench, mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = mode.begin(wb.phone()), mode.begin(wb.phone(2))
        idle(wb)
        refused, update = ApiError("503", request="POST", status=503), wb.voice.update_call

        def once(*args: object, **fields: object) -> None:
            monkeypatch.setattr(wb.voice, "update_call", update)
            raise refused

        monkeypatch.setattr(wb.voice, "update_call", once)
        with pytest.raises(ApiError) as caught:
            mode.close()
        assert caught.value is refused
        assert one.closed and other.closed
        left = [call["to"] for call in wb.local.state()["calls"]]
        assert wb.phone(2).number not in left and len(left) <= 1
        wb.phone().hangup() if left else None

    def test_a_call_whose_request_was_given_up_is_ended_too(self, wb: Workbench, mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
        flow, create = mode.open(), wb.voice.create_call

        def interrupted(**fields: Any) -> None:
            create(**fields)
            raise KeyboardInterrupt

        monkeypatch.setattr(wb.voice, "create_call", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mode.call(flow, wb.phone())
        monkeypatch.undo()
        idle(wb)
        flow.close()

    def test_closing_before_anybody_answers_leaves_nothing(self, wb: Workbench, mode: Mode) -> None:
        flow = mode.begin(wb.phone())
        flow.close()
        state = wb.local.state()
        assert (state["calls"], [one["tag"] for one in state["participants"]]) == ([], ["browser"])

    def test_two_runs_print_the_same_table(self, wb: Workbench, mode: Mode) -> None:
        tables = []
        for _ in range(2):
            flow = mode.begin(wb.phone())
            idle(wb)
            wb.phone().hangup()
            idle(wb)
            flow.close()
            tables.append(flow.events[["event", "leg", "from", "to", "cause", "verbs"]].values.tolist())
        assert tables[0] == tables[1]

    def test_an_error_in_a_handler_is_shown_and_the_call_fails(self, wb: Workbench, mode: Mode) -> None:
        @mode.on("answer")
        def broken(event, flow):
            raise RuntimeError("on purpose")

        mode.dial(wb.phone())
        event = wb.wait("answer", leg="phone")
        assert event.status == 500
        assert "RuntimeError: on purpose" in str(event.error)
        assert wb.wait("disconnect", leg="phone").cause == "callback-error"

    def test_a_handler_is_replaced_again_and_reset(self, wb: Workbench, mode: Mode) -> None:
        own = mode.source("answer")

        @mode.on("answer")
        def first(event, flow):
            return bxml.Hangup()

        @mode.on("answer")
        def second(event, flow):
            return [bxml.Pause(duration=1)]

        assert "def second" in mode.source("answer")
        assert mode.handlers["answer"] == "cell"
        mode.reset("answer")
        assert mode.source("answer") == own
        assert mode.handlers["answer"] == "mode"

    def test_each_flow_has_one_lock_of_its_own(self, wb: Workbench, mode: Mode) -> None:
        one, other = mode.open(), mode.open()
        assert mode.lock(one.id) is one.lock
        assert one.lock is not other.lock


class TestTransfer:
    """One call with two ends."""

    def test_an_inbound_call_is_one_call_for_the_application(self, wb: Workbench) -> None:
        wb.phone().dial(wb.number)
        idle(wb)
        flow = wb.transfer.flow
        calls = wb.transfer.calls()
        assert list(calls["leg"]) == ["phone", "webrtc"]
        assert list(calls["parent"]) == ["", calls["call"][0]]
        wb.phone().hangup()
        wb.wait("disconnect")
        assert told(flow) == [
            "initiate phone Transfer",
            "createParticipant webrtc",
            "addParticipantToSession webrtc",
            "disconnect phone",
            "deleteParticipant webrtc",
        ]
        assert list(wb.transfer.calls()["state"]) == ["disconnected", "disconnected"]
        assert list(wb.transfer.calls()["cause"]) == ["hangup", "hangup"]

    def test_nobody_answers_and_the_call_ends(self, wb: Workbench) -> None:
        wb.local.interconnect(answer=False)
        wb.phone().dial(wb.number)
        assert wb.wait("disconnect").cause == "hangup"
        assert "transferComplete phone" not in told(wb.transfer.flow)

    def test_unless_a_url_was_given_to_tell(self, wb: Workbench) -> None:
        wb.local.interconnect(answer=False)

        @wb.transfer.on("initiate")
        def tell_me(event, flow):
            return flow.connect_verb(flow.participant(), transfer_complete_url=flow.url("transferComplete"))

        wb.phone().dial(wb.number)
        event = wb.wait("transferComplete")
        assert (event.cause, event.verbs, event.leg) == ("timeout", ("SpeakSentence",), "phone")

    def test_a_redirect_takes_the_webrtc_leg_down(self, wb: Workbench) -> None:
        flow = wb.transfer.dial(wb.phone())
        idle(wb)
        wb.transfer.redirect("phone", [bxml.SpeakSentence("Something else."), bxml.Pause(duration=60)])
        assert wb.wait("redirect").verbs == ("SpeakSentence", "Pause")
        assert hears(wb) == {"phone": set(), "browser": set()}
        assert flow.webrtc is None
        assert [leg.name for leg in flow.phones] == ["phone"]

    def test_a_b_leg_is_known_by_its_parent(self, wb: Workbench) -> None:
        @wb.transfer.on("initiate")
        def with_url(event, flow):
            to = bxml.SipUri(wb.interconnect, uui=wb.uui(flow.participant()), transfer_disconnect_url=flow.url("transferDisconnect"))
            return bxml.Transfer([to, bxml.PhoneNumber(wb.phone(2).number, transfer_disconnect_url=flow.url("transferDisconnect"))])

        wb.phone().dial(wb.number)
        idle(wb)
        wb.phone().hangup()
        flow = wb.transfer.flow
        ends = {wb.wait("transferDisconnect", leg=leg, flow=flow).cause for leg in ("webrtc", "phone 2")}
        assert ends == {"hangup", "cancel"}


class TestBridge:
    """Two independent calls."""

    @pytest.mark.parametrize(("webrtc_seconds", "first", "second"), [(0.2, "webrtc", "phone"), (5.0, "phone", "webrtc")])
    def test_the_second_to_answer_runs_bridge(self, wb: Workbench, webrtc_seconds: float, first: str, second: str) -> None:
        wb.local.interconnect(answer_seconds=webrtc_seconds)
        flow = wb.bridge.dial(wb.phone())
        idle(wb)
        assert [line for line in told(flow) if line.startswith("answer")] == [f"answer {first} Pause", f"answer {second} Bridge"]
        assert hears(wb) == TOGETHER

    def test_the_phone_leaves_and_the_webrtc_leg_stays(self, wb: Workbench) -> None:
        flow = wb.bridge.dial(wb.phone())
        idle(wb)
        wb.phone().hangup()
        assert wb.wait("bridgeTargetComplete", leg="webrtc").verbs == ("Pause",)
        assert [line for line in told(flow) if line.startswith("bridge")] == ["bridgeTargetComplete webrtc Pause"]
        webrtc = flow.leg("webrtc")
        assert (webrtc.state()["state"], webrtc.waiting) == ("answered", True)

    def test_a_leg_that_waits_for_a_while_only_is_joined_too(self, wb: Workbench) -> None:
        @wb.bridge.on("answer")
        def answer(event, flow):
            partner = wb.bridge.partner(event, flow)
            return wb.bridge.bridge(partner) if partner else [bxml.Pause(20), bxml.SpeakSentence("Nobody is there."), bxml.Hangup()]

        flow = wb.bridge.dial(wb.phone())
        idle(wb)
        assert [line for line in told(flow) if line.startswith("answer")] == [
            "answer webrtc Pause, SpeakSentence, Hangup",
            "answer phone Bridge",
        ]
        assert hears(wb) == TOGETHER

    def test_one_webrtc_leg_serves_a_series_of_callers(self, wb: Workbench) -> None:
        flow = wb.bridge.dial(wb.phone())
        idle(wb)
        webrtc = flow.leg("webrtc").id
        for count in (2, 3):
            leg = wb.bridge.swap(wb.phone(count))
            idle(wb)
            assert hears(wb) == {leg.name: {"browser"}, "browser": {leg.name}}
        assert flow.leg("webrtc").id == webrtc
        assert len({flow.leg(name).id for name in ("phone", "phone 2", "phone 3")}) == 3

    def test_an_inbound_caller_joins_the_leg_that_waits(self, wb: Workbench) -> None:
        wb.bridge.take_inbound()
        wb.bridge.dial_webrtc()
        idle(wb)
        wb.phone().dial(wb.number)
        assert wb.wait("initiate").verbs == ("Bridge",)
        idle(wb)
        assert len({flow.id for flow in wb.bridge.flows if not flow.over}) == 1
        assert hears(wb) == TOGETHER

    def test_one_leg_is_changed_and_joined_again(self, wb: Workbench) -> None:
        flow = wb.bridge.dial(wb.phone())
        idle(wb)
        wb.bridge.announce("phone", "One moment.")
        wb.wait("redirect")
        assert hears(wb) == {"phone": set(), "browser": set()}
        wb.bridge.join("phone", "webrtc")
        wb.wait("redirect")
        idle(wb)
        assert hears(wb) == TOGETHER
        assert flow.leg("webrtc").answered

    def test_a_call_not_yet_answered_cannot_be_bridged(self, wb: Workbench) -> None:
        wb.phone(2).set(by_hand=True)
        wb.bridge.dial_webrtc()
        idle(wb)
        wb.bridge.dial_phone(wb.phone(2))
        wb.bridge.join("webrtc", "phone 2")
        failed = wb.wait("bridgeComplete", leg="webrtc")
        assert failed.cause
        assert failed.data["errorMessage"]
        assert wb.bridge.leg("webrtc").state()["state"] == "answered"
        wb.phone(2).set(by_hand=False)

    def test_without_its_url_the_target_is_hung_up(self, wb: Workbench) -> None:
        @wb.bridge.on("answer")
        def forgetful(event, flow):
            other = wb.bridge.partner(event, flow)
            return bxml.Bridge(other.id, bridge_complete_url=flow.url("bridgeComplete")) if other else bxml.Pause(duration=60)

        flow = wb.bridge.dial(wb.phone())
        idle(wb)
        wb.phone().hangup()
        assert wb.wait("disconnect", leg="webrtc").cause == "hangup"
        assert flow.over

    def test_plans_in_parallel_are_faster(self, wb: Workbench) -> None:
        for plan in ("sequential", "parallel", "early"):
            wb.bridge.dial(wb.phone(), plan=plan)
            idle(wb)
            wb.bridge.close()
        times = dict(zip(*(wb.bridge.setup_times().tail(3)[column] for column in ("plan", "set-up s")), strict=True))
        assert times["early"] <= times["parallel"] < times["sequential"]

    def test_an_unknown_plan_is_refused_before_anything_is_done(self, wb: Workbench) -> None:
        before = len(wb.bridge.flows)
        with pytest.raises(WorkbenchError, match="parallel, sequential, early"):
            wb.bridge.dial(wb.phone(), plan="backwards")
        assert len(wb.bridge.flows) == before


class TestConference:
    """Many calls in one room."""

    def test_a_room_is_named_by_the_session(self, wb: Workbench) -> None:
        room = wb.conference.start()
        joined = wb.wait("conferenceMemberJoin", leg="webrtc")
        assert joined.data["name"] == wb.session == room.name
        assert wb.conference.conference_id == joined.data["conferenceId"]
        assert list(wb.conference.members()["leg"]) == ["webrtc"]

    def test_everybody_hears_everybody_else(self, wb: Workbench) -> None:
        wb.conference.start()
        for phone in wb.phones(3):
            wb.conference.add(phone)
        idle(wb)
        everybody = {"phone", "phone 2", "phone 3", "browser"}
        assert hears(wb) == {one: everybody - {one} for one in everybody}

    def test_mute_hold_and_coach(self, wb: Workbench) -> None:
        wb.conference.start()
        for phone in wb.phones(2):
            wb.conference.add(phone)
        idle(wb)
        wb.conference.mute("phone")
        assert hears(wb)["browser"] == {"phone 2"}
        assert hears(wb)["phone"] == {"phone 2", "browser"}
        wb.conference.mute("phone", False)
        wb.conference.hold("phone")
        assert hears(wb)["phone"] == set()
        wb.conference.hold("phone", False)
        wb.conference.coach("phone", ["phone 2"])
        assert (hears(wb)["browser"], hears(wb)["phone 2"]) == ({"phone 2"}, {"phone", "browser"})
        wb.conference.coach("phone")
        assert hears(wb)["browser"] == {"phone", "phone 2"}

    def test_one_is_removed_and_the_others_stay(self, wb: Workbench) -> None:
        room = wb.conference.start()
        for phone in wb.phones(2):
            wb.conference.add(phone)
        idle(wb)
        before = {leg.name: leg.id for leg in room.up}
        wb.conference.remove("phone")
        wb.wait("conferenceMemberExit", leg="phone")
        wb.wait("disconnect", leg="phone")
        assert {leg.name: leg.id for leg in room.up} == {name: call for name, call in before.items() if name != "phone"}

    def test_a_conference_event_is_answered_with_a_sentence_or_refused(self, wb: Workbench) -> None:
        @wb.conference.on("conferenceMemberJoin")
        def greet(event, flow):
            return bxml.SpeakSentence("Somebody has joined.") if event.leg == "webrtc" else bxml.Hangup()

        wb.conference.start()
        wb.conference.add(wb.phone())
        idle(wb)
        assert wb.wait("conferenceMemberJoin", leg="webrtc").verbs == ("SpeakSentence",)
        assert wb.wait("conferenceMemberJoin", leg="phone").verbs == ("Hangup",)
        assert "Somebody has joined." in {one.data["text"] for one in wb.local.happenings("speak")}
        assert len(wb.local.happenings("documentRefused")) == 1
        assert hears(wb) == TOGETHER

    def test_completed_members_go_on_behind_conference(self, wb: Workbench) -> None:
        @wb.conference.on("answer")
        def stays(event, flow):
            return [flow.enter(), bxml.SpeakSentence("The room is closed.")]

        wb.conference.start()
        idle(wb)
        wb.conference.complete()
        wb.wait("conferenceCompleted")
        idle(wb)
        assert "The room is closed." in {one.data["text"] for one in wb.local.happenings("speak")}

    def test_the_same_name_again_is_another_conference(self, wb: Workbench) -> None:
        found = []
        for _ in range(2):
            room = wb.conference.start()
            wb.wait("conferenceMemberJoin")
            found.append((room.name, wb.conference.conference_id))
            wb.conference.close()
        assert found[0][0] == found[1][0]
        assert found[0][1] != found[1][1]


class TestInbound:
    """Exactly one mode takes inbound calls."""

    def test_the_end_of_a_call_goes_to_the_mode_that_took_it(self, wb: Workbench) -> None:
        wb.transfer.take_inbound()
        wb.phone().dial(wb.number)
        flow = wb.transfer.flow if wb.wait("initiate") else None
        wb.bridge.take_inbound()
        wb.phone().hangup()
        end = wb.wait("disconnect", flow=flow)
        assert (end.mode, end.flow) == ("transfer", flow.id)

    def test_each_call_opens_a_flow_of_its_own(self, wb: Workbench) -> None:
        for phone in wb.phones(2):
            phone.dial(wb.number)
            wb.wait("initiate")
        first, second = wb.transfer.flows[-2:]
        assert [[leg.name for leg in flow.phones] for flow in (first, second)] == [["phone"], ["phone 2"]]


class TestDocuments:
    """From what a handler returns to what the platform gets."""

    def test_credentials_go_to_our_urls_only(self) -> None:
        ours, theirs = f"{GATE.base}/bridge/bridgeComplete", "https://elsewhere.example/x"
        kept = bxml.Redirect(redirect_url=ours, username="mine", password="own")
        assert GATE.authorise(bxml.Redirect(redirect_url=theirs)).username is None
        assert GATE.authorise(bxml.Redirect(redirect_url="/bridge/redirect")).username == "user"
        assert GATE.authorise(kept) == kept
        both = GATE.authorise(bxml.Redirect(redirect_url=theirs, redirect_fallback_url=ours))
        assert (both.username, both.fallback_username, both.fallback_password) == (None, "user", "secret")

    @pytest.mark.parametrize(
        ("url", "ours"), [("/x?to=http://y", True), ("http://127.0.0.1:5000?x", True), ("http://127.0.0.1:50001/x", False)]
    )
    def test_which_urls_are_ours(self, url: str, ours: bool) -> None:
        assert GATE.authorise(bxml.Redirect(redirect_url=url)).password == ("secret" if ours else None)

    def test_a_gate_does_not_show_its_password(self) -> None:
        assert "secret" not in repr(GATE)

    def test_credentials_reach_nested_verbs(self) -> None:
        verb = bxml.Transfer([bxml.PhoneNumber("+15550100001", transfer_answer_url=f"{GATE.base}/transfer/transferAnswer")])
        assert GATE.authorise(verb).transfer_to[0].username == "user"

    @pytest.mark.parametrize(
        "document",
        [
            bxml.SpeakSentence("Hi"),
            [bxml.SpeakSentence("Hi")],
            bxml.Response([bxml.SpeakSentence("Hi")]),
            "<Response><SpeakSentence>Hi</SpeakSentence></Response>",
            SdkResponse([SdkSpeakSentence("Hi")]),
            SdkSpeakSentence("Hi"),
        ],
        ids=["verb", "list", "response", "text", "sdk response", "sdk verb"],
    )
    def test_whatever_a_handler_returns(self, document: object) -> None:
        assert verbs_of(document) == (bxml.SpeakSentence("Hi"),)
        assert write(document, GATE).names == ("SpeakSentence",)

    def test_none_is_a_document_without_verbs(self) -> None:
        assert bxml.parse(write(None, GATE).body).verbs == ()

    def test_a_broken_text_goes_out_as_it_is(self) -> None:
        assert write("<Response><Nonsense/></Response>", GATE).body == "<Response><Nonsense/></Response>"

    def test_a_broken_object_is_an_error_of_the_handler(self) -> None:
        with pytest.raises(BxmlError):
            write(bxml.Transfer([]), GATE)

    def test_anything_else_is_named(self) -> None:
        with pytest.raises(WorkbenchError, match="returned 42"):
            write(42, GATE)

    def test_a_shown_document_hides_its_token(self, wb: Workbench) -> None:
        participant = wb.participant("shown")
        text = wb.show(bxml.Transfer([bxml.SipUri(wb.interconnect, uui=wb.uui(participant))]))
        assert participant.token not in text
        assert "encoding=jwt" in text
        wb.delete(participant)

    def test_a_secret_is_shown_masked_and_works_as_it_is(self) -> None:
        token = Secret("eyJhbGciOi.eyJwIjoi.c2ln")
        assert token not in repr(token)
        assert f"{token};encoding=jwt" == "eyJhbGciOi.eyJwIjoi.c2ln;encoding=jwt"
        assert shown(bxml.Hangup(), str)._repr_markdown_().startswith("```xml")


def test_calls_at_once_have_names_of_their_own(wb: Workbench) -> None:
    flow, board = wb.bridge.open(), wb._wiring.board
    before, interval = dict(board.names), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            names = list(threads.map(lambda number: board.name(f"+1919556{number:04}", flow), range(400)))
    finally:
        sys.setswitchinterval(interval)
        board.names.clear()
        board.names.update(before)
    assert len(set(names)) == 400


def test_a_misspelt_event_is_refused_at_once(wb: Workbench) -> None:
    with pytest.raises(WorkbenchError, match="there is no event 'awnser'"):
        wb.bridge.on("awnser")
    with pytest.raises(WorkbenchError, match="there is no event"):
        wb.wait("awnser")
