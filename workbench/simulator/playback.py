"""What an application sends on a bidirectional stream: audio to play into the call, and the wish to stop it. Its length is known."""

from __future__ import annotations

from functools import partial

from workbench import bxml
from workbench.simulator import stream_messages
from workbench.simulator.core import Core
from workbench.simulator.tracks import Stream

LEAST_SECONDS = 1e-6  # below it the rest of a sum is no audio


def receive(core: Core, stream: Stream, text: str | None) -> None:
    """A message came from the application; None is one that is no text."""
    if text is None or not isinstance(stream.verb, bxml.StartStream) or stream.verb.effective("mode") != "bidirectional":
        return _ignore(core, stream, "only a bidirectional stream takes messages, and only text")
    try:
        audio = stream_messages.audio(text)
    except ValueError as error:
        return _ignore(core, stream, str(error))
    return _clear(core, stream) if audio is None else _play(core, stream, audio.seconds)


def _ignore(core: Core, stream: Stream, reason: str) -> None:
    """Told once for each stream: an application may send a thousand a second."""
    stream.ignored += 1
    if stream.ignored == 1:
        core.happen("streamMessageIgnored", "stream.ignored", callId=stream.call_id, id=stream.stream_id, reason=reason)


def _play(core: Core, stream: Stream, seconds: float) -> None:
    """Queue audio; messages that follow each other without a gap are told as one."""
    if stream.playback is None:
        stream.plays_from = stream.plays_until = core.now
        core.happen("streamPlays", "stream.play", callId=stream.call_id, id=stream.stream_id)
        stream.playback = core.after(seconds, partial(_played_out, core, stream))
    stream.plays_until += seconds


def _played_out(core: Core, stream: Stream) -> None:
    left = stream.plays_until - core.now
    if left > LEAST_SECONDS:
        stream.playback = core.after(left, partial(_played_out, core, stream))
        return
    stream.playback, seconds = None, round(stream.plays_until - stream.plays_from, 3)
    core.happen("streamPlayed", "stream.play", callId=stream.call_id, id=stream.stream_id, seconds=seconds)


def _clear(core: Core, stream: Stream) -> None:
    left = round(max(0.0, stream.plays_until - core.now), 3)
    core.happen("streamCleared", "stream.clear", callId=stream.call_id, id=stream.stream_id, seconds=left)
    drop(stream)


def drop(stream: Stream) -> None:
    """Play no more of what came."""
    if stream.playback is not None:
        stream.playback.cancelled = True
        stream.playback, stream.plays_until = None, 0.0
