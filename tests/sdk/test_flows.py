"""The three flows as a program has them: calls and documents by Bandwidth's SDK, participants by the classic WebRTC API over httpx."""

from __future__ import annotations

import httpx
import pytest
from bandwidth import models
from bandwidth.models import bxml

from tests.sdk.application import kind_of
from tests.sdk.program import ACCOUNT, APPLICATION, NUMBER, Program

pytestmark = pytest.mark.sockets

INTERCONNECT = "sip:sipx.webrtc.bandwidth.com:5060"


def participant(program: Program) -> str:
    """The UUI of a participant in a session of its own."""
    with httpx.Client(base_url=f"{program.local.url}/v1/accounts/{ACCOUNT}", auth=("local", "local")) as http:
        made = http.post("/participants", json={"publishPermissions": ["AUDIO"], "deviceApiVersion": "V3"}).raise_for_status().json()
        session = http.post("/sessions", json={"tag": "flow"}).raise_for_status().json()
        http.put(f"/sessions/{session['id']}/participants/{made['participant']['id']}").raise_for_status()
    return f"{made['token']};encoding=jwt"


def dial(program: Program, to: str, answer: str, **fields: str) -> str:
    body = {"to": to, "from": NUMBER, "applicationId": APPLICATION, "answerUrl": answer, "disconnectUrl": program.application.at()}
    call_id: str = program.calls.create_call(ACCOUNT, models.CreateCall.from_dict(body | fields)).call_id
    return call_id


def hang_up(program: Program, *call_ids: str) -> None:
    """End the first of these calls and wait until all are over."""
    program.calls.update_call(ACCOUNT, call_ids[0], models.UpdateCall(state=models.CallStateEnum.COMPLETED))
    for call_id in call_ids:
        program.application.wait("disconnect", callId=call_id)


def begin(program: Program) -> int:
    """Where this flow begins in the platform's order."""
    program.local.reset()
    return max([one.seq for one in program.local.happenings()], default=0)


def told(program: Program, after: int, names: dict[str, str]) -> list[str]:
    """The webhooks since then in the platform's order, each with the name of its call."""
    program.local.clock.advance(0)  # until all have arrived
    bodies = [one.data["body"] for one in program.local.happenings("webhook", after)]
    assert all(body in program.application.events for body in bodies)
    return [f"{kind_of(body)} {names.get(body.get('callId'), '')}".strip() for body in bodies]


def test_transfer(program: Program) -> None:
    after, uui = begin(program), participant(program)
    done, answered = program.application.at(), program.application.at()
    transfer = bxml.Transfer([bxml.SipUri(INTERCONNECT, uui=uui, transfer_answer_url=answered)], transfer_complete_url=done)
    phone = dial(program, program.phone(), program.document(transfer))
    target = str(program.application.wait("transferAnswer", parentCallId=phone)["callId"])
    program.local.clock.advance(0)
    assert program.calls.get_call_state(ACCOUNT, phone).state == "answered"
    program.local.phone(program.calls.get_call_state(ACCOUNT, phone).to).hangup()
    program.application.wait("disconnect", callId=phone)
    assert told(program, after, {phone: "phone", target: "target"}) == ["answer phone", "transferAnswer target", "disconnect phone"]


def test_bridge(program: Program) -> None:
    after, uui = begin(program), participant(program)
    phone = dial(program, program.phone(), program.document(bxml.SpeakSentence("One moment"), bxml.Pause(60)))
    program.application.wait("answer", callId=phone)
    program.local.clock.advance(0)
    bridge = bxml.Bridge(phone, bridge_complete_url=program.document(bxml.Hangup()), bridge_target_complete_url=program.document())
    browser = dial(program, INTERCONNECT, program.document(bridge), uui=uui)
    program.application.wait("answer", callId=browser)
    program.local.clock.advance(0)
    assert [one.rule for one in program.local.happenings("joined", after)] == ["bridge.join"]
    hang_up(program, phone, browser)
    assert told(program, after, {phone: "phone", browser: "browser"}) == [
        "answer phone",
        "answer browser",
        "bridgeComplete browser",
        "disconnect phone",
        "disconnect browser",
    ]


def test_conference(program: Program) -> None:
    after, uui = begin(program), participant(program)
    room = program.document(bxml.Conference("sdk", conference_event_url=program.application.at()))
    phone = dial(program, program.phone(), room)
    joined = program.application.wait("conferenceMemberJoin", callId=phone)
    browser = dial(program, INTERCONNECT, room, uui=uui)
    program.application.wait("conferenceMemberJoin", callId=browser)
    conference = program.conferences.get_conference(ACCOUNT, joined["conferenceId"])
    assert [member.call_id for member in conference.active_members] == [phone, browser]
    end = models.UpdateConference(status=models.ConferenceStateEnum.COMPLETED)
    program.conferences.update_conference(ACCOUNT, conference.id, end)
    for call_id in (phone, browser):
        program.application.wait("disconnect", callId=call_id)
    assert told(program, after, {phone: "phone", browser: "browser"}) == [
        "answer phone",
        "conferenceCreated",
        "conferenceMemberJoin phone",
        "answer browser",
        "conferenceMemberJoin browser",
        "conferenceMemberExit phone",
        "conferenceMemberExit browser",
        "conferenceCompleted",
        "disconnect phone",
        "disconnect browser",
    ]
