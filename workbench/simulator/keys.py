"""Keys: pressed at the far end of a call or sent by `<SendDtmf>`, whoever hears them, and `<StartGather>`, which tells each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from workbench import bxml
from workbench.simulator import bodies, connects, gather, links, mixing, program, record
from workbench.simulator.calls import Call
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal
from workbench.simulator.records import Device
from workbench.simulator.sounds import Sound

PAUSES = {",": 0.5, "w": 0.5, "W": 1.0}  # in seconds (documented, bxml/sendDtmf)
KEY_SECONDS = 0.1  # between two keys that a phone presses (ours)
TONE_SECONDS = 0.06  # of each of them that is heard (ours)
MOST_WAITING = 1000  # keys of one phone or device


# StartGather and StopGather


def start(core: Core, call: Call, verb: bxml.StartGather) -> bool:
    """Tell every key from now on; only the newest `<StartGather>` counts."""
    if call.call_id in core.key_hooks:
        core.happen("gatherReplaced", "gather.newest", callId=call.call_id)
    hook = program.hook(verb, "dtmf", call.base_url)
    assert hook is not None
    core.key_hooks[call.call_id] = hook
    core.happen("gatherStarted", "gather.start", callId=call.call_id)
    return True


def stop(core: Core, call: Call, verb: bxml.StopGather) -> bool:
    """Tell no more keys."""
    if core.key_hooks.pop(call.call_id, None) is not None:
        core.happen("gatherStopped", "gather.stop", callId=call.call_id)
    return True


# Keys that come in


def valid(digits: str) -> bool:
    """Whether these are keys of a telephone."""
    return bool(digits) and not set(digits) - set("0123456789*#ABCDabcd")


def press(core: Core, call: Call, digits: str) -> None:
    """Keys pressed at the far end of a call, one after the other: what each sets off keeps its order. Raises Refusal 409 for too many."""
    _press(core, call.call_id, digits, partial(_from_phone, core, call), "phone.keys")


def press_on_device(core: Core, device: Device, digits: str) -> None:
    """Keys pressed on a browser or app. Raises Refusal 409 for too many."""
    _press(core, device.id, digits, partial(_from_device, core, device), "device.keys")


def _press(core: Core, where: str, digits: str, pressed: Callable[[str], None], rule: str) -> None:
    waiting = core.pressed.get(where)
    if len(waiting or "") + len(digits) > MOST_WAITING:
        raise Refusal(409, f"at most {MOST_WAITING} keys wait to be pressed", rule)
    core.pressed[where] = (waiting or "") + digits
    if waiting is None:
        _next_key(core, where, pressed)


def _next_key(core: Core, where: str, pressed: Callable[[str], None]) -> None:
    digits = core.pressed.get(where)
    if digits is None:
        return  # the call has ended, or the device has gone
    if digits[1:]:
        core.pressed[where] = digits[1:]
        core.after(KEY_SECONDS, partial(_next_key, core, where, pressed))
    else:
        del core.pressed[where]
    pressed(digits[0])


def _from_phone(core: Core, call: Call, key: str) -> None:
    assert call.phone is not None
    core.happen("keys", "phone.keys", callId=call.call_id, digits=key)
    _sound(core, call.phone, key)
    _hear(core, call, key, {call.call_id})


def _from_device(core: Core, device: Device, key: str) -> None:
    """A browser's key comes in by the SIP legs of those who hear it, or reaches the call that its endpoint is connected with."""
    holder = device.participant_id or device.endpoint_id
    assert holder is not None
    core.happen("keys", "device.keys", deviceId=device.id, digits=key)
    if not device.publishes:
        return
    _sound(core, holder, key)
    seen: set[str] = set()
    for call in _legs(core, holder):
        if call.call_id not in seen and call.answered:
            seen.add(call.call_id)
            core.happen("keys", "device.keys", callId=call.call_id, participantId=holder, digits=key)
            _hear(core, call, key, seen)
    endpoint = core.endpoints.get(holder)
    connected = core.calls.get(endpoint.call_id or "") if endpoint is not None else None
    if connected is not None and connects.joined_with(core, connected) is endpoint:
        _play(core, connected, key, {connected.call_id}, "device.keys")


def _legs(core: Core, participant_id: str) -> list[Call]:
    """The SIP legs whose participants are subscribed to this one."""
    return [
        core.calls[call_id]
        for call_id, other in core.sip_legs.items()
        if any(heard.id == participant_id for heard in mixing.publishers(core, other))
    ]


def _sound(core: Core, source: str, key: str) -> None:
    """A key is heard as a tone; what a phone is saying meanwhile goes on after it."""
    former = core.sounds.pop(source, None)
    sound = core.play(source, "keys", TONE_SECONDS, digits=key)
    core.after(TONE_SECONDS, partial(_sounded, core, source, sound, former), waits=False)


def _sounded(core: Core, source: str, sound: Sound, former: Sound | None) -> None:
    goes_on = core.sounds.get(source) is sound and former is not None and former.kind != "keys"
    core.hush(source, sound)
    if goes_on and former is not None and former.until is not None and former.until > core.now:
        core.sounds[source] = former
    elif former is not None and former.fetch_id is not None:
        core.drop(former.fetch_id)


def _hear(core: Core, call: Call, key: str, seen: set[str]) -> None:
    """A key comes in from a call's far end: for its `<Gather>`, its `<StartGather>` and those joined with it."""
    if call.gathering is not None:
        if call.call_id in core.key_hooks:
            core.happen("gatherPaused", "gather.paused", callId=call.call_id, digit=key)
        return gather.digit(core, call, key)
    hook = core.key_hooks.get(call.call_id)
    if hook is not None:
        core.send(hook, bodies.call_event(core, "dtmf", call, digit=key), "dtmf.told", timeout=call.callback_timeout)
    if record.key(core, call, key):
        return None
    # Those who hear it now: what it sets off at one may move another.
    for listener, rule in list(_listeners(core, call)):
        if listener.call_id not in seen and listener.answered:
            seen.add(listener.call_id)
            _play(core, listener, key, seen, rule)
    return None


def _listeners(core: Core, call: Call) -> Iterator[tuple[Call, str]]:
    other = links.joined_with(core, call)
    if other is not None:
        yield other, "dtmf.joined"
    for member in mixing.listeners(core, call):
        yield member, "dtmf.conference"


# Keys that go out


def _play(core: Core, call: Call, key: str, seen: set[str], rule: str) -> None:
    """Play a key to a call's far end; for a call between two numbers of the account that is the other of its halves."""
    participant = core.sip_legs.get(call.call_id)
    there = {"phone": call.phone} if call.phone else {"participantId": participant.id} if participant else {}
    core.happen("keyHeard", rule, callId=call.call_id, digit=key, **there)
    wired = core.calls.get(core.wires.get(call.call_id, ""))
    if wired is not None and wired.call_id not in seen:
        seen.add(wired.call_id)
        core.happen("keys", "dtmf.wire", callId=wired.call_id, digits=key)
        _hear(core, wired, key, seen)


def send(core: Core, call: Call, verb: bxml.SendDtmf) -> bool:
    """Play the keys of a `<SendDtmf>` one after the other."""
    core.happen("sendDtmf", "dtmf.send", callId=call.call_id, digits=verb.digits)
    _next_tone(core, call, list(_tones(verb)))
    return False


def _tones(verb: bxml.SendDtmf) -> Iterator[tuple[str, float]]:
    """Each key and the seconds until the next, each pause with its own; a pause replaces the interval before it (documented)."""
    tone, interval = float(verb.effective("tone_duration")) / 1000, float(verb.effective("tone_interval")) / 1000
    for key, following in zip(verb.digits, verb.digits[1:] + " ", strict=True):
        if key in PAUSES:
            yield "", PAUSES[key]
        else:
            yield key, tone if following in PAUSES else tone + interval


def _tone(call: Call) -> float:
    assert isinstance(call.verb, bxml.SendDtmf)
    return float(call.verb.effective("tone_duration")) / 1000


def _next_tone(core: Core, call: Call, tones: list[tuple[str, float]]) -> None:
    if not tones:
        return program.step(core, call)
    (key, seconds), turn = tones.pop(0), call.turn
    core.hush(call.call_id)
    if key:
        core.play(call.call_id, "keys", _tone(call), digits=key)
        _play(core, call, key, {call.call_id}, "dtmf.tone")
    else:
        core.happen("dtmfPause", "dtmf.pause", callId=call.call_id, seconds=seconds)
    # A key that was heard may have ended this very call.
    if call.turn == turn:
        call.timers.append(core.after(seconds, partial(_next_tone, core, call, tones)))
    return None
