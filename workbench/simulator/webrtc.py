"""The WebRTC side: participants, sessions, subscriptions and the devices that stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from workbench import tokens
from workbench.simulator import bodies, lifecycle
from workbench.simulator.calls import Call, Hook
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal
from workbench.simulator.records import Device, Participant, Session, Subscription

PARTICIPANTS_LIMIT = 20
SESSION_SECONDS = 9 * 3600.0
TOKEN_SECONDS = 24 * 3600.0
WEBHOOK_SECONDS = 5.0


def masked_uui(uui: str) -> str:
    """A UUI value fit for a log: the token's first letters and every encoding."""
    entries = tokens.parse_uui(uui)
    return ",".join(f"{entry.value[:3]}…;encoding={entry.encoding}" for entry in entries)


# Participants and sessions


def create_participant(core: Core, permissions: tuple[str, ...], callback_url: str | None, tag: str | None) -> tuple[Participant, str]:
    """A new participant and its token, which is given only here."""
    participant = Participant(core.ids("participant"), permissions, callback_url, tag)
    core.follow("webrtc.token")
    core.participants[participant.id] = participant
    stale = core.stale_tokens > 0
    if stale:
        core.stale_tokens -= 1
        core.follow("local.fault")
    token = tokens.issue(
        account_id=core.config.account_id,
        participant_id=participant.id,
        secret=core.config.token_secret,
        now=core.now,
        lifetime=0.0 if stale else TOKEN_SECONDS,
        tid=core.ids("tid"),
    )
    core.after(TOKEN_SECONDS, partial(_expire, core, participant), waits=False)
    return participant, token


def _expire(core: Core, participant: Participant) -> None:
    if participant.id in core.participants:
        core.happen("participantExpired", "webrtc.day", participantId=participant.id)
        delete_participant(core, participant)


def create_session(core: Core, tag: str | None) -> Session:
    """A new session, cleaned up after 9 hours."""
    session = Session(core.ids("session"), core.now, tag)
    core.sessions[session.id] = session
    core.after(SESSION_SECONDS, partial(_clean_up, core, session), waits=False)
    return session


def _clean_up(core: Core, session: Session) -> None:
    if session.id in core.sessions:
        core.happen("sessionCleanedUp", "webrtc.nine-hours", sessionId=session.id)
        delete_session(core, session)


def delete_participant(core: Core, participant: Participant) -> None:
    """Forget a participant; what stands for it is disconnected."""
    del core.participants[participant.id]
    if participant.session_id is not None:
        leave_session(core, participant)
    _disconnect(core, participant)


def delete_session(core: Core, session: Session) -> None:
    """Forget a session; the SIP legs of its participants are hung up."""
    members = [core.participants[participant_id] for participant_id in session.participants]
    for participant in members:
        leave_session(core, participant)
    del core.sessions[session.id]
    for participant in members:
        if participant.call_id is not None:
            _disconnect(core, participant)


def join_session(core: Core, participant: Participant, session: Session) -> None:
    """Add a participant to a session. Raises Refusal 409 when it is in another, or this one is full."""
    if participant.session_id == session.id:
        return core.follow("webrtc.again")
    if participant.session_id is not None:
        raise Refusal(409, f"participant {participant.id} is in another session", "webrtc.other-session")
    if len(session.participants) >= PARTICIPANTS_LIMIT:
        raise Refusal(409, f"session {session.id} already has {PARTICIPANTS_LIMIT} participants", "webrtc.full")
    session.participants.append(participant.id)
    participant.session_id = session.id
    if participant.call_id is not None:
        core.follow("webrtc.moved")
    return None


def leave_session(core: Core, participant: Participant) -> None:
    """Remove a participant from its session, with its subscriptions; a phone call goes on (documented)."""
    assert participant.session_id is not None
    core.sessions[participant.session_id].participants.remove(participant.id)
    if participant.subscription is not None:
        core.follow("subscription.removed")
    if participant.call_id is not None:
        core.follow("webrtc.removed")
    participant.session_id = participant.subscription = None


def check_subscription(session: Session, participant: Participant, wanted: Subscription | None) -> None:
    """Raises Refusal 400 when somebody outside the session is named (assumed)."""
    for other, _ in wanted.participants if wanted is not None else ():
        if other not in session.participants and other != participant.id:
            raise Refusal(400, f"participants: {other} is not in session {session.id}", "webrtc.outside")


# Devices


def _tell(core: Core, participant: Participant, event: str, rule: str) -> None:
    core.happen(event, rule, participantId=participant.id, callId=participant.call_id)
    if participant.callback_url is not None and participant.device_id is not None:
        body = bodies.participant_event(core, event, participant.id, participant.device_id, participant.tag)
        core.follow("webrtc.one-attempt")
        core.send(Hook(participant.callback_url), body, rule, timeout=WEBHOOK_SECONDS, one_attempt=True)


def connect_device(core: Core, participant: Participant, device: Device) -> None:
    """A browser connects with the participant's token: it takes the place of whatever stood for it before."""
    _replace(core, participant)
    core.devices[device.id], participant.device_id = device, device.id
    _tell(core, participant, "onConnect", "webrtc.connect")


def disconnect_device(core: Core, participant: Participant, event: str = "onLeave", rule: str = "webrtc.leave") -> None:
    """The browser leaves or is lost; no phone call is touched (assumed)."""
    if participant.device_id is not None:
        _tell(core, participant, event, rule)
        core.follow("webrtc.browser")
        core.devices.pop(participant.device_id, None)
        core.pressed.pop(participant.device_id, None)
        core.hush(participant.id)
    participant.device_id = None


def take_device(core: Core, participant: Participant, call: Call) -> None:
    """A SIP leg invites with the participant's token: it takes the place of whatever stood for it before."""
    _replace(core, participant)
    if call.active:
        participant.device_id, participant.call_id = core.ids("device"), call.call_id
        core.sip_legs[call.call_id] = participant


def _replace(core: Core, participant: Participant) -> None:
    if participant.device_id is not None:
        core.happen("deviceReplaced", "webrtc.newest", participantId=participant.id)
        _disconnect(core, participant)


def _disconnect(core: Core, participant: Participant) -> None:
    """Take away what stands for a participant: its browser, or the SIP leg, which is hung up."""
    call = core.calls.get(participant.call_id or "")
    if call is None:
        return disconnect_device(core, participant)
    lifecycle.end(core, call, "hangup" if call.answered else "rejected", rule="webrtc.deleted")
    return None


def leg_up(core: Core, call: Call) -> None:
    """The interconnect answered: the phone side is the participant now."""
    participant = core.sip_legs.get(call.call_id)
    if participant is not None:
        core.follow("webrtc.leg")
        _tell(core, participant, "onConnect", "webrtc.connect")


def leg_down(core: Core, call: Call) -> None:
    """The SIP leg is gone."""
    participant = core.sip_legs.pop(call.call_id, None)
    if participant is None:
        return
    if call.answer_time is not None:
        _tell(core, participant, "onLeave", "webrtc.leave")
    participant.device_id = participant.call_id = None


def as_subscription(session_id: str, fields: Mapping[str, Any] | None) -> Subscription | None:
    """What a subscriptions body asks for (documented, webrtc-api 3): named ones, everybody, or nothing."""
    if not fields or (not fields.get("participants") and not fields.get("sessionId")):
        return None
    named = tuple((item["participantId"], tuple(item.get("streamAliases") or ())) for item in fields.get("participants") or ())
    return Subscription(session_id, named)
