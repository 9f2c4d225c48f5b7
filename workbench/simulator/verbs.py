"""What each verb does on a call. `execute` tells whether the next verb may run at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urljoin

from workbench import bxml
from workbench.simulator import (
    conferences,
    connects,
    forward,
    gather,
    keys,
    lifecycle,
    links,
    program,
    record,
    recordings,
    refer,
    saying,
    streams,
    transfers,
)
from workbench.simulator.calls import Call
from workbench.simulator.core import Core

# Verbs that answer an unanswered inbound call (assumed, bxml 1.1); Ring does unless told not to, Transfer and Connect when
# they are joined.
ANSWERING = (
    bxml.PlayAudio,
    bxml.SpeakSentence,
    bxml.Gather,
    bxml.Record,
    bxml.StartRecording,
    bxml.StartStream,
    bxml.StartTranscription,
    bxml.SendDtmf,
    bxml.Conference,
    bxml.Refer,
)


def execute(core: Core, call: Call, verb: bxml.Verb) -> bool:
    """Start a verb on a call; True when it is over already."""
    tag = getattr(verb, "tag", None)
    if tag is not None:
        call.tag = tag or None
        core.happen("tagged", "bxml.tag-attribute" if tag else "bxml.tag-clear", callId=call.call_id, tag=tag)
    if isinstance(verb, ANSWERING) or (isinstance(verb, bxml.Ring) and verb.effective("answer_call")):
        lifecycle.answer_inbound(core, call)
    elif not call.answered and call.direction == "inbound":
        core.follow("bxml.ring-unanswered" if isinstance(verb, bxml.Ring) else "bxml.unanswered")
    return EXECUTE[type(verb)](core, call, verb)


def _speak(core: Core, call: Call, verb: bxml.SpeakSentence) -> bool:
    program.wait(core, call, saying.say(core, verb, callId=call.call_id))
    return False


def _play(core: Core, call: Call, verb: bxml.PlayAudio) -> bool:
    turn = call.turn
    core.fetch(urljoin(call.base_url or "", verb.audio_uri), verb.username, verb.password, partial(_played, core, call, turn))
    return False


def _played(core: Core, call: Call, turn: int, fetch_id: int, seconds: float | None, error: str | None) -> None:
    if call.turn != turn:
        return core.drop(fetch_id)
    if seconds is None:
        return lifecycle.end(core, call, "application-error", error, rule="bxml.play-failed")
    saying.play(core, fetch_id, seconds, callId=call.call_id)
    return program.wait(core, call, seconds)


def _pause(core: Core, call: Call, verb: bxml.Pause | bxml.Ring) -> bool:
    rule = "bxml.pause" if isinstance(verb, bxml.Pause) else "bxml.ring"
    seconds = float(verb.effective("duration"))
    core.happen(type(verb).__name__.lower(), rule, callId=call.call_id, seconds=seconds)
    if isinstance(verb, bxml.Ring) and call.answered:
        core.play(call.call_id, "ring", seconds)
    parked = not call.program or isinstance(call.program[0], bxml.Redirect)
    program.wait(core, call, seconds, waits=not parked)
    return False


def _redirect(core: Core, call: Call, verb: bxml.Redirect) -> bool:
    hook = program.hook(verb, "redirect", call.base_url)
    assert hook is not None
    call.program = []
    lifecycle.ask(core, call, "redirect", hook, "bxml.redirect")
    return False


def _hangup(core: Core, call: Call, verb: bxml.Hangup) -> bool:
    core.follow("bxml.hangup")
    lifecycle.give_up(core, call, "bxml.hangup")
    return False


def _tag(core: Core, call: Call, verb: bxml.Tag) -> bool:
    call.tag = verb.content.strip() or None
    core.happen("tagged", "bxml.tag" if call.tag else "bxml.tag-clear", callId=call.call_id, tag=verb.content)
    return True


EXECUTE: Mapping[type[bxml.Verb], Callable[[Core, Call, Any], bool]] = {
    bxml.SpeakSentence: _speak,
    bxml.PlayAudio: _play,
    bxml.Pause: _pause,
    bxml.Ring: _pause,
    bxml.Redirect: _redirect,
    bxml.Hangup: _hangup,
    bxml.Tag: _tag,
    bxml.Gather: gather.gather,
    bxml.StartGather: keys.start,
    bxml.StopGather: keys.stop,
    bxml.SendDtmf: keys.send,
    bxml.Record: record.record,
    bxml.StartRecording: recordings.on_call,
    bxml.PauseRecording: recordings.on_call,
    bxml.ResumeRecording: recordings.on_call,
    bxml.StopRecording: recordings.on_call,
    bxml.Transfer: transfers.transfer,
    bxml.Bridge: links.bridge,
    bxml.Conference: conferences.join,
    bxml.StartStream: streams.start,
    bxml.StopStream: streams.stop,
    bxml.StartTranscription: streams.start,
    bxml.StopTranscription: streams.stop_transcription,
    bxml.Forward: forward.forward,
    bxml.Refer: refer.refer,
    bxml.Connect: connects.connect,
}
