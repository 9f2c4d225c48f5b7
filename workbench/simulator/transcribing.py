"""Transcriptions of recordings: asked for by a verb or a request, there a little later. Their text is not simulated and says so."""

from __future__ import annotations

from functools import partial

from workbench.simulator import bodies
from workbench.simulator.calls import Hook, Recording, RecordingTranscription
from workbench.simulator.core import Core

TRANSCRIBING_SECONDS = 1.0  # assumed
# A recording must be longer and shorter than these to be transcribed (documented, bxml/record).
SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 4 * 3600.0


def begin(core: Core, recording: Recording, hook: Hook | None, tag: str | None, timeout: float, rule: str) -> None:
    """Have a recording transcribed; `hook` is told when it is done."""
    made = recording.transcription = RecordingTranscription(core.ids("transcription"), hook, tag, timeout)
    core.happen("transcriptionRequested", rule, transcriptionId=made.transcription_id, **recording.about)
    core.after(TRANSCRIBING_SECONDS, partial(_done, core, recording, made))


def text(recording: Recording) -> str:
    """What stands in the place of what was said."""
    assert recording.end_time is not None
    seconds = recording.seconds(recording.end_time)
    return f"[Not simulated: what was said in the {seconds:g} seconds of {recording.recording_id}]"


def _done(core: Core, recording: Recording, made: RecordingTranscription) -> None:
    # It, or its recording, may have been deleted meanwhile.
    if recording.transcription is not made or recording.recording_id not in core.recordings:
        return
    assert recording.end_time is not None
    made.completed_time, seconds = core.now, recording.seconds(recording.end_time)
    about = {"transcriptionId": made.transcription_id, **recording.about}
    if SHORTEST_SECONDS < seconds < LONGEST_SECONDS:
        made.status = "available"
        core.happen("transcribed", "transcribe.text", **about)
    else:
        made.status = "file-size-too-small" if seconds <= SHORTEST_SECONDS else "file-size-too-big"
        core.happen("notTranscribed", "transcribe.length", status=made.status, **about)
    if made.hook is not None:
        body = bodies.recording_event(core, "transcriptionAvailable", recording, transcription=bodies.transcription_fields(recording))
        for name in ("answerTime", "channels", "tag"):
            body.pop(name, None)
        body |= {"tag": made.tag} if made.tag else {}
        core.send(made.hook, body, "transcribe.available", timeout=made.timeout)
