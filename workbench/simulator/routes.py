"""Whose sound goes where: for every ear the sources it hears, as a pure function of the state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ear:
    """Where sound arrives: a phone by its number, or one stream of a browser's device.

    `party` is the phone's number, the participant's or the endpoint's id. `stream` names what the device hears apart: the participant it is
    subscribed to, or the call it is connected with; None for a phone, and for a device that hears everything as one.
    """

    party: str
    stream: str | None = None
