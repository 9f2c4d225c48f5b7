"""The engine: every operation of the platform as a method. Inputs carry `now`, effects come out; it does no I/O and knows no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from workbench import bxml
from workbench.errors import BxmlError
from workbench.simulator import bodies, conferences, gather, lifecycle, mixing, phones, program, requests, verbs, webrtc
from workbench.simulator.calls import Call, Conference, Member, State
from workbench.simulator.core import Application, Core, Delivery, Kind
from workbench.simulator.effects import Refusal
from workbench.simulator.phones import Interconnect, Phone
from workbench.simulator.records import Participant, Session, Subscription
from workbench.simulator.snapshot import snapshot

Fields = Mapping[str, Any]

KEPT_SECONDS = 7 * 24 * 3600.0


@dataclass(slots=True)
class Engine(Core):
    """Bandwidth's platform as a state machine. Methods raise Refusal, and then nothing has changed."""

    def __post_init__(self) -> None:
        self.applications = {application.application_id: application for application in self.config.applications}

    def request_seq(self) -> int:
        """The place of an API answer in the order of everything that happens."""
        return self.next_seq()

    # What the shell reports

    def webhook_done(self, now: float, delivery_id: int, status: int | None, body: bytes, error: str | None = None) -> None:
        """A webhook was answered, or its connection failed (`error` set). Late ones are ignored."""
        self._tick(now)
        delivery = self.deliveries.pop(delivery_id, None)
        if delivery is not None:
            self.conclude(delivery, status, body, connection_failed=error is not None)

    def audio_fetched(self, now: float, fetch_id: int, seconds: float | None, error: str | None = None) -> None:
        """An audio file was fetched: its length, or what went wrong."""
        self._tick(now)
        done = self.fetches.pop(fetch_id, None)
        if done is not None:
            done(seconds, error)

    def settled(self, delivery: Delivery, body: bytes | None) -> None:
        """Use a webhook's answer on the call or conference it belongs to."""
        if delivery.kind is Kind.CONFERENCE:
            conference = self.conferences[delivery.conference_id or ""]
            return conferences.receive(self, conference, body, delivery.url)
        if delivery.kind is Kind.NONE:
            if body is None:
                self.happen("webhookLost", "webhook.lost", event=delivery.body.get("eventType") or delivery.body.get("event"))
            return None
        call = self.calls[delivery.call_id or ""]
        if not call.active or call.turn != delivery.turn:
            return self.happen("answerIgnored", "webhook.late", callId=call.call_id, event=delivery.body["eventType"])
        if body is None:
            message = f"The {delivery.body['eventType']} webhook could not be delivered"
            return lifecycle.end(self, call, "callback-error", message, rule="webhook.failed")
        return program.receive(self, call, body, delivery.url)

    def execute(self, call: Call, verb: bxml.Verb) -> bool:
        """Start a verb on a call; True when it is over already."""
        return verbs.execute(self, call, verb)

    def _tick(self, now: float) -> None:
        self.now = max(self.now, now)

    # Calls

    def create_call(self, now: float, fields: Fields) -> Call:
        """Queue an outbound call; it starts at the next timer."""
        self._tick(now)
        checked = requests.create_call(fields)
        if checked["applicationId"] not in self.applications:
            raise Refusal(400, f"Could not create call: Application id {checked['applicationId']} not found", "request.application")
        self._forget_old_calls()
        call = Call(
            call_id=self.ids("call"),
            account_id=self.config.account_id,
            application_id=checked["applicationId"],
            direction="outbound",
            from_=checked["from"],
            to=checked["to"],
            state=State.QUEUED,
            answer=requests.hook(checked, "answer"),
            disconnect=requests.hook(checked, "disconnect"),
            enqueued_time=self.now,
            last_update=self.now,
            tag=checked.get("tag") or None,
            call_timeout=float(checked.get("callTimeout", 30)),
            callback_timeout=float(checked.get("callbackTimeout", 15)),
            priority=int(checked.get("priority", 5)),
            uui=checked.get("uui"),
            display_name=checked.get("displayName"),
        )
        self.calls[call.call_id] = call
        self.happen("queued", "call.queue", callId=call.call_id, **{"from": call.from_, "to": call.to})
        if checked.get("machineDetection"):
            self.happen("notSimulated", "bxml.not-simulated", callId=call.call_id, verb="machineDetection")
        self.after(0.0, partial(lifecycle.start, self, call))
        return call

    def _forget_old_calls(self) -> None:
        """Calls are in the order of their creation, so the oldest are looked at first."""
        while self.calls:
            oldest = next(iter(self.calls.values()))
            if oldest.end_time is None or oldest.end_time + KEPT_SECONDS > self.now:
                return
            del self.calls[oldest.call_id]

    def _kept(self, call: Call) -> bool:
        return call.end_time is None or call.end_time + KEPT_SECONDS > self.now

    def call(self, call_id: str) -> Call:
        """A call by id. Raises Refusal 404."""
        call = self.calls.get(call_id)
        if call is None or not self._kept(call):
            raise Refusal(404, f"Call [{call_id}] not found", "call.unknown")
        return call

    def list_calls(self, fields: Mapping[str, str]) -> list[Call]:
        """Calls that match, oldest first; times are compared as text, which their format allows."""
        wanted = [call for call in self.calls.values() if self._kept(call)]
        for name, value in (("to", "to"), ("from", "from_"), ("disconnectCause", "cause")):
            if fields.get(name):
                wanted = [call for call in wanted if getattr(call, value) == fields[name]]
        if fields.get("minStartTime"):
            wanted = [call for call in wanted if call.start_time and bodies.iso(call.start_time) >= fields["minStartTime"]]
        if fields.get("maxStartTime"):
            wanted = [call for call in wanted if call.start_time and bodies.iso(call.start_time) <= fields["maxStartTime"]]
        return wanted

    def update_call(self, now: float, call_id: str, fields: Fields) -> None:
        """End a call, or give it the document of another URL."""
        self._tick(now)
        call, checked = self.call(call_id), requests.update_call(fields)
        if checked["state"] == "completed":
            if not call.active:
                raise self._conflict(call)
            return lifecycle.give_up(self, call)
        self._check_changeable(call)
        if "tag" in checked:
            call.tag = checked["tag"] or None
        hook = requests.hook(checked, "redirect")
        assert hook is not None
        lifecycle.interrupt(self, call)
        return lifecycle.ask(self, call, "redirect", hook, "call.redirect")

    def update_call_bxml(self, now: float, call_id: str, document: bytes) -> None:
        """Give a call another document at once."""
        self._tick(now)
        call = self.call(call_id)
        document_verbs = self._document(document, bxml.Where.CALL)
        self._check_changeable(call)
        lifecycle.interrupt(self, call)
        self.happen("replaced", "call.replace", callId=call.call_id)
        program.run(self, call, document_verbs, None)

    def _document(self, document: bytes, where: bxml.Where) -> Sequence[bxml.Verb]:
        try:
            root = bxml.parse(document, where)
        except BxmlError as error:
            raise Refusal(400, str(error), "call.bxml" if where is bxml.Where.CALL else "conference.verbs") from error
        relative = next((url for _, _, url in bxml.urls(root) if "://" not in url), None)
        if relative is not None:
            raise Refusal(400, f"{relative} is relative, but there is no URL to resolve it against", "call.bxml-relative")
        return root.verbs

    def _check_changeable(self, call: Call) -> None:
        waiting = call.direction == "outbound" and call.state in (State.QUEUED, State.INITIATED)
        if waiting or not call.active:
            raise self._conflict(call)

    @staticmethod
    def _conflict(call: Call) -> Refusal:
        return Refusal(409, f"Call [{call.call_id}] cannot be modified in its current state", "call.modify")

    # Conferences

    def conference(self, conference_id: str) -> Conference:
        """A conference by id. Raises Refusal 404."""
        if conference_id not in self.conferences:
            raise Refusal(404, f"Conference [{conference_id}] not found", "conference.unknown")
        return self.conferences[conference_id]

    def list_conferences(self, fields: Mapping[str, str]) -> list[Conference]:
        """Conferences that match, oldest first."""
        wanted = list(self.conferences.values())
        if fields.get("name"):
            wanted = [conference for conference in wanted if conference.name == fields["name"]]
        if fields.get("minCreatedTime"):
            wanted = [conference for conference in wanted if bodies.iso(conference.created_time) >= fields["minCreatedTime"]]
        if fields.get("maxCreatedTime"):
            wanted = [conference for conference in wanted if bodies.iso(conference.created_time) <= fields["maxCreatedTime"]]
        return wanted

    def update_conference(self, now: float, conference_id: str, fields: Fields) -> None:
        """End a conference, or play the document of another URL to it."""
        self._tick(now)
        conference, checked = self._active_conference(conference_id), requests.update_conference(fields)
        if checked["status"] == "completed":
            return conferences.complete(self, conference)
        hook = requests.hook(checked, "redirect")
        assert hook is not None
        body = bodies.conference_event(self, "conferenceRedirect", conference)
        timeout = conference.callback_timeout
        return self.send(hook, body, "conference.redirect", kind=Kind.CONFERENCE, conference=conference, timeout=timeout)

    def update_conference_bxml(self, now: float, conference_id: str, document: bytes) -> None:
        """Play a document to a conference."""
        self._tick(now)
        conference = self._active_conference(conference_id)
        conferences.play(self, conference, self._document(document, bxml.Where.CONFERENCE), None)

    def _active_conference(self, conference_id: str) -> Conference:
        conference = self.conference(conference_id)
        if conference.completed_time is not None:
            raise Refusal(409, f"Conference [{conference_id}] cannot be modified in its current state", "conference.ended")
        return conference

    def member(self, conference_id: str, call_id: str) -> Member:
        """A member by its call's id. Raises Refusal 404."""
        member = self.conference(conference_id).members.get(call_id)
        if member is None:
            raise Refusal(404, f"Member [{call_id}] not found", "conference.unknown")
        return member

    def update_member(self, now: float, conference_id: str, call_id: str, fields: Fields) -> None:
        """Change a member's mute, hold and coach; no webhook tells."""
        self._tick(now)
        member, checked = self.member(conference_id, call_id), requests.update_member(fields)
        member.mute = checked.get("mute", member.mute)
        member.hold = checked.get("hold", member.hold)
        if "callIdsToCoach" in checked:
            conferences.set_coach(self.conference(conference_id), member, checked["callIdsToCoach"])
        self.happen("memberChanged", "conference.member", conferenceId=conference_id, callId=call_id, **checked)

    # WebRTC

    def create_participant(self, now: float, fields: Fields) -> tuple[Participant, str]:
        """A new participant and its token."""
        self._tick(now)
        return webrtc.create_participant(self, *requests.participant(fields))

    def participant(self, participant_id: str) -> Participant:
        """A participant by id. Raises Refusal 404."""
        if participant_id not in self.participants:
            raise Refusal(404, f"participant {participant_id} not found", "webrtc.unknown")
        return self.participants[participant_id]

    def delete_participant(self, now: float, participant_id: str) -> None:
        """Forget a participant; its SIP leg is hung up."""
        self._tick(now)
        webrtc.delete_participant(self, self.participant(participant_id))

    def create_session(self, now: float, fields: Fields) -> Session:
        """A new session."""
        self._tick(now)
        return webrtc.create_session(self, requests.webrtc_tag(fields))

    def session(self, session_id: str) -> Session:
        """A session by id. Raises Refusal 404."""
        if session_id not in self.sessions:
            raise Refusal(404, f"session {session_id} not found", "webrtc.unknown")
        return self.sessions[session_id]

    def delete_session(self, now: float, session_id: str) -> None:
        """Forget a session; the SIP legs in it are hung up."""
        self._tick(now)
        webrtc.delete_session(self, self.session(session_id))

    def session_participants(self, session_id: str) -> list[Participant]:
        """The participants of a session, in the order they were added."""
        return [self.participants[participant_id] for participant_id in self.session(session_id).participants]

    def add_participant(self, now: float, session_id: str, participant_id: str, fields: Fields | None) -> None:
        """Add a participant to a session and, when a body is sent, replace its subscriptions."""
        self._tick(now)
        session, participant = self.session(session_id), self.participant(participant_id)
        wanted = self._subscription(session, participant, fields)
        webrtc.join_session(self, participant, session)
        if fields is not None:
            participant.subscription = wanted

    def remove_participant(self, now: float, session_id: str, participant_id: str) -> None:
        """Take a participant out of a session; a phone call goes on without media."""
        self._tick(now)
        webrtc.leave_session(self, self._member(session_id, participant_id))

    def subscriptions(self, session_id: str, participant_id: str) -> Subscription | None:
        """What a participant is subscribed to."""
        return self._member(session_id, participant_id).subscription

    def set_subscriptions(self, now: float, session_id: str, participant_id: str, fields: Fields | None) -> None:
        """Replace what a participant is subscribed to."""
        self._tick(now)
        participant = self._member(session_id, participant_id)
        participant.subscription = self._subscription(self.session(session_id), participant, fields)

    def _subscription(self, session: Session, participant: Participant, fields: Fields | None) -> Subscription | None:
        requests.subscriptions(session.id, fields)
        wanted = webrtc.as_subscription(session.id, fields)
        webrtc.check_subscription(session, participant, wanted)
        return wanted

    def _member(self, session_id: str, participant_id: str) -> Participant:
        participant = self.participant(participant_id)
        if participant_id not in self.session(session_id).participants:
            raise Refusal(404, f"participant {participant_id} is not in session {session_id}", "webrtc.unknown")
        return participant

    # Ours alone: phones, devices, what is going on

    def dial(self, now: float, number: str, to: str) -> Call:
        """A phone dials a number of the account. Raises Refusal 404 for other numbers, 409 while it is in a call."""
        self._tick(now)
        phone = self._phone(number)
        if to not in self.config.numbers:
            raise Refusal(404, f"{to} is not a number of this account: {', '.join(self.config.numbers)}", "call.wire")
        if lifecycle.in_call(self, phone.number) is not None:
            raise Refusal(409, f"{phone.name} is in a call", "phone.one-call")
        return lifecycle.arrive(self, phone.number, to)

    def phone_answer(self, now: float, number: str) -> None:
        """Pick up a ringing phone."""
        self._tick(now)
        lifecycle.answer(self, self._ringing(number))

    def phone_reject(self, now: float, number: str) -> None:
        """Decline a ringing phone's call."""
        self._tick(now)
        lifecycle.end(self, self._ringing(number), "rejected", rule="call.rejected")

    def phone_hangup(self, now: float, number: str) -> None:
        """Hang up a phone, whatever its call is doing."""
        self._tick(now)
        call = self._call_of(number)
        if call.answered:
            lifecycle.end(self, call, "hangup", rule="call.hangup")
        else:
            lifecycle.end(self, call, "cancel" if call.direction == "inbound" else "rejected", rule="call.cancel")

    def phone_keys(self, now: float, number: str, digits: str) -> None:
        """Press keys on a phone that is in a call."""
        self._tick(now)
        call = self._call_of(number)
        if not call.answered or not digits or set(digits) - set("0123456789*#ABCDabcd"):
            raise Refusal(400, "digits must be some of 0-9 * # A-D, and the phone in an answered call", "phone.field")
        gather.press(self, call, digits)

    def _phone(self, number: str) -> Phone:
        if not requests.is_e164(number):
            raise Refusal(400, f"{number} is not an E.164 telephone number", "request.number")
        if number in self.config.numbers:
            raise Refusal(400, f"{number} belongs to an application, it is no phone", "call.wire")
        return lifecycle.at(self, number)

    def _call_of(self, number: str) -> Call:
        call = lifecycle.in_call(self, self._phone(number).number)
        if call is None:
            raise Refusal(409, f"phone {number} is in no call", "phone.idle")
        return call

    def _ringing(self, number: str) -> Call:
        call = self._call_of(number)
        if not call.ringing:
            raise Refusal(409, f"phone {number} is not ringing", "phone.idle")
        return call

    def configure_phone(self, number: str, fields: Fields) -> Phone:
        """Give a phone another script."""
        self.phones[number] = phones.changed(self._phone(number), fields)
        return self.phones[number]

    def configure_interconnect(self, fields: Fields) -> Interconnect:
        """Tell the interconnect how to answer."""
        self.interconnect = phones.changed_interconnect(self.interconnect, fields)
        return self.interconnect

    def configure_application(self, application_id: str, fields: Fields) -> Application:
        """Set an application's callback URLs and credentials."""
        if application_id not in self.applications:
            raise Refusal(404, f"application {application_id} not found", "request.application")
        application = requests.application(self.applications[application_id], fields)
        self.applications[application_id] = application
        return application

    def connect_device(self, now: float, participant_id: str) -> None:
        """A simulated browser connects with a participant's token."""
        self._tick(now)
        webrtc.connect_device(self, self.participant(participant_id))

    def disconnect_device(self, now: float, participant_id: str) -> None:
        """The simulated browser leaves."""
        self._tick(now)
        participant = self.participant(participant_id)
        if participant.call_id is None:
            webrtc.disconnect_device(self, participant)

    def hears(self) -> dict[str, Any]:
        """Who hears whom now."""
        parties = [{"id": party.id, "name": party.name, "kind": party.kind} for party in mixing.parties(self)]
        return {"parties": parties, "hears": mixing.hears(self)}

    def state(self) -> dict[str, Any]:
        """Everything there is, ready for JSON, without secrets."""
        return snapshot(self)
