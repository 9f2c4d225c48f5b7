"""Words for people: names instead of ids, times that can be read, and nothing secret."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench import bxml, tokens
from workbench.errors import BxmlError, WorkbenchError

JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+(\.[\w-]*)?")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NORTH_AMERICAN = re.compile(r"\+1([^\s]{3})([^\s]{3})([^\s]{4})")


def masked(text: str) -> str:
    """`text` without the tokens in it. The log has masked what it stored; this also covers what came another way."""
    return JWT.sub("eyJ•••", text)


def party(address: str | None) -> str:
    """A phone number or SIP URI as a person writes it; the interconnect by its role."""
    if not address:
        return ""
    if address.startswith(tokens.INTERCONNECT.rsplit(":", 1)[0]):
        return "SIP interconnect"
    if number := NORTH_AMERICAN.fullmatch(address):
        return "+1 {} {} {}".format(*number.groups())
    return masked(address.removeprefix("sip:"))


def clock(time: float | datetime | None) -> str:
    """Local time of day to the millisecond; `time` in epoch seconds."""
    if time is None:
        return ""
    moment = time.astimezone() if isinstance(time, datetime) else datetime.fromtimestamp(time)
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03}"


def pretty_json(data: Any) -> str:
    """A body of an API request or webhook, one field a line."""
    return masked(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def pretty_bxml(document: str) -> str:
    """A BXML answer, one verb a line; as it came when it is not BXML, for then that is what one wants to see."""
    try:
        return masked(bxml.parse(document).pretty())
    except BxmlError:
        return masked(document)


def pretty_error(traceback: str) -> str:
    """A traceback, what went wrong first, without the lines that only underline."""
    lines = [line for line in masked(traceback).strip().splitlines() if line.strip(" ^~")]
    return "\n".join([lines[-1], "", *lines]) if len(lines) > 1 else "\n".join(lines)


def short(name: str) -> str:
    """A name as it is; an id by its beginning."""
    return f"{name[:8]}…" if UUID.fullmatch(name) else masked(name)


def explain(error: BaseException) -> str:
    """One line for a panel: what went wrong, in the words of the error."""
    text = str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
    return masked(" ".join(text.split()))


def table_html(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]], marks: Mapping[str, str] | None = None) -> str:
    """A static table for where no kernel runs; escapes everything and masks tokens. `marks` colours cells by their text."""
    cells = [[masked("" if cell is None else str(cell)) for cell in row] for row in rows]
    head = "".join(f"<th style='text-align:left'>{html.escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(_cell(cell, marks or {}) for cell in row) + "</tr>" for row in cells)
    caption = f"<caption style='text-align:left;font-weight:bold'>{html.escape(title)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body or '<tr><td>nothing yet</td></tr>'}</tbody></table>"


def _cell(text: str, marks: Mapping[str, str]) -> str:
    style = f"text-align:left;color:#111;background:{marks[text]}" if text in marks else "text-align:left"
    return f"<td style='{style}'>{html.escape(text)}</td>"
