"""Machine detection: who answered, and when that is known. The phone's script says who; nothing here listens (ours)."""

from __future__ import annotations

from functools import partial

from workbench.simulator import bodies, inviting, lifecycle, saying, speaking
from workbench.simulator.calls import Call, Detection
from workbench.simulator.core import Core

# How long a human speaks whose phone says nothing (ours).
HUMAN_SECONDS = 1.0
# A machine's greeting gives it away after so many seconds; what fails does so after one (assumed: the documented example shows 5).
RECOGNISED_SECONDS = 4.0
FAILED_SECONDS = 1.0


def begin(core: Core, call: Call) -> bool:
    """A call was answered: start its detection; True when its `answer` is to wait for the result."""
    detection = core.detections.get(call.call_id)
    if detection is None:
        return False
    if detection.decimals:
        core.happen("warning", "machine.whole", callId=call.call_id, text=f"decimals in {', '.join(detection.decimals)}")
    value, seconds, rule = _result(core, call, detection)
    timer = core.after(seconds, partial(_tell, core, call, detection, value, seconds, rule))
    core.detecting[call.call_id] = timer
    # A sync detection is what the call does at present, so another document ends it; an async one goes on until the call's end.
    if detection.sync:
        call.timers.append(timer)
    return detection.sync


def _tell(core: Core, call: Call, detection: Detection, value: str, seconds: float, rule: str) -> None:
    del core.detecting[call.call_id]
    core.happen("machineDetected", rule, callId=call.call_id, value=value, seconds=seconds)
    told = {"machineDetectionResult": {"value": value, "duration": bodies.period(seconds)}}
    if detection.sync:
        return lifecycle.ask_answer(core, call, "machine.sync", **told)
    assert detection.hook is not None
    body = bodies.call_event(core, "machineDetectionComplete", call, **told)
    return core.send(detection.hook, body, "machine.async", timeout=call.callback_timeout)


def _result(core: Core, call: Call, detection: Detection) -> tuple[str, float, str]:
    """The result, the seconds until it is known, and the rule behind it."""
    who, greeting = _who(core, call)
    value, seconds, rule = _undisturbed(detection, who, greeting)
    if seconds <= detection.detection_timeout:
        return value, seconds, rule
    # A machine already recognised is told then (documented); anything else is not known yet.
    known = rule == "machine.delay"
    return value if known else "timeout", detection.detection_timeout, rule if known else "machine.timeout"


def _who(core: Core, call: Call) -> tuple[str, float]:
    """Who answers a call, and for how many seconds they speak."""
    if call.phone is None:
        return "human", HUMAN_SECONDS
    phone = inviting.at(core, call.phone)
    text = speaking.greeting(phone)
    spoken = saying.seconds_to_say(text) if text else HUMAN_SECONDS
    return phone.answered_by, spoken


def _undisturbed(detection: Detection, who: str, greeting: float) -> tuple[str, float, str]:
    """What comes of a detection that has all the time it needs."""
    match who:
        case "human":
            loud = greeting >= detection.speech_threshold
            value, rule = ("answering-machine", "machine.threshold") if loud else ("human", "machine.human")
            return value, greeting + detection.speech_end, rule
        case "answering-machine" if detection.delay_result:
            return who, greeting + detection.machine_speech_end, "machine.delay"
        case "answering-machine":
            return who, min(greeting, RECOGNISED_SECONDS), "machine.recognised"
        case "tone-detected":
            return who, greeting, "machine.tone"
        case "silence":
            return who, detection.silence_timeout, "machine.silence"
        case "error":
            return who, FAILED_SECONDS, "machine.error"
    return "timeout", detection.detection_timeout, "machine.timeout"


def forget(core: Core, call: Call) -> None:
    """The call is over, and with it its detection."""
    core.detections.pop(call.call_id, None)
    timer = core.detecting.pop(call.call_id, None)
    if timer is not None and not timer.cancelled:
        timer.cancelled = True
        core.happen("machineDetectionEnded", "machine.gone", callId=call.call_id)
