"""Conferences: joining and leaving, members' mute, hold and coach, and what is played to the room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import urljoin

from workbench import bxml
from workbench.errors import BxmlError
from workbench.simulator import bodies, lifecycle, program, recordings, saying
from workbench.simulator.calls import Call, Conference, Member
from workbench.simulator.core import Core, Kind

MEMBERS_LIMIT = 20
LIFETIME_SECONDS = 24 * 3600.0


def join(core: Core, call: Call, verb: bxml.Conference) -> bool:
    """Put a call into the conference of that name, which begins now if there is none."""
    conference = _active(core, call.account_id, verb.name)
    if conference is None:
        conference = _create(core, call, verb)
    elif verb.conference_event_url or verb.tag:
        core.follow("conference.creator")
    if len(conference.members) >= MEMBERS_LIMIT:
        core.happen("conferenceFull", "conference.full", conferenceId=conference.conference_id, callId=call.call_id)
        lifecycle.end(core, call, "error", f"Conference {verb.name} already has {MEMBERS_LIMIT} calls", rule="conference.refused")
        return False
    member = Member(call.call_id, bool(verb.effective("mute")), bool(verb.effective("hold")))
    conference.members[call.call_id] = member
    core.in_conference[call.call_id] = conference
    note(core, member)
    set_coach(core, conference, member, _listed(verb.call_ids_to_coach))
    core.happen("memberJoined", "conference.join", conferenceId=conference.conference_id, callId=call.call_id)
    tell(core, conference, "conferenceMemberJoin", "conference.join", call)
    return False


def note(core: Core, member: Member) -> None:
    """Which rules on a member's ears and voice apply to it."""
    for rule in filter(None, ("conference.mute" if member.mute else "", "conference.hold" if member.hold else "")):
        core.follow(rule)


def _listed(call_ids: str | None) -> tuple[str, ...]:
    return tuple(call_id.strip() for call_id in (call_ids or "").split(",") if call_id.strip())


def set_coach(core: Core, conference: Conference, member: Member, coached: Sequence[str]) -> None:
    """Make a member the coach of some calls; a former coach is none any more."""
    for former in [other for other in conference.members.values() if coached and other.coach and other is not member]:
        former.coach = ()
        core.happen("coachReplaced", "conference.coach", conferenceId=conference.conference_id, callId=former.call_id)
    member.coach = tuple(coached)
    if not set(coached) <= conference.members.keys():
        core.follow("conference.coach-later")


def _active(core: Core, account_id: str, name: str) -> Conference | None:
    conference = core.rooms.get(name)
    return conference if conference is not None and conference.account_id == account_id else None


def _create(core: Core, call: Call, verb: bxml.Conference) -> Conference:
    conference = Conference(
        conference_id=core.ids("conference"),
        account_id=call.account_id,
        name=verb.name,
        created_time=core.now,
        hook=program.hook(verb, "conference_event", call.base_url),
        tag=verb.tag or None,
        callback_timeout=float(verb.callback_timeout or call.callback_timeout),
    )
    core.follow("conference.timeout")
    core.conferences[conference.conference_id] = conference
    core.rooms[conference.name] = conference
    core.after(LIFETIME_SECONDS, partial(_expire, core, conference), waits=False)
    core.happen("conferenceCreated", "conference.created", conferenceId=conference.conference_id, name=conference.name)
    tell(core, conference, "conferenceCreated", "conference.created")
    return conference


def tell(core: Core, conference: Conference, event_type: str, rule: str, member: Call | None = None) -> None:
    """Send a conference's event to its creator's URL."""
    if conference.hook is None:
        return
    body = bodies.conference_event(core, event_type, conference, member)
    kind = Kind.NONE if event_type == "conferenceCompleted" else Kind.CONFERENCE
    core.send(conference.hook, body, rule, kind=kind, conference=conference, timeout=conference.callback_timeout)


def call_left(core: Core, call: Call) -> None:
    """A call hung up or was given another document: it leaves its conference, which ends with its last member."""
    conference = core.in_conference.get(call.call_id)
    if conference is None:
        return
    core.follow("conference.order")
    _exit(core, conference, call)
    if not conference.members:
        _end(core, conference, "conference.completed")


def _exit(core: Core, conference: Conference, call: Call) -> None:
    del conference.members[call.call_id], core.in_conference[call.call_id]
    core.happen("memberLeft", "conference.exit", conferenceId=conference.conference_id, callId=call.call_id)
    tell(core, conference, "conferenceMemberExit", "conference.exit", call)


def _end(core: Core, conference: Conference, rule: str) -> None:
    conference.completed_time = core.now
    conference.queue, conference.verb = [], None
    conference.turn += 1
    core.hush(conference.conference_id)
    del core.rooms[conference.name]
    recordings.ended(core, conference, "recording.conference-end")
    core.after(lifecycle.KEPT_SECONDS, partial(_forget, core, conference), waits=False)
    core.happen("conferenceCompleted", rule, conferenceId=conference.conference_id, name=conference.name)
    tell(core, conference, "conferenceCompleted", rule)


def _forget(core: Core, conference: Conference) -> None:
    del core.conferences[conference.conference_id]
    core.happen("forgotten", "conference.kept", conferenceId=conference.conference_id)


def _expire(core: Core, conference: Conference) -> None:
    if conference.completed_time is None:
        complete(core, conference, "conference.day")


def complete(core: Core, conference: Conference, rule: str = "conference.end") -> None:
    """End a conference: all leave, then each call goes on with the verb after its `<Conference>`."""
    calls = [(call, call.turn) for call in map(core.calls.__getitem__, conference.members)]
    for call, _ in calls:
        _exit(core, conference, call)
    _end(core, conference, rule)
    for call, turn in calls:
        # The verb of one may have taken another along, by a Bridge.
        if call.turn == turn:
            program.step(core, call)


# What is played to the room


def receive(core: Core, conference: Conference, body: bytes | None, url: str) -> None:
    """Use the answer to a conference's event: a document for the room, or nothing."""
    if body is None:
        return core.happen("webhookFailed", "conference.webhook", conferenceId=conference.conference_id)
    if not body.strip():
        return core.follow("conference.no-document")
    if conference.completed_time is not None:
        return core.follow("conference.late")
    try:
        document = bxml.parse(body, bxml.Where.CONFERENCE)
    except BxmlError as error:
        return core.happen("documentRefused", "conference.verbs", conferenceId=conference.conference_id, reason=str(error))
    return play(core, conference, document.verbs, url)


def play(core: Core, conference: Conference, document: Sequence[bxml.Verb], base_url: str | None) -> None:
    """Queue a document; it starts when those before it are over."""
    conference.queue.append((list(document), base_url))
    if conference.verb is None:
        return _next(core, conference)
    return core.happen("documentQueued", "conference.queue", conferenceId=conference.conference_id)


def _next(core: Core, conference: Conference) -> None:
    core.hush(conference.conference_id)
    while conference.queue:
        document, base_url = conference.queue[0]
        if not document:
            conference.queue.pop(0)
            continue
        conference.verb = document.pop(0)
        conference.turn += 1
        if not _start(core, conference, conference.verb, base_url):
            return
    conference.verb = None


def _start(core: Core, conference: Conference, verb: bxml.Verb, base_url: str | None) -> bool:
    """Start a verb in the room; True when it is over already."""
    turn, number = conference.turn, conference.conference_id
    if isinstance(verb, (bxml.SpeakSentence, bxml.PlayAudio)):
        core.follow("sound.room")
    if isinstance(verb, bxml.SpeakSentence):
        core.after(saying.say(core, verb, conferenceId=number), partial(_resume, core, conference, turn))
        return False
    if isinstance(verb, bxml.PlayAudio):
        url = urljoin(base_url or "", verb.audio_uri)
        core.fetch(url, verb.username, verb.password, partial(_played, core, conference, turn))
        return False
    recordings.run(core, conference, verb, base_url)
    return True


def _resume(core: Core, conference: Conference, turn: int) -> None:
    if conference.turn == turn:
        _next(core, conference)


def _played(core: Core, conference: Conference, turn: int, fetch_id: int, seconds: float | None, error: str | None) -> None:
    """An error in one verb skips to the next (documented)."""
    if conference.turn != turn:
        return core.drop(fetch_id)
    if seconds is None:
        core.happen("playFailed", "conference.skip", conferenceId=conference.conference_id, reason=error)
        return _next(core, conference)
    saying.play(core, fetch_id, seconds, conferenceId=conference.conference_id)
    core.after(seconds, partial(_resume, core, conference, turn))
    return None
