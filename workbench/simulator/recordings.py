"""Recordings of calls and conferences: started, paused, stopped, made available a little later, and kept for 30 days."""

from __future__ import annotations

from functools import partial

from workbench import bxml
from workbench.simulator import bodies, program, transcribing
from workbench.simulator.calls import Call, Conference, Hook, Link, Recording
from workbench.simulator.core import Core

PROCESSING_SECONDS = 1.0  # from its end until it can be downloaded (assumed)
KEPT_SECONDS = 30 * 24 * 3600.0
PROMPTS = "prompts"

# What names a call or conference in the metadata of its recordings (documented, callRecordingMetadata, conferenceRecordingMetadata).
_CALL_FIELDS = ("applicationId", "accountId", "callId", "parentCallId", "to", "from", "transferCallerId", "transferTo", "direction")


def of_id(of: Call | Conference) -> str:
    """The id of what is recorded."""
    return of.call_id if isinstance(of, Call) else of.conference_id


# The verbs


def on_call(core: Core, call: Call, verb: bxml.Verb) -> bool:
    """Run one of the four recording verbs on a call; it takes no time."""
    run(core, call, verb, call.base_url)
    return True


def run(core: Core, of: Call | Conference, verb: bxml.Verb, base_url: str | None) -> None:
    """Run one of the four recording verbs on a call or conference."""
    if isinstance(verb, bxml.StartRecording):
        return _start(core, of, verb, base_url)
    recording = core.started_recordings.get(of_id(of))
    if recording is None:
        where = {"callId": of.call_id} if isinstance(of, Call) else {"conferenceId": of.conference_id}
        return core.happen("noRecording", "recording.none", verb=type(verb).__name__, **where)
    if isinstance(verb, bxml.PauseRecording):
        return pause(core, recording, "recording.pause")
    if isinstance(verb, bxml.ResumeRecording):
        return resume(core, recording, "recording.resume")
    return ended(core, of, "recording.stop")


def _start(core: Core, of: Call | Conference, verb: bxml.StartRecording, base_url: str | None) -> None:
    active = core.started_recordings.get(of_id(of))
    if active is not None:
        return core.happen("recordingIgnored", "recording.second", **active.about)
    recording = begin(core, of, verb, base_url)
    core.started_recordings[of_id(of)] = recording
    rule = "recording.start" if isinstance(of, Call) else "recording.room-start"
    core.happen("recordingStarted", rule, **recording.about)
    if isinstance(of, Conference):
        ignored = [name for name in ("transcribe", "multi_channel", "tag") if getattr(verb, name)]
        if ignored:
            core.happen("recordingOptionsIgnored", "recording.room-options", options=ignored, **recording.where)
    elif verb.effective("multi_channel"):
        recording.channels = 2
        _tell_channels(core, recording, "recording.channels")
    return None


def begin(core: Core, of: Call | Conference, verb: bxml.Record | bxml.StartRecording, base_url: str | None) -> Recording:
    """A new recording that runs from now on."""
    recording_id = core.ids("recording")
    account = f"{core.config.voice_url}/accounts/{of.account_id}"
    if isinstance(of, Call):
        shown = bodies.call_event(core, "", of)
        identity, path = {name: shown[name] for name in _CALL_FIELDS if name in shown}, f"calls/{of.call_id}"
    else:
        identity = {"accountId": of.account_id, "conferenceId": of.conference_id, "name": of.name}
        path = f"conferences/{of.conference_id}"
    recording = Recording(
        recording_id=recording_id,
        of=of,
        verb=verb,
        identity=identity,
        media_url=f"{account}/{path}/recordings/{recording_id}/media",
        available=program.hook(verb, "recording_available", base_url),
        transcribed=program.hook(verb, "transcription_available", base_url),
        start_time=core.now,
    )
    core.recordings[recording_id] = recording
    return recording


def pause(core: Core, recording: Recording, rule: str) -> None:
    """Leave out what comes now; a recording that is paused stays so."""
    if recording.paused_since is None:
        recording.paused_since = core.now
        core.happen("recordingPaused", rule, **recording.about)


def resume(core: Core, recording: Recording, rule: str) -> None:
    """Go on with a paused recording; one that runs runs on."""
    if recording.paused_since is not None:
        recording.paused_seconds += core.now - recording.paused_since
        recording.paused_since = None
        core.happen("recordingResumed", rule, **recording.about)


# The end


def ended(core: Core, of: Call | Conference, rule: str) -> None:
    """End the recording that `<StartRecording>` began, if there is one: it was stopped, or its call or conference is over."""
    recording = core.started_recordings.pop(of_id(of), None)
    if recording is not None:
        finish(core, recording, rule)


def finish(core: Core, recording: Recording, rule: str) -> None:
    """Nothing more is recorded; it has to be processed before it is available."""
    recording.end_time = core.now
    seconds = recording.seconds(core.now)
    core.happen("recordingEnded", rule, seconds=seconds, **recording.about)
    core.after(PROCESSING_SECONDS, partial(_processed, core, recording))


def _processed(core: Core, recording: Recording) -> None:
    recording.status = "complete"
    core.after(KEPT_SECONDS, partial(_forget, core, recording), waits=False)
    core.happen("recordingProcessed", "recording.processing", **recording.about)
    if recording.available is not None:
        _tell(core, recording, recording.available)
    if isinstance(recording.of, Call) and recording.verb.effective("transcribe"):
        transcribing.begin(core, recording, recording.transcribed, recording.of.tag, recording.of.callback_timeout, "transcribe.verb")


def _tell(core: Core, recording: Recording, hook: Hook) -> None:
    called = isinstance(recording.of, Call)
    event = "recordingAvailable" if called else "conferenceRecordingAvailable"
    body = bodies.recording_event(core, event, recording, status=recording.status)
    body.pop("answerTime", None)
    core.send(hook, body, "recording.available" if called else "recording.room-available", timeout=recording.of.callback_timeout)


def _forget(core: Core, recording: Recording) -> None:
    if core.recordings.pop(recording.recording_id, None) is not None:
        core.happen("recordingForgotten", "recording.kept", **recording.about)


# Who is recorded


def channels(core: Core, recording: Recording) -> list[list[str]]:
    """Whose sound goes into each channel at this moment: call ids, a conference's id for all it plays, and `prompts`."""
    of = recording.of
    if isinstance(of, Conference):
        heard = [member.call_id for member in of.members.values() if not (member.mute or member.hold)]
        return [[*heard, PROMPTS]]
    if isinstance(recording.verb, bxml.Record):
        return [[of.call_id]]
    near, far = _sides(core, of)
    return [[near], far] if recording.channels == 2 else [[near, *far]]


def _sides(core: Core, call: Call) -> tuple[str, list[str]]:
    link, conference = core.links.get(call.call_id), core.in_conference.get(call.call_id)
    if link is not None and link.joined and link.b is not None:
        if isinstance(link.verb, bxml.Transfer):
            return link.a, [link.b, PROMPTS]
        return call.call_id, [link.b if link.a == call.call_id else link.a, PROMPTS]
    return call.call_id, [conference.conference_id, PROMPTS] if conference is not None else [PROMPTS]


def joined(core: Core, link: Link) -> None:
    """Two calls hear each other from now on: a multi-channel recording keeps them apart."""
    rule = "recording.transfer-channels" if isinstance(link.verb, bxml.Transfer) else "recording.bridge-channels"
    for call_id in (link.a, link.b):
        recording = core.started_recordings.get(call_id or "")
        if recording is not None and recording.channels == 2:
            _tell_channels(core, recording, rule)


def _tell_channels(core: Core, recording: Recording, rule: str) -> None:
    core.happen("recordingChannels", rule, channels=channels(core, recording), **recording.about)
