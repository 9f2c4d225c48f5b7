"""Which rows of the event table are shown, and in which order: the same in a page (`static/sieve.js`) and in a cell. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from workbench.errors import WorkbenchError

Row = Mapping[str, Any]
KINDS = ("webhook", "request", "failed")
TAKEN = ("time", "ms", "event", "leg", "from", "to", "cause", "answered", "handler", "label", "way", "flow")
COLUMNS = ("time", "ms", "event", "leg", "parties", "cause", "answered", "handler", "label")
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,3})?)?")
_DIGITS = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True)
class Sieve:
    """What rows must be to be shown; empty fields let everything through.

    `leg`, `event` and `cause` are whole names, `text` is found anywhere in a row, `kind` is webhook, request or failed; `since` and `until`
    are times of day as in the table, both included. `by` is a column, `down` sorts it from the largest; without, the platform's order.
    """

    text: str = ""
    leg: str = ""
    event: str = ""
    cause: str = ""
    kind: str = ""
    since: str = ""
    until: str = ""
    by: str = ""
    down: bool = False

    def __post_init__(self) -> None:
        for name in ("text", "leg", "event", "cause", "kind", "since", "until", "by"):
            if not isinstance(getattr(self, name), str):
                raise WorkbenchError(f"{name}: must be text, but was {getattr(self, name)!r}")
        if self.kind and self.kind not in KINDS:
            raise WorkbenchError(f"kind: must be one of {', '.join(KINDS)}, but was {self.kind!r}")
        for name in ("since", "until"):
            if getattr(self, name) and not _TIME.fullmatch(getattr(self, name)):
                raise WorkbenchError(f"{name}: must be a time of day such as 12:00:01, but was {getattr(self, name)!r}")
        if self.by and self.by not in COLUMNS:
            raise WorkbenchError(f"by: must be a column, one of {', '.join(COLUMNS)}, but was {self.by!r}")

    def with_(self, **fields: Any) -> Sieve:
        """The same with other fields; None lets everything through. Raises WorkbenchError for a field that does not exist."""
        known = asdict(self)
        strange = [name for name in fields if name not in known]
        if strange:
            raise WorkbenchError(f"{strange[0]}: rows cannot be chosen by this; they can by {', '.join(known)}")
        given: dict[str, Any] = {name: getattr(Sieve(), name) if value is None else value for name, value in fields.items()}
        return replace(self, **given)

    def shown(self, rows: Sequence[Row]) -> list[int]:
        """The places of the rows that are shown, in the order in which they are. `rows` are in the platform's order, `ms` included."""
        found = [place for place, row in enumerate(rows) if self.fits(row)]
        if not self.by:
            return found
        with_value = [place for place in found if _value(rows[place], self.by) not in ("", None)]
        without = [place for place in found if _value(rows[place], self.by) in ("", None)]
        return sorted(with_value, key=lambda place: _natural(_value(rows[place], self.by)), reverse=self.down) + without

    def fits(self, row: Row) -> bool:
        """Whether a row is shown."""
        if any(wanted and row[name] != wanted for name, wanted in (("leg", self.leg), ("event", self.event), ("cause", self.cause))):
            return False
        if self.kind and not (row["bad"] if self.kind == "failed" else row["way"] == self.kind):
            return False
        if self.since and row["time"] < self.since:
            return False
        if self.until and row["time"][: len(self.until)] > self.until:
            return False
        return self.text.lower() in words(row) if self.text else True


def words(row: Row) -> str:
    """All that can be read in a row."""
    names = ("time", "event", "leg", "from", "to", "cause", "answered", "label", "flow")
    return " ".join(str(row[name] or "") for name in names).lower()


def as_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV, letter by letter as the page copies them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(TAKEN)
    writer.writerows(["" if value is None else value for value in row.values()] for row in _taken(rows))
    return out.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """Rows as JSON, letter by letter as the page copies them."""
    return json.dumps(_taken(rows), indent=2, ensure_ascii=False) + "\n"


def _taken(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{name: _whole(row[name]) for name in TAKEN} for row in rows]


def _whole(value: Any) -> Any:
    """A page has one kind of number: it writes 12.0 as 12."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _value(row: Row, column: str) -> Any:
    if column == "parties":
        return f"{row['from']} {row['to']}".strip()
    return row["at"] if column == "time" else row[column]


def _natural(value: Any) -> Any:
    """An order in which "phone 2" comes before "phone 10"."""
    return value if isinstance(value, int | float) else _DIGITS.sub(lambda digits: digits[0].zfill(20), value.lower())
