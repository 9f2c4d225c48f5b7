"""A closer look at an event, without a platform: what the log has hidden, and the line that failed."""

from __future__ import annotations

import pytest

from workbench import bxml, details
from workbench.copying import objects
from workbench.masking import Masker
from workbench.records import Event
from workbench.tokens import issue

TOKEN = issue(account_id="9900000", participant_id="p-1", secret="s", now=1_800_000_000, tid="+123456789012345")
TARGETS = [
    bxml.PhoneNumber("+19195550111", username="somebody", password="a secret"),
    bxml.PhoneNumber("+4930123456"),
    bxml.SipUri("sip:somebody@example.com", uui=f"{TOKEN};encoding=jwt"),
]
SECRETS = ("5550111", "4930123456", "somebody", "secret", TOKEN)


def event(**values: object) -> Event:
    known = {"id": 7, "run": "r", "time": 0.0, "mode": "transfer", "flow": "transfer-1", "leg": "phone", "direction": "webhook"}
    fields = {"event_type": "answer", "call_id": "c-1", "from_": None, "to": None, "cause": None, "data": {"eventType": "answer"}}
    return Event(**{**known, **fields, "status": 200, **values})  # type: ignore[arg-type]


@pytest.fixture
def masked() -> str:
    """A document as the log of a live platform holds it."""
    return Masker(b"salt", numbers=True).text(bxml.Response([bxml.Transfer(TARGETS, call_timeout=12)]).to_bxml())


def test_what_is_hidden_live_keeps_no_document_from_being_read(masked: str) -> None:
    found = {part["head"]: part for part in details.of(event(reply=masked)).parts}
    lines = found["Answer of this notebook · 200"]["text"].splitlines()
    assert len(lines) == 8 and "+1•••11#" in lines[3] and "<PhoneNumber>+•••56#" in lines[4] and "sip:•••#" in lines[5]
    rows = [row[0].strip() for row in found["What the document does"]["rows"]]
    assert "callTimeout = 12" in rows and any("= +1•••11#" in row for row in rows) and any("uui = eyJ•••#" in row for row in rows)
    assert not [secret for secret in (*SECRETS, "555019", "hidden-") if secret in str(found)]


def test_what_is_hidden_live_is_a_variable_in_code(masked: str) -> None:
    code = objects(masked)
    assert "os.environ['NUMBER']" in code and "os.environ['PARTICIPANT_TOKEN'] + ';encoding=jwt'" in code and "os.environ['URI']" in code
    assert not [secret for secret in (*SECRETS, "555019", "hidden-") if secret in code]


def test_the_line_of_a_handler_that_failed_is_marked() -> None:
    source = "def answer(event, flow):\n    rooms = {}\n    return rooms['none']"
    error = "Traceback …\n  File \"cell\", line 3, in answer\n    return rooms['none']\n           ~~~~~^^^^^^^^\nKeyError: 'none'"
    known = details.Known(source=lambda number: source)
    text = next(part["text"] for part in details.of(event(error=error), known).parts if part["kind"] == "python")
    assert text.splitlines() == ["  def answer(event, flow):", "      rooms = {}", "→     return rooms['none']"]
    text = next(part["text"] for part in details.of(event(), known).parts if part["kind"] == "python")
    assert text == source
