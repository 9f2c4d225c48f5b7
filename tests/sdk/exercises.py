"""One function per call of Bandwidth's SDK, by its name there: it makes the call as a program would and looks at what comes back."""

from __future__ import annotations

import io
import wave
from datetime import UTC, datetime, timedelta
from typing import Any

from bandwidth import models
from bandwidth.models import bxml
from bandwidth.models.call_recording_metadata import CallRecordingMetadata
from bandwidth.models.conference_recording_metadata import ConferenceRecordingMetadata

from tests.sdk.program import ACCOUNT, APPLICATION, NUMBER, Program, unknown

BEGUN = datetime.now(UTC) - timedelta(minutes=1)


def typed(value: Any, kind: type) -> Any:
    """The value, which is of a kind and holds nothing that its model does not know."""
    assert type(value) is kind, value
    assert unknown(value) == []
    return value


def listed(values: Any, kind: type) -> list[Any]:
    """A list of such values."""
    assert isinstance(values, list)
    return [typed(value, kind) for value in values]


def recent(moment: datetime | None) -> bool:
    # the platform's clock is moved on by some of these
    assert isinstance(moment, datetime)
    return timedelta(0) < moment - BEGUN < timedelta(days=1)


# Calls


def create_call(program: Program) -> None:
    to = program.phone()
    body = models.CreateCall(
        to=to,
        var_from=NUMBER,
        application_id=APPLICATION,
        answer_url=program.document(bxml.Hangup()),
        answer_method=models.CallbackMethodEnum.POST,
        answer_fallback_url=program.document(),
        disconnect_url=program.application.at(),
        username="user",
        password="secret",
        call_timeout=20,
        callback_timeout=5.5,
        priority=2,
        tag="mine",
        display_name="Ann",
        privacy=False,
        machine_detection=models.MachineDetectionConfiguration(
            mode=models.MachineDetectionModeEnum.ASYNC, callback_url=program.application.at(), detection_timeout=5
        ),
    )
    answer = program.calls.create_call_with_http_info(ACCOUNT, body)
    assert answer.status_code == 201
    created = typed(answer.data, models.CreateCallResponse)
    assert answer.headers["Location"] == created.call_url
    assert created.call_url == f"{program.local.url}/api/v2/accounts/{ACCOUNT}/calls/{created.call_id}"
    assert (created.to, created.var_from, created.account_id, created.application_id) == (to, NUMBER, ACCOUNT, APPLICATION)
    assert (created.call_timeout, created.callback_timeout, created.priority, created.tag) == (20, 5.5, 2, "mine")
    assert (created.username, created.password) == ("user", "*****")
    assert created.answer_method == created.disconnect_method == models.CallbackMethodEnum.POST
    assert recent(created.enqueued_time)
    assert program.application.wait("answer", callId=created.call_id)["tag"] == "mine"
    assert program.application.wait("disconnect", callId=created.call_id)["cause"] == "hangup"


def get_call_state(program: Program) -> None:
    call_id = program.parked()
    state = typed(program.calls.get_call_state(ACCOUNT, call_id), models.CallState)
    assert (state.call_id, state.account_id, state.state, state.direction) == (call_id, ACCOUNT, "answered", "outbound")
    assert all(map(recent, (state.enqueued_time, state.start_time, state.answer_time, state.last_update)))
    assert state.end_time is state.disconnect_cause is state.parent_call_id is None
    program.local.phone(state.to).hangup()
    program.application.wait("disconnect", callId=call_id)
    ended = typed(program.calls.get_call_state(ACCOUNT, call_id), models.CallState)
    assert (ended.state, ended.disconnect_cause) == ("disconnected", "hangup")
    assert recent(ended.end_time)


def list_calls(program: Program) -> None:
    first, second = program.parked(), program.parked()
    everything = listed(program.calls.list_calls(ACCOUNT, var_from=NUMBER), models.CallState)
    assert [call.call_id for call in everything][-2:] == [first, second]
    to = everything[-1].to
    assert [call.call_id for call in program.calls.list_calls(ACCOUNT, to=to, min_start_time="2020-01-01T00:00:00.000Z")] == [second]
    assert program.calls.list_calls(ACCOUNT, to=to, max_start_time="2020-01-01T00:00:00.000Z") == []
    assert program.calls.list_calls(ACCOUNT, to=to, disconnect_cause="hangup") == []
    page = program.calls.list_calls_with_http_info(ACCOUNT, page_size=1)
    assert len(page.data) == 1 and 'rel="next"' in page.headers["Link"]
    token = page.headers["Link"].partition("pageToken=")[2].partition(">")[0].replace("%3D", "=")
    following = program.calls.list_calls(ACCOUNT, page_size=1, page_token=token)
    assert following[0].call_id == everything[1].call_id


def update_call(program: Program) -> None:
    call_id = program.parked()
    there = program.document(bxml.Pause(60))
    redirect = models.UpdateCall(redirect_url=there, redirect_method=models.RedirectMethodEnum.POST, tag="again")
    assert program.calls.update_call(ACCOUNT, call_id, redirect) is None
    assert program.application.wait("redirect", callId=call_id)["tag"] == "again"
    answer = program.calls.update_call_with_http_info(ACCOUNT, call_id, models.UpdateCall(state=models.CallStateEnum.COMPLETED))
    assert (answer.status_code, answer.data) == (200, None)
    assert program.application.wait("disconnect", callId=call_id)["cause"] == "hangup"


def update_call_bxml(program: Program) -> None:
    call_id = program.parked()
    document = bxml.Bxml([bxml.SpeakSentence("Bye <emphasis>now</emphasis>"), bxml.Hangup()]).to_bxml()
    answer = program.calls.update_call_bxml_with_http_info(ACCOUNT, call_id, document)
    assert (answer.status_code, answer.data) == (204, None)
    program.local.clock.advance(5)
    assert program.application.wait("disconnect", callId=call_id)["cause"] == "hangup"


# Conferences


def get_conference(program: Program) -> None:
    conference_id, call_id = program.conference(tag="ours")
    conference = typed(program.conferences.get_conference(ACCOUNT, conference_id), models.Conference)
    assert (conference.id, conference.tag, conference.completed_time) == (conference_id, "ours", None)
    assert conference.conference_event_method == models.CallbackMethodEnum.POST
    assert recent(conference.created_time)
    (member,) = listed(conference.active_members, models.ConferenceMember)
    assert (member.call_id, member.mute, member.hold) == (call_id, False, False)


def list_conferences(program: Program) -> None:
    conference_id, _ = program.conference()
    name = program.conferences.get_conference(ACCOUNT, conference_id).name
    (found,) = listed(program.conferences.list_conferences(ACCOUNT, name=name, page_size=10), models.Conference)
    assert (found.id, found.active_members) == (conference_id, None)
    assert program.conferences.list_conferences(ACCOUNT, name=name, max_created_time="2020-01-01T00:00:00.000Z") == []
    assert len(program.conferences.list_conferences(ACCOUNT, min_created_time="2020-01-01T00:00:00.000Z")) >= 1


def get_conference_member(program: Program) -> None:
    conference_id, call_id = program.conference(mute=True)
    member = typed(program.conferences.get_conference_member(ACCOUNT, conference_id, call_id), models.ConferenceMember)
    assert (member.call_id, member.conference_id, member.mute, member.hold) == (call_id, conference_id, True, False)
    assert member.member_url == f"{program.local.url}/api/v2/accounts/{ACCOUNT}/conferences/{conference_id}/members/{call_id}"


def update_conference(program: Program) -> None:
    conference_id, call_id = program.conference()
    redirect = models.UpdateConference(redirect_url=program.document(bxml.SpeakSentence("Hello")))
    assert program.conferences.update_conference(ACCOUNT, conference_id, redirect) is None
    program.application.wait("conferenceRedirect", conferenceId=conference_id)
    end = models.UpdateConference(status=models.ConferenceStateEnum.COMPLETED)
    assert program.conferences.update_conference_with_http_info(ACCOUNT, conference_id, end).status_code == 204
    program.application.wait("conferenceCompleted", conferenceId=conference_id)
    assert program.application.wait("disconnect", callId=call_id)["cause"] == "hangup"
    assert recent(program.conferences.get_conference(ACCOUNT, conference_id).completed_time)


def update_conference_bxml(program: Program) -> None:
    conference_id, _ = program.conference()
    document = bxml.Bxml([bxml.SpeakSentence("Everybody hears this")]).to_bxml()
    assert program.conferences.update_conference_bxml_with_http_info(ACCOUNT, conference_id, document).status_code == 204
    said = [one for one in program.local.happenings("speak") if one.data.get("conferenceId") == conference_id]
    assert [one.data["text"] for one in said] == ["Everybody hears this"]


def update_conference_member(program: Program) -> None:
    conference_id, call_id = program.conference()
    change = models.UpdateConferenceMember(mute=False, hold=True, call_ids_to_coach=[])
    assert program.conferences.update_conference_member_with_http_info(ACCOUNT, conference_id, call_id, change).status_code == 204
    member = program.conferences.get_conference_member(ACCOUNT, conference_id, call_id)
    assert (member.mute, member.hold) == (False, True)


def list_conference_recordings(program: Program) -> None:
    conference_id, recording_id = recorded_conference(program)
    (found,) = listed(program.conferences.list_conference_recordings(ACCOUNT, conference_id), ConferenceRecordingMetadata)
    assert (found.recording_id, found.conference_id, found.account_id) == (recording_id, conference_id, ACCOUNT)


def get_conference_recording(program: Program) -> None:
    conference_id, recording_id = recorded_conference(program)
    found = typed(program.conferences.get_conference_recording(ACCOUNT, conference_id, recording_id), ConferenceRecordingMetadata)
    assert (found.status, found.file_format, found.channels) == ("complete", models.FileFormatEnum.WAV, 1)
    assert str(found.media_url).endswith(f"/conferences/{conference_id}/recordings/{recording_id}/media")
    assert recent(found.start_time) and recent(found.end_time)


def download_conference_recording(program: Program) -> None:
    conference_id, recording_id = recorded_conference(program)
    answer = program.conferences.download_conference_recording_with_http_info(ACCOUNT, conference_id, recording_id)
    assert answer.headers["Content-Type"] == "audio/vnd.wave"
    with wave.open(io.BytesIO(bytes(answer.data))) as sound:
        assert sound.getnchannels() == 1


def recorded_conference(program: Program) -> tuple[str, str]:
    """Ids of a conference and of its recording, which is available."""
    conference_id, _ = program.conference()
    start = bxml.Bxml([bxml.StartRecording(recording_available_url=program.application.at())]).to_bxml()
    program.conferences.update_conference_bxml(ACCOUNT, conference_id, start)
    program.local.clock.advance(2)
    program.conferences.update_conference_bxml(ACCOUNT, conference_id, bxml.Bxml([bxml.StopRecording()]).to_bxml())
    return conference_id, program.application.wait("conferenceRecordingAvailable", conferenceId=conference_id)["recordingId"]


# Recordings


def update_call_recording_state(program: Program) -> None:
    call_id = program.call(bxml.StartRecording(), bxml.Pause(60))
    for state in (models.RecordingStateEnum.PAUSED, models.RecordingStateEnum.RECORDING):
        body = models.UpdateCallRecording(state=state)
        assert program.recordings.update_call_recording_state_with_http_info(ACCOUNT, call_id, body).status_code == 200
        (recording,) = program.recordings.list_call_recordings(ACCOUNT, call_id)
        assert recording.status in (state.value, "processing", "complete")


def list_call_recordings(program: Program) -> None:
    call_id, recording_id = recorded(program)
    (found,) = listed(program.recordings.list_call_recordings(ACCOUNT, call_id), CallRecordingMetadata)
    assert (found.recording_id, found.call_id, found.var_from, found.direction) == (recording_id, call_id, NUMBER, "outbound")


def list_account_call_recordings(program: Program) -> None:
    call_id, recording_id = recorded(program)
    to = program.calls.get_call_state(ACCOUNT, call_id).to
    (found,) = listed(program.recordings.list_account_call_recordings(ACCOUNT, to=to, var_from=NUMBER), CallRecordingMetadata)
    assert (found.recording_id, found.to) == (recording_id, to)
    assert program.recordings.list_account_call_recordings(ACCOUNT, to=to, max_start_time="2020-01-01T00:00:00.000Z") == []


def get_call_recording(program: Program) -> None:
    call_id, recording_id = recorded(program)
    found = typed(program.recordings.get_call_recording(ACCOUNT, call_id, recording_id), CallRecordingMetadata)
    assert (found.status, found.file_format, found.channels) == ("complete", models.FileFormatEnum.WAV, 1)
    assert str(found.media_url).endswith(f"/calls/{call_id}/recordings/{recording_id}/media")
    assert recent(found.start_time) and recent(found.end_time)


def download_call_recording(program: Program) -> None:
    call_id, recording_id = recorded(program)
    answer = program.recordings.download_call_recording_with_http_info(ACCOUNT, call_id, recording_id)
    assert answer.headers["Content-Type"] == "audio/vnd.wave"
    with wave.open(io.BytesIO(bytes(answer.data))) as sound:
        assert sound.getnframes() / sound.getframerate() >= 2


def delete_recording_media(program: Program) -> None:
    call_id, recording_id = recorded(program)
    assert program.recordings.delete_recording_media_with_http_info(ACCOUNT, call_id, recording_id).status_code == 204
    assert program.recordings.get_call_recording(ACCOUNT, call_id, recording_id).media_url is None


def delete_recording(program: Program) -> None:
    call_id, recording_id = recorded(program)
    assert program.recordings.delete_recording_with_http_info(ACCOUNT, call_id, recording_id).status_code == 204
    assert program.recordings.list_call_recordings(ACCOUNT, call_id) == []


def transcribe_call_recording(program: Program) -> None:
    transcribed(program)


def get_recording_transcription(program: Program) -> None:
    call_id, recording_id = transcribed(program)
    found = typed(program.recordings.get_recording_transcription(ACCOUNT, call_id, recording_id), models.RecordingTranscriptions)
    assert found.transcripts
    metadata = program.recordings.get_call_recording(ACCOUNT, call_id, recording_id).transcription
    assert metadata.status == "available" and unknown(metadata) == []


def delete_recording_transcription(program: Program) -> None:
    call_id, recording_id = transcribed(program)
    assert program.recordings.delete_recording_transcription_with_http_info(ACCOUNT, call_id, recording_id).status_code == 204
    assert program.recordings.get_call_recording(ACCOUNT, call_id, recording_id).transcription is None


def recorded(program: Program) -> tuple[str, str]:
    """Ids of a call that was spoken on, and of its recording, which is available."""
    start = bxml.StartRecording(recording_available_url=program.application.at())
    call_id = program.call(start, bxml.SpeakSentence("This is on the record."), bxml.Pause(2), bxml.Hangup())
    program.local.clock.advance(10)
    return call_id, program.application.wait("recordingAvailable", callId=call_id)["recordingId"]


def transcribed(program: Program) -> tuple[str, str]:
    """The same with a transcription."""
    call_id, recording_id = recorded(program)
    body = models.TranscribeRecording(callback_url=program.application.at(), tag="text", callback_timeout=5)
    assert program.recordings.transcribe_call_recording_with_http_info(ACCOUNT, call_id, recording_id, body).status_code == 204
    program.local.clock.advance(60)
    told = program.application.wait("transcriptionAvailable", callId=call_id)
    assert (told["recordingId"], told["tag"]) == (recording_id, "text")
    return call_id, recording_id


# Statistics


def get_statistics(program: Program) -> None:
    found = typed(program.statistics.get_statistics(ACCOUNT), models.AccountStatistics)
    assert found.current_call_queue_size == 0
    assert found.max_call_queue_size > 0


# Transcriptions while the call goes on


def list_real_time_transcriptions(program: Program) -> None:
    call_id, transcription_id = live_transcription(program)
    (found,) = listed(program.transcriptions.list_real_time_transcriptions(ACCOUNT, call_id), models.CallTranscriptionMetadata)
    assert (found.transcription_id, found.transcription_name) == (transcription_id, "spoken")
    assert str(found.transcription_url).endswith(f"/calls/{call_id}/transcriptions/{transcription_id}")


def get_real_time_transcription(program: Program) -> None:
    call_id, transcription_id = live_transcription(program)
    found = typed(program.transcriptions.get_real_time_transcription(ACCOUNT, call_id, transcription_id), models.CallTranscriptionResponse)
    assert (found.account_id, found.call_id, found.transcription_id) == (ACCOUNT, call_id, transcription_id)
    assert isinstance(found.tracks, list)


def delete_real_time_transcription(program: Program) -> None:
    call_id, transcription_id = live_transcription(program)
    delete = program.transcriptions.delete_real_time_transcription_with_http_info
    assert delete(ACCOUNT, call_id, transcription_id).status_code in (200, 204)
    assert program.transcriptions.list_real_time_transcriptions(ACCOUNT, call_id) == []


def live_transcription(program: Program) -> tuple[str, str]:
    """Ids of a call that is over and of the transcription made while it lasted."""
    start = bxml.StartTranscription(name="spoken", tracks="both", transcription_event_url=program.application.at(), stabilized=True)
    call_id = program.call(start, bxml.SpeakSentence("Written down at once."), bxml.StopTranscription("spoken"), bxml.Hangup())
    program.local.clock.advance(10)
    program.application.wait("disconnect", callId=call_id)
    return call_id, program.transcriptions.list_real_time_transcriptions(ACCOUNT, call_id)[0].transcription_id


# Endpoints


def create_endpoint(program: Program) -> None:
    answer = program.endpoints.create_endpoint_with_http_info(ACCOUNT, endpoint(program))
    assert answer.status_code == 201
    created = typed(answer.data, models.CreateEndpointResponse)
    assert (created.data.type, created.data.status, created.data.tag) == ("WEBRTC", "DISCONNECTED", "mine")
    assert created.data.token.count(".") == 2
    assert created.data.expiration_timestamp - created.data.creation_timestamp == timedelta(days=1)
    assert created.errors == []


def get_endpoint(program: Program) -> None:
    endpoint_id = program.endpoints.create_endpoint(ACCOUNT, endpoint(program)).data.endpoint_id
    found = typed(program.endpoints.get_endpoint(ACCOUNT, endpoint_id), models.EndpointResponse).data
    assert (found.endpoint_id, found.type, found.status, found.devices) == (endpoint_id, "WEBRTC", "DISCONNECTED", [])
    assert recent(found.creation_timestamp)


def list_endpoints(program: Program) -> None:
    made = [program.endpoints.create_endpoint(ACCOUNT, endpoint(program)).data.endpoint_id for _ in range(2)]
    wanted = {"type": models.EndpointTypeEnum.WEBRTC, "status": models.EndpointStatusEnum.DISCONNECTED}
    everything = typed(program.endpoints.list_endpoints(ACCOUNT, **wanted), models.ListEndpointsResponse)
    assert {one.endpoint_id for one in everything.data} >= set(made)
    assert everything.page.total_elements == len(everything.data)
    assert program.endpoints.list_endpoints(ACCOUNT, status=models.EndpointStatusEnum.CONNECTED).data == []
    assert len(program.endpoints.list_endpoints(ACCOUNT, limit=1).data) == 1


def delete_endpoint(program: Program) -> None:
    endpoint_id = program.endpoints.create_endpoint(ACCOUNT, endpoint(program)).data.endpoint_id
    assert program.endpoints.delete_endpoint_with_http_info(ACCOUNT, endpoint_id).status_code == 204
    assert endpoint_id not in {one.endpoint_id for one in program.endpoints.list_endpoints(ACCOUNT).data}


def update_endpoint_bxml(program: Program) -> None:
    created = program.endpoints.create_endpoint(ACCOUNT, endpoint(program)).data
    document = bxml.Response([bxml.StartRecording()]).to_bxml()
    assert program.endpoints.update_endpoint_bxml_with_http_info(ACCOUNT, created.endpoint_id, document).status_code == 204


def endpoint(program: Program) -> models.CreateWebRtcConnectionRequest:
    return models.CreateWebRtcConnectionRequest(
        type=models.EndpointTypeEnum.WEBRTC,
        direction=models.EndpointDirectionEnum.BIDIRECTIONAL,
        event_callback_url=program.application.at(),
        event_fallback_url=program.application.at(),
        tag="mine",
        connection_metadata={"desk": "7"},
    )
