"""`<Record>`: one party is recorded until a key, silence or the longest duration; the verbs after it wait."""

from __future__ import annotations

from functools import partial

from workbench import bxml
from workbench.simulator import bodies, lifecycle, program, recordings
from workbench.simulator.calls import Call, Recording
from workbench.simulator.core import Core


def record(core: Core, call: Call, verb: bxml.Record) -> bool:
    """Begin to record the far end. A recording that `<StartRecording>` began goes on beside it."""
    recording = core.record_verbs[call.call_id] = recordings.begin(core, call, verb, call.base_url)
    rule = "record.beside" if call.call_id in core.started_recordings else "record.start"
    core.happen("recordingStarted", rule, **recording.about)
    most = partial(_end, core, call, "record.longest")
    call.timers.append(core.after(float(verb.effective("max_duration")), most))
    silence = float(verb.effective("silence_timeout"))
    if silence:
        sound = _sound_seconds(core, call)
        core.happen("silenceAwaited", "record.sound", callId=call.call_id, soundSeconds=sound)
        _await_silence(core, call, recording, sound + silence)
    return False


def _await_silence(core: Core, call: Call, recording: Recording, seconds: float) -> None:
    _await_none(call, recording)
    recording.silence = core.after(max(0.0, seconds), partial(_end, core, call, "record.silence"))
    call.timers.append(recording.silence)


def _await_none(call: Call, recording: Recording) -> None:
    if recording.silence is not None:
        recording.silence.cancelled = True
        call.timers[:] = [timer for timer in call.timers if timer is not recording.silence]


def _sound_seconds(core: Core, call: Call) -> float:
    """How much longer the far end is heard for certain: a phone until it has said its sentence, everybody else not at all (assumed)."""
    sound = core.sounds.get(call.phone or "")
    return max(0.0, sound.until - core.now) if sound is not None and sound.until is not None else 0.0


def heard(core: Core, call: Call) -> None:
    """The far end says a sentence: silence is awaited anew."""
    recording = _listening(core, call)
    if recording is not None and not recording.voice:
        _await_silence(core, call, recording, _sound_seconds(core, call) + float(recording.verb.effective("silence_timeout")))


def voice(core: Core, call: Call, speaks: bool, ago: float) -> None:
    """There is a voice in what a device at the far end sends, or none since `ago` seconds; silence is awaited from then on."""
    recording = _listening(core, call)
    if recording is None or recording.voice == speaks:
        return None
    recording.voice = speaks
    if speaks:
        core.happen("voiceHeard", "record.sound", callId=call.call_id)
        return _await_none(call, recording)
    sound = _sound_seconds(core, call)
    core.happen("silenceAwaited", "record.sound", callId=call.call_id, soundSeconds=sound)
    return _await_silence(core, call, recording, (sound or -ago) + float(recording.verb.effective("silence_timeout")))


def _listening(core: Core, call: Call) -> Recording | None:
    """What records a call and waits for silence."""
    recording = core.record_verbs.get(call.call_id)
    return recording if recording is not None and recording.silence is not None else None


def key(core: Core, call: Call, digit: str) -> bool:
    """A key pressed at the far end; True when it ended a `<Record>`."""
    recording = core.record_verbs.get(call.call_id)
    if recording is None or digit not in recording.verb.effective("terminating_digits"):
        return False
    _end(core, call, "record.key")
    return True


def _end(core: Core, call: Call, rule: str) -> None:
    recording = core.record_verbs.pop(call.call_id)
    core.next_turn(call)
    recordings.finish(core, recording, rule)
    hook = program.hook(recording.verb, "record_complete", call.base_url)
    if hook is None:
        core.happen("next", "record.next", callId=call.call_id)
        return program.step(core, call)
    call.program = []
    body = bodies.recording_event(core, "recordComplete", recording)
    return lifecycle.ask_with(core, call, hook, body, "record.complete")


def cut_off(core: Core, call: Call) -> None:
    """The call ended or is given another document: what was recorded is kept, and no recordComplete asks what to do."""
    recording = core.record_verbs.pop(call.call_id, None)
    if recording is not None:
        recordings.finish(core, recording, "record.interrupted" if call.active else "record.hangup")
