"""What live transcriptions hear: the sentences of scripted phones and of `<SpeakSentence>`, whose words are known (ours)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from workbench.simulator import mixing, stream_messages, streams
from workbench.simulator.bodies import iso
from workbench.simulator.calls import Call, Conference
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal, SendMessage
from workbench.simulator.timers import Timer
from workbench.simulator.tracks import Stream, Transcript

NOT_SIMULATED = "[not simulated: no words are known that were said here]"
WRITING_SECONDS = 1.0  # from the end of a transcription until it can be fetched

# Who hears a sentence, asked when it is over: transcriptions, each with the track.
Hearers = Callable[[], Iterable[tuple[Stream, str]]]


def phone_says(core: Core, call: Call, text: str, seconds: float) -> list[Timer]:
    """A phone begins a sentence. Who hears the end of it hears all of it."""
    return _utter(core, text, seconds, partial(_hearing_phone, core, call))


def platform_says(core: Core, text: str, seconds: float, call: Call | None, conference: Conference | None) -> None:
    """The platform begins a sentence to a call or a conference."""
    if not core.streams:
        return
    if call is not None:
        call.timers += _utter(core, text, seconds, partial(_hearing_platform, core, (call.call_id,)))
    if conference is not None:
        _utter(core, text, seconds, partial(_hearing_room, core, conference, conference.turn))


def _hearing_phone(core: Core, call: Call) -> Iterable[tuple[Stream, str]]:
    assert call.phone is not None
    core.follow("stream.tracks")
    apart = not any(call.call_id in joined for joined in (core.links, core.in_conference, core.wires, core.sip_legs))
    for call_id in [call.call_id] if apart else list(core.streams):
        listener = core.calls[call_id]
        for track, parties in (("inbound", mixing.sent_by(core, listener)), ("outbound", mixing.heard_by(core, listener))):
            if call.phone in parties:
                yield from _on(core, call_id, track)


def _hearing_platform(core: Core, call_ids: Iterable[str]) -> Iterable[tuple[Stream, str]]:
    for call_id in call_ids:
        yield from _on(core, call_id, "outbound")


def _hearing_room(core: Core, conference: Conference, turn: int) -> Iterable[tuple[Stream, str]]:
    if conference.turn == turn:
        yield from _hearing_platform(core, [member.call_id for member in conference.members.values() if not member.hold])


def _on(core: Core, call_id: str, track: str) -> Iterable[tuple[Stream, str]]:
    """The transcriptions of a call's track."""
    for stream in core.streams.get(call_id, ()):
        if stream.transcribes and stream.running and track in stream.tracks:
            yield stream, track


def _utter(core: Core, text: str, seconds: float, hearers: Hearers) -> list[Timer]:
    words = text.split()
    half = " ".join(words[: len(words) // 2])
    return [
        core.after(seconds / 2, partial(_half_said, core, half, core.now, hearers)),
        core.after(seconds, partial(_said, core, text, core.now, hearers)),
    ]


def _half_said(core: Core, text: str, began: float, hearers: Hearers) -> None:
    for stream, track in hearers():
        if text and stream.connection is not None and not stream.verb.effective("stabilized"):
            core.happen("transcribedPartly", "transcription.partial", callId=stream.call_id, name=stream.name, track=track, text=text)
            message = stream_messages.segment(track, text, began, core.now, partial=True)
            core.effects.append(SendMessage(stream.connection, message))


def _said(core: Core, text: str, began: float, hearers: Hearers) -> None:
    for stream, track in hearers():
        stream.heard.setdefault(track, []).append(text)
        core.happen("transcribed", "transcription.known", callId=stream.call_id, name=stream.name, track=track, text=text)
        if stream.connection is not None:
            core.follow("transcription.segment")
            message = stream_messages.segment(track, text, began, core.now, partial=False)
            core.effects.append(SendMessage(stream.connection, message))


# What is kept


def finish(core: Core, stream: Stream) -> None:
    """A transcription ended: soon it can be fetched."""
    core.after(WRITING_SECONDS, partial(_available, core, stream))


def _available(core: Core, stream: Stream) -> None:
    call = core.calls[stream.call_id]
    heard = {track: tuple(stream.heard.get(track, ())) for track in stream.tracks}
    core.transcripts.setdefault(call.call_id, {})[stream.stream_id] = Transcript(stream.stream_id, stream.name, heard)
    url = f"{core.config.voice_url}/accounts/{call.account_id}/calls/{call.call_id}/transcriptions/{stream.stream_id}"
    core.happen("transcriptionAvailable", "transcription.available", callId=call.call_id, id=stream.stream_id, name=stream.name)
    about = {"status": "available", "url": url, "completedTime": iso(core.now)}
    streams.tell(core, call, stream, "Available", "transcription.available", about)


def forget(core: Core, call: Call) -> None:
    """A call is forgotten, and what was transcribed of it."""
    if core.transcripts.pop(call.call_id, None):
        core.follow("transcription.kept")


def find(core: Core, call_id: str, transcription_id: str) -> Transcript:
    """A transcription by id. Raises Refusal 404, also while it is not available yet."""
    found = core.transcripts.get(call_id, {}).get(transcription_id)
    if found is None:
        raise Refusal(404, f"Transcription [{transcription_id}] not found", "transcription.unknown")
    return found


def delete(core: Core, call_id: str, transcription_id: str) -> None:
    """Forget a transcription. Raises Refusal 404."""
    find(core, call_id, transcription_id)
    del core.transcripts[call_id][transcription_id]
    core.happen("transcriptionDeleted", "transcription.deleted", callId=call_id, id=transcription_id)
