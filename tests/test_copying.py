"""What is copied can be pasted: it runs against a platform and does the same again, or builds the same document."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from workbench import Workbench, bxml
from workbench.copying import BANDWIDTH, Hosts, copies, objects
from workbench.errors import WorkbenchError
from workbench.records import Event

LIVE = Hosts(BANDWIDTH, "https://api.webrtc.bandwidth.com/v1", "")
VALUES = {"BW_USERNAME": "local", "BW_PASSWORD": "local", "BW_ACCOUNT_ID": "9900000"}
VALUES |= {"CALLBACK_USERNAME": "me", "CALLBACK_PASSWORD": "it's-mine"}


@pytest.fixture(scope="module")
def wb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with Workbench(state_dir=tmp_path_factory.mktemp("state")) as made:
        made.local.clock.pause()
        made.conference.start()
        made.local.clock.run_to_idle()
        made.conference.dial(made.phone())
        made.local.clock.run_to_idle()
        made.conference.mute("phone")
        made.transfer.dial(made.phone(2))
        made.local.clock.run_to_idle()
        made.voice.update_call_bxml(made.transfer.flow.leg("phone 2").id, "<Bxml><Pause duration='60'/></Bxml>")
        yield made


def event(wb: Workbench, name: str) -> Event:
    found = [one for one in wb._wiring.log.events() if one.event_type == name]
    return next((one for one in found if one.leg == "phone"), found[0])


@pytest.mark.sockets
@pytest.mark.parametrize("operation", ["createCall", "updateConferenceMember", "updateCallBxml"])
@pytest.mark.parametrize("kind", ["curl", "httpx", "sdk"])
def test_a_pasted_request_is_made_again(wb: Workbench, operation: str, kind: str) -> None:
    if kind == "curl" and not shutil.which("curl"):
        pytest.skip("no curl here")
    text = wb.copy(event(wb, operation), kind)
    assert "local" not in text.replace(wb.settings.local_url, "").replace("127.0.0.1", "") and "•••" not in text
    before = len(wb.local.happenings("queued")), wb.local.lines()
    command = ["sh", "-c", f"{text} -s -S --fail-with-body"] if kind == "curl" else [sys.executable, "-W", "ignore", "-c", text]
    made = subprocess.run(command, env={**os.environ, **VALUES}, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr + made.stdout
    assert len(wb.local.happenings("queued")) == before[0] + (operation == "createCall")


def test_what_the_log_hides_becomes_a_variable(wb: Workbench) -> None:
    call = next(one for one in wb._wiring.log.events() if one.event_type == "createCall" and one.leg == "webrtc")
    text = wb.copy(call, "httpx")
    assert "os.environ['PARTICIPANT_TOKEN'] + ';encoding=jwt'" in text and "os.environ['CALLBACK_PASSWORD']" in text
    assert "'\"$CALLBACK_PASSWORD\"'" in wb.copy(call, "curl")


def test_live_the_account_is_a_variable_and_the_host_bandwidths(wb: Workbench) -> None:
    found = copies(event(wb, "createCall"), LIVE)
    assert "accounts/$BW_ACCOUNT_ID/calls" in found["curl"] and "{os.environ['BW_ACCOUNT_ID']}/calls" in found["httpx"]
    assert "host=" not in found["SDK"]


def test_the_sdk_has_no_webrtc(wb: Workbench) -> None:
    assert set(copies(event(wb, "createParticipant"), LIVE)) == {"curl", "httpx"}
    with pytest.raises(WorkbenchError, match="it can be as curl, httpx"):
        wb.copy(event(wb, "createParticipant"), "sdk")


def test_an_answer_is_copied_as_xml_and_as_objects(wb: Workbench) -> None:
    answer = next(one for one in wb._wiring.log.events() if one.event_type == "answer" and one.leg == "phone")
    assert wb.copy(answer, "xml").startswith("<?xml")
    assert "Conference(" in wb.copy(answer, "objects")


EVERY = [
    bxml.SpeakSentence('He said "no" & left', voice="julie"),
    bxml.Transfer([bxml.PhoneNumber("+19195550111", tag="a"), bxml.SipUri("sip:a@b.c")], call_timeout=5, transfer_complete_url="/x"),
    bxml.Bridge("c-1", bridge_target_complete_url="/t"),
    bxml.Conference("room", mute=True, call_ids_to_coach="c-1,c-2"),
    bxml.Gather([bxml.SpeakSentence("Press")], max_digits=1, gather_url="/g", terminating_digits="#"),
    bxml.Record(max_duration=9, transcribe=True),
    bxml.Redirect("/r", username="u", password="p"),
    bxml.StartStream("wss://a.b/c", name="s", stream_params=[bxml.StreamParam("n", "v")]),
    bxml.Ring(3, answer_call=False),
    bxml.SendDtmf("1w2", tone_duration=100),
    bxml.StartGather(dtmf_url="/d"),
    bxml.PlayAudio("https://a.b/c.wav"),
    bxml.Tag("mine"),
    bxml.Pause(2.5),
    bxml.Hangup(),
    bxml.Connect([bxml.Endpoint("e-1")], event_callback_url="/e"),
    bxml.Forward("+19195550111", "+19195550100", uui="abcd;encoding=hex"),
    bxml.Refer(bxml.SipUri("sip:a@b.c"), refer_complete_url="/r"),
    bxml.StartRecording(multi_channel=True, recording_available_url="/a"),
    bxml.PauseRecording(),
    bxml.ResumeRecording(),
    bxml.StopRecording(),
    bxml.StopGather(),
    bxml.StopStream("s"),
    bxml.StartTranscription("t", destination="wss://a.b/c", custom_params=[bxml.CustomParam("n", "v")]),
    bxml.StopTranscription("t"),
]


def test_no_verb_is_left_out() -> None:
    assert {type(part).__name__ for verb in EVERY for part in (verb, *verb.nested())} == set(bxml.VERBS)


@pytest.mark.parametrize("verb", EVERY, ids=lambda verb: type(verb).__name__)
def test_objects_build_the_same_document(verb: bxml.Verb) -> None:
    document = bxml.Response([verb]).to_bxml()
    names: dict[str, object] = {}
    exec(objects(document), names)
    assert bxml.parse(str(names["document"])) == bxml.parse(document)


def test_what_is_no_bxml_makes_no_objects() -> None:
    with pytest.raises(WorkbenchError, match="breaks a rule"):
        objects("<Response><Nothing/></Response>")
