"""SSML inside `<SpeakSentence>`: known tags are markup, everything else is plain text, whatever characters it holds.

The text of a `SpeakSentence` is kept in one spelling, so that equal sentences compare equal: tags with double quotes, and `&` and `<` as
references only where they would otherwise be taken for the start of a tag or of a reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

NAMES = ("break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub")
"""The tags that SpeakSentence knows (documented, bxml/speakSentence)."""
_ATTRIBUTE = re.compile(r"""\s+([A-Za-z_:][\w:.-]*)\s*=\s*("[^"<]*"|'[^'<]*')""", re.ASCII)
_TAG = re.compile(rf"<(/?)({'|'.join(NAMES)})((?:{_ATTRIBUTE.pattern})*)\s*(/?)>", re.ASCII)
_REFERENCE = re.compile(r"&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_WHITE = str.maketrans("\t\r\n", "   ")
_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(m?)s")
_STRENGTHS = ("none", "x-weak", "weak", "medium", "strong", "x-strong")
_BREAKS = ("break", "p", "s")
ESCAPES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


class Mark:
    """One tag of the markup: its name, its attributes as (name, value), and whether it opens, closes or both."""

    def __init__(self, match: re.Match[str]) -> None:
        self.name = match[2]
        self.attributes = tuple((name, _plain(value[1:-1].translate(_WHITE))) for name, value in _ATTRIBUTE.findall(match[3]))
        self.closes = bool(match[1] or match[6])
        self.opens = not match[1]

    def __str__(self) -> str:
        if not self.opens:
            return f"</{self.name}>"
        return start(self.name, self.attributes) + ("/>" if self.closes else ">")


def start(name: str, attributes: tuple[tuple[str, str], ...]) -> str:
    """A start tag without its end."""
    return f"<{name}" + "".join(f' {key}="{escape(value, ESCAPES)}"' for key, value in attributes)


def canonical(text: str) -> str:
    """The one spelling of `text`, without blanks around it."""
    if "<" not in text and "&" not in text:
        return text.strip(" \t\r\n")
    spelled: list[str] = []
    last: Mark | None = None
    for part in _parts(text):
        tag = part if isinstance(part, Mark) else None
        if tag and last and last.opens and not last.closes and not tag.opens and tag.name == last.name:
            spelled[-1] = spelled[-1][:-1] + "/>"
            tag = None
        else:
            spelled.append(str(part) if tag else _minimal(str(part)))
        last = tag
    return "".join(spelled).strip(" \t\r\n")


def markup(text: str) -> str:
    """`text` as it stands in a document."""
    return "".join(str(part) if isinstance(part, Mark) else escape(part, {"\r": "&#13;"}) for part in _parts(text))


def spoken(text: str) -> str:
    """What a voice says of `text`: no tags, references resolved, blanks single; a pause between words parts them."""
    said = "".join((" " if part.name in _BREAKS else "") if isinstance(part, Mark) else part for part in _parts(text))
    return " ".join(said.split())


def broken(text: str) -> str | None:
    """The rule that the markup in `text` breaks, or None."""
    open_tags: list[str] = []
    for tag in (part for part in _parts(text) if isinstance(part, Mark)):
        rule = _broken_tag(tag)
        if rule is not None:
            return rule
        if tag.opens and not tag.closes:
            open_tags.append(tag.name)
        elif not tag.opens and (not open_tags or open_tags.pop() != tag.name):
            return f"has </{tag.name}> where nothing of that name is open"
    return f"has <{open_tags[-1]}> without its end" if open_tags else None


def _broken_tag(tag: Mark) -> str | None:
    names = [name for name, _ in tag.attributes]
    if len(set(names)) < len(names):
        return f"has <{tag.name}> with an attribute given twice"
    if tag.name != "break":
        return None
    values = dict(tag.attributes)
    if values.get("strength", "none") not in _STRENGTHS:
        return f"has <break> with a strength other than {', '.join(_STRENGTHS)}"
    match = _SECONDS.fullmatch(values.get("time", "0s"))
    if match is None or float(match[1]) / (1000 if match[2] else 1) > 10:
        return "has <break> with a time that is not 0 to 10 s, such as 1.5s or 500ms"
    return None


def _parts(text: str) -> Iterator[Mark | str]:
    """The markup in turns: plain text with references resolved, and tags."""
    end = 0
    for match in _TAG.finditer(text):
        if match.start() > end:
            yield _plain(text[end : match.start()])
        yield Mark(match)
        end = match.end()
    if end < len(text):
        yield _plain(text[end:])


def _plain(text: str) -> str:
    return _REFERENCE.sub(_resolved, text) if "&" in text else text


def _resolved(match: re.Match[str]) -> str:
    name = match[0][1:-1]
    if not name.startswith("#"):
        return _NAMED[name]
    code = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    valid = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return chr(code) if valid else match[0]


def _minimal(plain: str) -> str:
    """Plain text in the spelling that keeps references to a minimum."""
    references = _REFERENCE.sub(lambda match: "&amp;" + match[0][1:], plain)
    return _TAG.sub(lambda match: "&lt;" + match[0][1:], references)
