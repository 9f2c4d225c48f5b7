"""`docs/conformance.md`: what was provoked, what is valid, and why the rest was not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .choices import CHOICES
from .provoke import Outcome
from .specs import CORRECTIONS, LEFT_OUT, documents
from .webhooks import ACCEPTED, ALL_EVENTS, DOCUMENTS, NOT_SENT, Seen, schema_of

TITLES = {"2026": "bandwidth-2026.yml", "2023": "voice-v2-2023.yml", "webrtc": "webrtc-v1.yml"}
COLUMNS = (400, 401, 403, 404, 405, 409, 415, 429, 500)
HEAD = """\
# Conformance with Bandwidth's OpenAPI documents

Made by `python3 run.py conformance`; a test compares it with a fresh run where the documents are beside the repository (`../shared/specs`,
or the folder that `BANDWIDTH_SPECS` names).

Every documented status of every operation is provoked on a platform of its own, the engine broken on purpose for 500. The validator of
[openapi-core](https://pypi.org/project/openapi-core/) checks both directions: the request as one of the operation, and the answer's status,
media type, headers and body. It is set to be strict: a field that is not documented is wrong, and so is a documented one that is missing.
"""
TOTALS = ("document", "operations", "documented statuses", "valid", "not provoked", "deviating", "valid of those provoked")
LEGEND = """\
✓ valid by every document that has the operation; a letter: not provoked, for the reason below; ✗ deviates; empty: not documented.
"""
WEBHOOKS = """\
Every webhook that the scenarios of `tests/corpus` bring about is checked by the callback schema of its event. ✓ valid, — no schema
in the document.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def markdown(outcomes: Sequence[Outcome], seen: Mapping[str, Seen]) -> str:
    """The page."""
    reasons = {reason: chr(ord("a") + place) for place, reason in enumerate(dict.fromkeys(item.skip for item in outcomes if item.skip))}
    notes = [f"* **{letter}**: {reason}" for reason, letter in reasons.items()]
    return "\n".join(
        [
            HEAD,
            table(TOTALS, _totals(outcomes)),
            "## Operations\n",
            LEGEND,
            table(("operation", "success", *COLUMNS), _rows(outcomes, reasons)),
            *notes,
            "\n## Where the documents are read otherwise than they stand\n",
            table(("document", "place", "why"), [(TITLES[document], f"`{'/'.join(path)}`", why) for document, path, _, why in CORRECTIONS]),
            table(("operation", "documented and left out", "why"), [(name, complaint, why) for (name, complaint), why in LEFT_OUT.items()]),
            "## Webhooks\n",
            WEBHOOKS,
            table(("event", "2026", "2023", "remark"), _webhooks(seen)),
            table(
                ("event", "the document's complaint", "why it is sent so"),
                _reasons(ACCEPTED),
            ),
            table(("event", "field no scenario carries", "why"), _reasons(NOT_SENT)),
            "## Where documents and pages disagree\n",
            table(("topic", "one says", "another says", "our choice"), CHOICES),
        ]
    )


def _totals(outcomes: Sequence[Outcome]) -> Iterable[Sequence[object]]:
    for document, title in TITLES.items():
        yield f"`{title}`", *_counts([item for item in outcomes if item.document == document])
    yield "**all**", *_counts(outcomes)


def _counts(outcomes: Sequence[Outcome]) -> Sequence[object]:
    valid, skipped = sum(item.valid for item in outcomes), sum(bool(item.skip) for item in outcomes)
    provoked = len(outcomes) - skipped
    operations = len({item.operation for item in outcomes})
    return operations, len(outcomes), valid, skipped, provoked - valid, f"{valid / provoked:.1%}"


def _reasons(reasons: Mapping[tuple[str, str], str]) -> Iterable[Sequence[object]]:
    return ((event, f"`{what}`", why) for (event, what), why in reasons.items())


def _webhooks(seen: Mapping[str, Seen]) -> Iterable[Sequence[object]]:
    for event in ALL_EVENTS:
        schema = [schema_of(event) in documents()[document].webhooks() for document in DOCUMENTS]
        complaints = [seen[event].complaints[document] for document in DOCUMENTS]
        yield event, *("—" if not has else "✗" if found else "✓" for has, found in zip(schema, complaints, strict=True))


def _rows(outcomes: Sequence[Outcome], reasons: dict[str, str]) -> Iterable[Sequence[object]]:
    for name in dict.fromkeys(item.operation for item in outcomes):
        own = [item for item in outcomes if item.operation == name]
        successes = dict.fromkeys(item.status for item in own if item.status < 300)
        success = " ".join(f"{status} {_cell(own, status, reasons)}" for status in successes)
        yield name, success, *(_cell(own, status, reasons) for status in COLUMNS)


def _cell(outcomes: Sequence[Outcome], status: int, reasons: dict[str, str]) -> str:
    found = [item for item in outcomes if item.status == status]
    if not found:
        return ""
    if any(item.errors for item in found):
        return "✗"
    return reasons[found[0].skip] if found[0].skip else "✓"
