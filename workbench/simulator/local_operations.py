"""Ours alone: phones, devices, and what is going on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from workbench import tokens
from workbench.simulator import (
    admission,
    applications,
    dial_fields,
    handsets,
    inviting,
    keys,
    lifecycle,
    limits,
    mixing,
    phones,
    requests,
    sip,
    speaking,
)
from workbench.simulator.calls import Call
from workbench.simulator.core import Application
from workbench.simulator.device_operations import DeviceOperations
from workbench.simulator.effects import Refusal
from workbench.simulator.limits import Limits
from workbench.simulator.phones import Interconnect, Phone
from workbench.simulator.snapshot import snapshot

Fields = Mapping[str, Any]


class LocalOperations(DeviceOperations):
    """What `/_local/` may ask of the engine. Methods raise Refusal, and then nothing has changed."""

    __slots__ = ()

    def dial(self, now: float, number: str, to: str, fields: Fields = MappingProxyType({})) -> Call:
        """A phone dials a number of the account. Raises Refusal 404 for other numbers, 409 while it is in a call."""
        self.tick(now)
        phone = self._phone(number)
        dialog, uui = dial_fields.invitation(fields, sip=requests.is_sip(number))
        if to not in self.numbers:
            raise Refusal(404, f"{to} is not a number of this account: {', '.join(self.numbers)}", "call.wire")
        if inviting.in_call(self, phone.number) is not None:
            raise Refusal(409, f"{phone.name} is in a call", "phone.one-call")
        if lifecycle.refuses(self, phone.number, to):
            raise Refusal(429, f"{to} takes no further call now: {admission.why_not(self)}", "limits.inbound")
        return lifecycle.arrive(self, phone.number, to, dialog, uui)

    def phone_answer(self, now: float, number: str) -> None:
        """Pick up a ringing phone."""
        self.tick(now)
        lifecycle.answer(self, self._ringing(number))

    def phone_reject(self, now: float, number: str) -> None:
        """Decline a ringing phone's call."""
        self.tick(now)
        sip.refuse(self, self._ringing(number), sip.DECLINED, rule="call.rejected")

    def phone_hangup(self, now: float, number: str) -> None:
        """Hang up a phone, whatever its call is doing."""
        self.tick(now)
        call = self._call_of(number)
        if call.answered:
            lifecycle.end(self, call, "hangup", rule="call.hangup")
        elif call.direction == "inbound":
            lifecycle.end(self, call, "cancel", rule="call.cancel")
        else:
            sip.refuse(self, call, sip.DECLINED, rule="call.cancel")

    def phone_keys(self, now: float, number: str, digits: str) -> None:
        """Press keys on a phone that is in a call."""
        self.tick(now)
        call = self._call_of(number)
        if not call.answered or not keys.valid(digits):
            raise Refusal(400, "digits must be some of 0-9 * # A-D, and the phone in an answered call", "phone.field")
        keys.press(self, call, digits)

    def phone_say(self, now: float, number: str, text: str) -> None:
        """Have a phone in an answered call say a sentence, after those it is saying."""
        self.tick(now)
        call = self._call_of(number)
        if not call.answered or not text.strip() or len(text) > phones.MOST_CHARACTERS:
            told = f"text must have 1 to {phones.MOST_CHARACTERS} characters, and the phone be in an answered call"
            raise Refusal(400, told, "phone.field")
        speaking.say(self, call, text)

    def _phone(self, number: str) -> Phone:
        if not (requests.is_e164(number) or requests.is_sip(number)) or number == tokens.INTERCONNECT:
            raise Refusal(400, f"{number} is neither an E.164 telephone number nor a SIP URI of a phone", "phone.number")
        if number in self.numbers:
            raise Refusal(400, f"{number} belongs to an application, it is no phone", "phone.number")
        return self.phones.get(number) or phones.phone(number)

    def _call_of(self, number: str) -> Call:
        call = inviting.in_call(self, self._phone(number).number)
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
        phone = phones.changed(self._phone(number), fields)
        handsets.script(self, phone, "by_hand" in fields)
        return phone

    # Phones in somebody's hand

    def check_handset(self, number: str) -> str:
        """The number of a phone that can be taken in hand. Raises Refusal."""
        return self._phone(number).number

    def take_handset(self, now: float, number: str) -> None:
        """Somebody holds a phone: it waits to be answered."""
        self.tick(now)
        handsets.take(self, self._phone(number))

    def release_handset(self, now: float, number: str) -> None:
        """Nobody holds the phone any more: it does what its script says. Its call goes on."""
        self.tick(now)
        handsets.release(self, self._phone(number))

    def handset(self, number: str) -> dict[str, Any]:
        """What a phone's display shows."""
        return handsets.shown(self, number)

    def configure_interconnect(self, fields: Fields) -> Interconnect:
        """Tell the interconnect how to answer."""
        self.interconnect = phones.changed_interconnect(self.interconnect, fields)
        return self.interconnect

    def expire_tokens(self, count: int) -> None:
        """Give so many of the next participants a token whose time is over."""
        self.stale_tokens = count

    def configure_limits(self, now: float, fields: Fields) -> Limits:
        """Set the account's limits; calls that wait begin as the new ones allow."""
        self.tick(now)
        self.limits = limits.changed(self.limits, fields)
        self.after(0.0, partial(admission.serve, self))
        return self.limits

    def configure_application(self, application_id: str, fields: Fields) -> Application:
        """Set an application's callback URLs and credentials; one that is not there yet begins."""
        former = self.applications.get(application_id) or Application(application_id, application_id)
        self.applications[application_id] = applications.changed(former, fields)
        return self.applications[application_id]

    def delete_application(self, application_id: str) -> None:
        """Forget an application. Raises Refusal 409 while numbers belong to it."""
        if application_id not in self.applications:
            raise Refusal(404, f"application {application_id} not found", "application.unknown")
        applications.check_unused(self, application_id)
        del self.applications[application_id]

    def put_number(self, number: str, fields: Fields) -> str:
        """Own a number, or give it to another application: calls to it ask that one from now on."""
        application_id = applications.check_number(self, number, fields.get("applicationId"))
        self.numbers[number] = application_id
        self.phones.pop(number, None)
        return application_id

    def delete_number(self, number: str) -> None:
        """Give a number up: it is a phone like any other then. Calls of it go on."""
        if number not in self.numbers:
            raise Refusal(404, f"{number} is not a number of this account", "number.unknown")
        del self.numbers[number]

    def hears(self) -> dict[str, Any]:
        """Who hears whom now."""
        parties = [{"id": party.id, "name": party.name, "kind": party.kind} for party in mixing.parties(self)]
        return {"parties": parties, "hears": mixing.hears(self)}

    def state(self) -> dict[str, Any]:
        """Everything there is, ready for JSON, without secrets."""
        return snapshot(self)
