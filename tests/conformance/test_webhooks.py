"""The webhooks of the corpus by the callback schemas of Bandwidth's OpenAPI documents."""

from __future__ import annotations

import pytest

from . import specs, webhooks
from .webhooks import ALL_EVENTS, DOCUMENTS, NOT_SENT, Seen

pytestmark = pytest.mark.skipif(not specs.present(), reason=specs.MISSING)


@pytest.fixture(scope="module")
def seen() -> dict[str, Seen]:
    """What the corpus sent, by event."""
    return webhooks.seen()


def test_every_webhook_is_valid_by_both_years(seen: dict[str, Seen]) -> None:
    found = {(event, document): one.complaints[document] for event, one in seen.items() for document in DOCUMENTS}
    assert {key: complaints for key, complaints in found.items() if complaints} == {}


def test_every_documented_event_occurs(seen: dict[str, Seen]) -> None:
    assert [event for event in ALL_EVENTS if event not in seen] == []


def test_every_documented_field_is_carried_by_some_webhook(seen: dict[str, Seen]) -> None:
    assert webhooks.unsent(seen) - set(NOT_SENT) == set()


def test_a_wrong_webhook_is_found() -> None:
    body = {"eventType": "answer", "callId": 7, "surprise": True}
    for document in DOCUMENTS:
        found = set(webhooks.complaints(document, body))
        assert found == {"callId: 7 is not of type 'string'", "Additional properties are not allowed ('surprise' was unexpected)"}
