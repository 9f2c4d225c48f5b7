"""Tickets: for one number, for a while, not too many, and not to be read from what is kept."""

from __future__ import annotations

import pytest

from workbench.masking import Masker
from workbench.simulator import tickets
from workbench.simulator.effects import Refusal
from workbench.simulator.tickets import Tickets

from .shell import PHONE, PHONE_2


def test_a_ticket_is_good_for_its_number_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(tickets.time, "monotonic", lambda: now[0])
    issued = Tickets()
    one, other = issued.issue(PHONE), issued.issue(PHONE_2)
    assert issued.number_of(one) == PHONE and issued.number_of(other) == PHONE_2
    now[0] = tickets.TICKET_SECONDS - 1
    assert issued.number_of(one) == PHONE
    now[0] += 1
    for unknown in (one, "", "x" * 10_000, "\ud800"):
        with pytest.raises(Refusal) as refused:
            issued.number_of(unknown)
        assert (refused.value.status, refused.value.rule) == (403, "handset.ticket")
    assert one not in repr(issued._issued)


def test_the_oldest_of_too_many_tickets_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "MOST", 2)
    issued = Tickets()
    first, second, third = (issued.issue(PHONE) for _ in range(3))
    with pytest.raises(Refusal):
        issued.number_of(first)
    assert issued.number_of(second) == issued.number_of(third) == PHONE


def test_tickets_and_tokens_in_addresses_are_masked() -> None:
    masker = Masker(b"salt")
    text = masker.text("ws://localhost:8010/_local/handset?ticket=abcdefgh12345678&uniqueId=u and ?client=node&endpointToken=secret-value")
    assert "abcdefgh" not in text and "secret-value" not in text and "uniqueId=u" in text
    assert "abcdefgh" not in str(masker.value({"ticket": "abcdefgh12345678"}))
