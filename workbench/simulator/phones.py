"""The edge of the phone network: every number is a phone, and a few answer in their own way. Ours alone, for practice and tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from workbench.simulator.effects import Refusal

# What a machine detection finds out (documented, webhooks/machineDetectionComplete).
AnsweredBy = Literal["human", "answering-machine", "tone-detected", "silence", "timeout", "error"]
# SIP statuses: how an INVITE is refused; how a REFER is answered, and what came of it.
Failure = int
Hertz = float  # within what a telephone's far end may hear
Status = int
Address = str  # of a file


@dataclass(frozen=True, slots=True)
class Phone:
    """A simulated telephone and its script, at a number or SIP URI. Seconds are decimal; `hangup_after` counts from the answer.

    In a call it `says` a sentence and `plays` a file when it is answered, sounds a `tone` all the time, and `echoes` what it hears.
    """

    number: str
    answer: bool = True
    ring_seconds: float = 1.0
    busy: bool = False
    reject: bool = False
    hangup_after: float | None = None
    by_hand: bool = False
    answered_by: AnsweredBy = "human"
    rings: bool = True
    says: str | None = None
    plays: Address | None = None
    tone: Hertz | None = None
    echoes: bool = False
    refuses_with: Failure | None = None
    refer_answer: Status = 202
    refer_outcome: Status | None = 200

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return f"phone {self.number}"


@dataclass(frozen=True, slots=True)
class Interconnect:
    """How the SIP interconnect answers the WebRTC leg."""

    answer: bool = True
    answer_seconds: float = 0.2


MOST_CHARACTERS = 1000  # of what a phone says

# Numbers with a behaviour of their own; the documentation lists them from here.
SPECIAL: Mapping[str, Mapping[str, Any]] = {
    "+19195550191": {"busy": True},
    "+19195550192": {"answer": False},
    "+19195550193": {"reject": True},
    "+19195550194": {"ring_seconds": 10.0},
    "+19195550195": {"hangup_after": 5.0},
    "+19195550196": {"answered_by": "answering-machine"},
    "+19195550197": {"rings": False},
}


def phone(number: str) -> Phone:
    """The phone at a number, with the script its number implies."""
    return Phone(number, **SPECIAL.get(number, {}))


def changed(phone: Phone, values: Mapping[str, Any]) -> Phone:
    """A phone with another script. Raises Refusal naming the field and the rule."""
    return replace(phone, **_checked(Phone, values))


def changed_interconnect(interconnect: Interconnect, values: Mapping[str, Any]) -> Interconnect:
    """The interconnect told to behave otherwise. Raises Refusal naming the field and the rule."""
    return replace(interconnect, **_checked(Interconnect, values))


def _checked(record: type[Phone] | type[Interconnect], values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {item.name: str(item.type) for item in fields(record) if item.name != "number"}
    for name, value in values.items():
        if name not in kinds:
            raise Refusal(400, f"unknown field {name}: one of {', '.join(kinds)}", "phone.field")
        if not _fits(kinds[name], value):
            raise Refusal(400, f"{name} must be {_WORDS[kinds[name]]}, but was {value!r}", "phone.field")
    return dict(values)


_WORDS = {
    "bool": "true or false",
    "float": "a number of seconds from 0 to 86400",
    "float | None": "a number of seconds from 0 to 86400, or null",
    "str | None": "a text, or null",
    "Hertz | None": "a frequency from 20 to 20000, or null",
    "Address | None": "an http or https URL without credentials, or null",
    "Failure | None": "a SIP status from 400 to 699, or null",
    "Status": "a SIP status from 200 to 699",
    "Status | None": "a SIP status from 200 to 699, or null",
    "AnsweredBy": f"one of {', '.join(get_args(AnsweredBy))}",
}


def _fits(kind: str, value: Any) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "AnsweredBy":
        return value in get_args(AnsweredBy)
    if value is None:
        return kind.endswith("None")
    if kind.startswith(("Failure", "Status")):
        low = 400 if kind.startswith("Failure") else 200
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= 699
    if kind.startswith(("float", "Hertz")):
        low, high = (20, 20_000) if kind.startswith("Hertz") else (0, 86_400)
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        return False
    return not kind.startswith("Address") or re.fullmatch(r"https?://[^/@\s?#]+([/?#]\S*)?", value) is not None
