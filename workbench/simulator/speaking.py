"""What phones say in a call, one after another: sentence and file of their script, a machine's greeting, and what they are told to say."""

from __future__ import annotations

from functools import partial

from workbench.simulator import record, saying, transcripts
from workbench.simulator.calls import Call
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal
from workbench.simulator.phones import Phone
from workbench.simulator.tracks import File, Speech

MOST_WAITING = 20
# What a machine without words of its own says, for 8 s, and the beep after them (ours).
GREETING = "You have reached an answering machine. Nobody can take your call at the moment. Please leave a message after the signal."
BEEP_SECONDS = 0.5
_MACHINES = ("answering-machine", "tone-detected")


def greeting(phone: Phone) -> str | None:
    """What a phone says as soon as it is answered."""
    return phone.says or (GREETING if phone.answered_by in _MACHINES else None)


def answered(core: Core, call: Call, phone: Phone) -> None:
    """A phone is in an answered call: it says and plays what its script has for that, or greets as a machine does."""
    if phone.plays is not None:
        core.fetch(phone.plays, None, None, partial(_fetched, core, call))
    text = greeting(phone)
    if text is None:
        return
    core.speech[call.call_id] = speech = Speech([None] if phone.answered_by in _MACHINES else [])
    _begin(core, call, speech, text, "phone.script" if phone.says else "phone.greeting")


def say(core: Core, call: Call, text: str) -> None:
    """Have the phone of a call say a sentence, when those before are over. Raises Refusal 409 when too many wait."""
    speech = core.speech.get(call.call_id)
    if speech is None:
        core.speech[call.call_id] = speech = Speech()
        return _begin(core, call, speech, text, "phone.say")
    if len(speech.waiting) >= MOST_WAITING:
        raise Refusal(409, f"{MOST_WAITING} sentences wait to be said already", "phone.say")
    return speech.waiting.append(text)


def _begin(core: Core, call: Call, speech: Speech, text: str, rule: str) -> None:
    assert call.phone is not None
    core.happen("phoneSays", rule, callId=call.call_id, text=text)
    seconds = saying.seconds_to_say(text)
    speech.sound = core.play(call.phone, "speech", seconds, text=text)
    speech.timers = transcripts.phone_says(core, call, text, seconds)
    speech.timers.append(core.after(seconds, partial(_next, core, call, speech)))
    record.heard(core, call)


def _fetched(core: Core, call: Call, fetch_id: int, seconds: float | None, error: str | None) -> None:
    """The file of a phone's script is there, or cannot be had."""
    if not call.active:
        return core.drop(fetch_id)
    if seconds is None:
        return core.happen("phonePlayFailed", "phone.plays", callId=call.call_id, reason=error)
    file, speech = File(fetch_id, seconds), core.speech.get(call.call_id)
    if speech is not None:
        return speech.waiting.append(file)
    core.speech[call.call_id] = speech = Speech()
    return _play(core, call, speech, file)


def _play(core: Core, call: Call, speech: Speech, file: File) -> None:
    assert call.phone is not None
    core.happen("phonePlays", "phone.plays", callId=call.call_id, seconds=file.seconds)
    speech.sound = core.play(call.phone, "file", file.seconds, fetch_id=file.fetch_id)
    speech.timers = [core.after(file.seconds, partial(_next, core, call, speech))]
    record.heard(core, call)


def _next(core: Core, call: Call, speech: Speech) -> None:
    """What a phone was saying is over."""
    assert call.phone is not None and speech.sound is not None
    core.hush(call.phone, speech.sound)
    if not speech.waiting:
        del core.speech[call.call_id]
        return None
    comes = speech.waiting.pop(0)
    if isinstance(comes, File):
        return _play(core, call, speech, comes)
    if comes is not None:
        return _begin(core, call, speech, comes, "phone.say")
    speech.sound = core.play(call.phone, "beep", BEEP_SECONDS)
    speech.timers = [core.after(BEEP_SECONDS, partial(_next, core, call, speech))]
    return None


def call_ended(core: Core, call: Call) -> None:
    """Nobody hears the rest of what a phone says."""
    speech = core.speech.pop(call.call_id, None)
    for timer in speech.timers if speech is not None else ():
        timer.cancelled = True
    for file in speech.waiting if speech is not None else ():
        if isinstance(file, File):
            core.drop(file.fetch_id)
    if call.phone is not None:
        core.hush(call.phone)
