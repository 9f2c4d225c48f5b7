"""What the checker says of a document before it is sent: what it does, or which rule it breaks, where, and what would come of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from workbench import bxml
from workbench.bxml import Where
from workbench.errors import BxmlError
from workbench.masking import HIDDEN
from workbench.modes.handlers import CONFERENCE, TELLING

REFUSED = "the platform refuses the whole document and the call ends with cause invalid-bxml"
_INSIDE = re.compile(r"inside <(\w+)>")
# What stands in the place of a document that the platform does not run (bxml/about, webhooks/about).
_THEN = {
    Where.CALL: (REFUSED, "documented"),
    Where.TRANSFER_ANSWER: (REFUSED, "documented"),
    Where.CONFERENCE: ("the platform refuses the whole document and the conference stays as it is", "assumed"),
}


@dataclass(frozen=True)
class Verdict:
    """`good` says whether the platform would run the document, and `verbs` what it would run.

    Else `rule` says what is wrong; `line` and `column` count from 1, `verb` and `attribute` name the place where they can be told; `label`
    says how sure the rule is, `source` where it is written, `then` what the platform does with such a document.
    """

    good: bool
    verbs: tuple[str, ...] = ()
    rule: str = ""
    line: int | None = None
    column: int | None = None
    verb: str | None = None
    attribute: str | None = None
    label: str = "documented"
    source: str = ""
    then: str = ""
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        first, *rest = self._said().split("\n")
        notes = [f"Note: {warning}" for warning in self.warnings]
        # A refusal's likely reason comes before the rule: it is what a reader mends.
        return "\n".join([first, *notes, *rest])

    def _said(self) -> str:
        if self.good:
            return f"Good: {', '.join(self.verbs)}." if self.verbs else "Good: no verb, so the platform hangs up."
        where = f" (line {self.line}, column {self.column})" if self.line is not None else ""
        what = f"<{self.verb}>{f' {self.attribute}' if self.attribute else ''}{_goes_on(self.rule)}" if self.verb else ""
        return f"Refused{where}: {what}{self.rule}.\nThis rule is {self.label}, see {self.source}. If it is sent, {self.then}."


def place(event_type: str) -> Where:
    """Where the answer to such an event is run."""
    return Where.CONFERENCE if event_type in CONFERENCE else Where.TRANSFER_ANSWER if event_type == "transferAnswer" else Where.CALL


def judge(document: str, event_type: str, secrets: Mapping[str, str] | None = None) -> Verdict:
    """The verdict on a text as the answer to an event. `secrets` are what its placeholders stand for; none of them is in the verdict."""
    secrets = secrets or {}
    if event_type in TELLING:
        return Verdict(True, warnings=(f"the platform ignores what {event_type} is answered",))
    if (lost := _altered(document, secrets)) is not None:
        return lost
    where = place(event_type)
    if not document.strip():
        return Verdict(True)
    try:
        root = bxml.parse(restored(document, secrets), where)
    except BxmlError as error:
        return replace(_refused(error, where, secrets), warnings=_meant(error) or _unclosed(document, error))
    gone = (f"{one}, a secret of what the handler returned, is not in it" for one in secrets if one not in document)
    return Verdict(True, tuple(type(verb).__name__ for verb in root.verbs), warnings=(*root.warnings, *gone))


def restored(document: str, secrets: Mapping[str, str]) -> str:
    """The document with the secrets in the place of their placeholders."""
    for placeholder, secret in secrets.items():
        document = document.replace(placeholder, secret)
    return document


def _altered(document: str, known: Iterable[str]) -> Verdict | None:
    rest = document
    for placeholder in sorted(known, key=len, reverse=True):
        rest = rest.replace(placeholder, "")
    if HIDDEN not in rest:
        return None
    line = next(number for number, text in enumerate(rest.splitlines(), 1) if HIDDEN in text)
    rule = f"{HIDDEN} stands for a secret, and this one was altered; take it unchanged from what the handler returned"
    return Verdict(False, rule=rule, line=line, column=1, label="ours", source="docs/stepping.md", then="the secret would be missing")


def _refused(error: BxmlError, where: Where, secrets: Mapping[str, str]) -> Verdict:
    then, sure = _THEN[where]
    page = "about" if error.verb not in bxml.VERBS else error.verb[:1].lower() + error.verb[1:]
    return Verdict(
        False,
        rule=_hidden(error.rule.removesuffix("."), secrets),
        line=error.line,
        column=error.column,
        verb=error.verb,
        attribute=error.attribute,
        label=_label(error),
        source=f"Bandwidth's page bxml/{page}",
        then=f"{then} ({sure})",
    )


def _unclosed(document: str, error: BxmlError) -> tuple[str, ...]:
    """The likely reason why a verb stands inside another one."""
    inside = _INSIDE.search(error.rule)
    if inside is None:
        return ()
    opened = [found for found in re.finditer(rf"<{inside[1]}\b[^>]*>", document) if not found[0].endswith("/>")]
    if len(opened) <= document.count(f"</{inside[1]}>"):
        return ()
    line = document.count("\n", 0, opened[-1].start()) + 1
    return (f"<{inside[1]}> of line {line} is not closed: </{inside[1]}> is missing",)


def _meant(error: BxmlError) -> tuple[str, ...]:
    """The verb whose name is nearest to one that does not exist."""
    from difflib import get_close_matches

    if error.verb is None or error.verb in bxml.VERBS:
        return ()
    capitals = {name.lower(): name for name in bxml.VERBS}
    near = get_close_matches(error.verb.lower(), capitals, n=1)
    return tuple(f"did you mean <{capitals[name]}>? Capitals count" for name in near)


def _goes_on(rule: str) -> str:
    """Between the name of an element and the rule: nothing where the two make one sentence."""
    return " " if rule.startswith(("is ", "stands ")) else ": "


def _hidden(text: str, secrets: Mapping[str, str]) -> str:
    for placeholder, secret in secrets.items():
        text = text.replace(secret, placeholder)
    return text


def _label(error: BxmlError) -> str:
    """How sure the rule is: that of the attribute, where there is one."""
    if error.verb not in bxml.VERBS:
        return "documented"
    rows = {row.attribute: row.label for row in bxml.describe(str(error.verb))}
    return rows.get(error.attribute or "", "documented")
