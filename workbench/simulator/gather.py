"""`<Gather>`: prompts, then digits, until one of its ends; and the keys a phone presses."""

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
    _prompt(core, call)
    return False


def _prompt(core: Core, call: Call) -> None:
    gathering = call.gathering
    assert gathering is not None
    if not gathering.prompts:
        return _time_silence(core, call, float(gathering.verb.effective("first_digit_timeout")), _silent)
    prompt = gathering.prompts.pop(0)
    if isinstance(prompt, bxml.SpeakSentence):
        return _next_prompt_in(core, call, saying.say(core, prompt, callId=call.call_id))
    assert isinstance(prompt, bxml.PlayAudio)
    fetched = partial(_fetched, core, call, call.turn)
    return core.fetch(urljoin(call.base_url or "", prompt.audio_uri), prompt.username, prompt.password, fetched)


def _next_prompt_in(core: Core, call: Call, seconds: float) -> None:
    call.timers.append(core.after(seconds, partial(_prompt, core, call)))


def _fetched(core: Core, call: Call, turn: int, seconds: float | None, error: str | None) -> None:
    if call.turn != turn:
        return None
    if seconds is None:
        return lifecycle.end(core, call, "application-error", error, rule="bxml.play-failed")
    core.happen("play", "bxml.play", callId=call.call_id, seconds=seconds)
    return _next_prompt_in(core, call, seconds)


def _time_silence(core: Core, call: Call, seconds: float, then: Callable[[Core, Call], None]) -> None:
    call.timers.append(core.after(seconds, partial(then, core, call)))


def _silent(core: Core, call: Call) -> None:
    """No digit came after the prompts: play them again, or end."""
    gathering = call.gathering
    assert gathering is not None
    if gathering.repeats_left == 0:
        return _end(core, call)
    gathering.repeats_left -= 1
    gathering.prompts = list(gathering.verb.audio_verbs)
    return _prompt(core, call)


def press(core: Core, call: Call, digits: str) -> None:
    """Keys pressed at the far end of a call."""
    core.happen("keys", "phone.script", callId=call.call_id, digits=digits)
    for digit in digits:
        _digit(core, call, digit)


def _digit(core: Core, call: Call, digit: str) -> None:
    gathering = call.gathering
    if gathering is None:
        return None
    # A digit stops the prompts and every timer of the silence before it.
    call.next_turn()
    gathering.prompts = []
    if digit in (gathering.verb.effective("terminating_digits") or ""):
        return _end(core, call, digit)
    gathering.digits += digit
    if len(gathering.digits) >= int(gathering.verb.effective("max_digits")):
        return _end(core, call)
    return _time_silence(core, call, float(gathering.verb.effective("inter_digit_timeout")), _end)


def _end(core: Core, call: Call, terminating_digit: str = "") -> None:
    gathering = call.gathering
    assert gathering is not None
    call.gathering = None
    hook = program.hook(gathering.verb, "gather", call.base_url)
    if hook is None:
        return program.step(core, call)
    call.program = []
    fields = {"digits": gathering.digits, "terminatingDigit": terminating_digit}
    return lifecycle.ask(core, call, "gather", hook, "bxml.gather", **fields)
