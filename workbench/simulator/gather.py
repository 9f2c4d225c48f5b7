"""`<Gather>`: prompts, then digits, until one of its ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urljoin

from workbench import bxml
from workbench.simulator import lifecycle, program, saying
from workbench.simulator.calls import Call, Gathering
from workbench.simulator.core import Core


def gather(core: Core, call: Call, verb: bxml.Gather) -> bool:
    """Start the prompts of a `<Gather>`."""
    call.gathering = Gathering(verb, list(verb.audio_verbs), repeats_left=int(verb.effective("repeat_count")) - 1)
    if "speech" in verb.effective("input"):
        core.happen("speechNotRecognised", "gather.speech", callId=call.call_id, input=verb.effective("input"))
    _prompt(core, call)
    return False


def _prompt(core: Core, call: Call) -> None:
    gathering = call.gathering
    assert gathering is not None
    core.hush(call.call_id)
    gathering.prompting = bool(gathering.prompts)
    if not gathering.prompts:
        return _time_silence(core, call, _patience(gathering.verb), _silent)
    prompt = gathering.prompts.pop(0)
    if isinstance(prompt, bxml.SpeakSentence):
        return _next_prompt_in(core, call, saying.say(core, prompt, callId=call.call_id))
    assert isinstance(prompt, bxml.PlayAudio)
    fetched = partial(_fetched, core, call, call.turn)
    return core.fetch(urljoin(call.base_url or "", prompt.audio_uri), prompt.username, prompt.password, fetched)


def _patience(verb: bxml.Gather) -> float:
    """Seconds of silence after the prompts; for keys or speech the longer of both (assumed)."""
    digit, speech = float(verb.effective("first_digit_timeout")), float(verb.effective("speech_timeout"))
    return {"dtmf": digit, "speech": speech}.get(verb.effective("input"), max(digit, speech))


def _next_prompt_in(core: Core, call: Call, seconds: float) -> None:
    call.timers.append(core.after(seconds, partial(_prompt, core, call)))


def _fetched(core: Core, call: Call, turn: int, fetch_id: int, seconds: float | None, error: str | None) -> None:
    if call.turn != turn:
        return core.drop(fetch_id)
    if seconds is None:
        return lifecycle.end(core, call, "application-error", error, rule="bxml.play-failed")
    saying.play(core, fetch_id, seconds, callId=call.call_id)
    return _next_prompt_in(core, call, seconds)


def _time_silence(core: Core, call: Call, seconds: float, then: Callable[[Core, Call], None]) -> None:
    call.timers.append(core.after(seconds, partial(then, core, call)))


def _silent(core: Core, call: Call) -> None:
    """No digit came after the prompts: play them again, or end."""
    gathering = call.gathering
    assert gathering is not None
    if gathering.repeats_left == 0:
        return _end(core, call, "gather.speech-timeout" if gathering.verb.effective("input") == "speech" else "gather.first-digit")
    gathering.repeats_left -= 1
    gathering.prompts = list(gathering.verb.audio_verbs)
    core.happen("promptsRepeated", "gather.repeat", callId=call.call_id)
    return _prompt(core, call)


def digit(core: Core, call: Call, key: str) -> None:
    """A key came in during a `<Gather>`."""
    gathering = call.gathering
    assert gathering is not None
    if gathering.verb.effective("input") == "speech":
        return core.happen("keyIgnored", "gather.speech-only", callId=call.call_id, digit=key)
    # A digit stops the prompts and every timer of the silence before it.
    core.next_turn(call)
    if gathering.prompting:
        core.happen("promptsStopped", "gather.interrupt", callId=call.call_id)
    gathering.prompts, gathering.prompting = [], False
    if key in (gathering.verb.effective("terminating_digits") or ""):
        return _end(core, call, "gather.terminating", key)
    gathering.digits += key
    if len(gathering.digits) >= int(gathering.verb.effective("max_digits")):
        return _end(core, call, "gather.max-digits")
    wait = float(gathering.verb.effective("inter_digit_timeout"))
    return _time_silence(core, call, wait, partial(_end, rule="gather.inter-digit"))


def _end(core: Core, call: Call, rule: str, terminating_digit: str = "") -> None:
    gathering = call.gathering
    assert gathering is not None
    call.gathering = None
    hook = program.hook(gathering.verb, "gather", call.base_url)
    if hook is None:
        core.happen("digitsDropped", "gather.next", callId=call.call_id, digits=gathering.digits)
        return program.step(core, call)
    if call.program:
        core.follow("bxml.rest")
    call.program = []
    fields = {"digits": gathering.digits, "terminatingDigit": terminating_digit}
    return lifecycle.ask(core, call, "gather", hook, rule, **fields)
