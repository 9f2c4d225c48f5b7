"""Documents of any kind: good ones made from the verbs' own tables, and ones that are broken in every way we can think of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from xml.sax.saxutils import escape, quoteattr

from workbench import bxml
from workbench.bxml.base import Attribute, shape
from workbench.bxml.fields import Boolean, Choice, Number, Url

JUNK = (
    *("", " ", "0", "-1", "1e999", "NaN", "ø", "\u202e", "😀", "true", "null", "None", "{}", "[]", "%s%n", "../../etc/passwd", "x" * 5000),
    *("http://[x", "http://", "https://u:p@app.test/ä?q=%zz#f", "ws://app.test/x", "//app.test", "javascript:1", "+1", "+19195550111"),
    *("sip:", "sip:a@b", "c-1", "\u0085", "<b>&</b>", "&amp;", "]]>", "--><!--"),
)
BROKEN = (
    *("<", ">", "&", '"', "'", "]]>", "<!--", "-->", "<![CDATA[", "<?x", "?>", "\x00", "\x0b", "\ud7ff", "&lol;", "&#0;", "&#xFFFF;", "</"),
    *("<!DOCTYPE x [<!ENTITY a 'b'>]>", "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>", "<Response>", "</Response>", "<x:y/>", " xmlns='u'"),
)
BOMB = (
    "<!DOCTYPE l [<!ENTITY a '0123456789'>"
    + "".join(f"<!ENTITY {chr(98 + place)} '{f'&{chr(97 + place)};' * 10}'>" for place in range(9))
    + "]><Response><SpeakSentence>&j;</SpeakSentence></Response>"
)
HUGE = (
    # below the limit of 64 KB, and above it
    *(f"<Response>{'<Pause duration=&quot;0.1&quot;/>'.replace('&quot;', chr(34)) * count}</Response>" for count in (2_500, 20_000)),
    *("<Response>" + "<SpeakSentence>" * depth + "</SpeakSentence>" * depth + "</Response>" for depth in (1_500, 5_000)),
    *("<Response>" + '<Gather gatherUrl="/g">' * depth + "</Gather>" * depth + "</Response>" for depth in (1_500, 5_000)),
    f"<Response><SpeakSentence>{'word ' * 12_000}</SpeakSentence></Response>",
    f"<Response><Pause {' '.join(f'a{place}=&quot;&quot;' for place in range(3_000))}/></Response>".replace("&quot;", '"'),
    "<" * 60_000,
    BOMB,
)


class Wild:
    """Makes documents by a random source. `known` holds values that mean something to the platform: ids, numbers, URLs."""

    def __init__(self, random: Random, known: Mapping[str, Sequence[str]]) -> None:
        self.random, self.known = random, known

    def document(self) -> bytes:
        """A document: mostly one that runs, else one that is broken."""
        lot = self.random.random()
        if lot < 0.6:
            return self.good().encode()
        if lot < 0.9:
            return self.mutated(self.good()).encode(errors="surrogatepass")
        if lot < 0.95:
            return self.random.choice(HUGE).encode()
        return self.strange(self.good())

    def good(self) -> str:
        """Verbs with attributes from their tables; most values are right ones."""
        root = self.random.choice(("Response", "Response", "Response", "Bxml"))
        verbs = "".join(self.verb(verb) for verb in self.random.choices(TOP, k=self.random.choice((0, 1, 1, 2, 3))))
        return f"<{root}>{verbs}</{root}>"

    def verb(self, verb: type[bxml.Verb], depth: int = 0) -> str:
        """One element."""
        table = shape(verb)
        chance = self.random.choice((0.1, 0.3, 0.6))
        rows = [row for row in table.rows if row.place == "attribute" and (row.required or self.random.random() < chance)]
        if self.random.random() < 0.6:  # credentials demand https, which would refuse nearly every document
            rows = [row for row in rows if row.required or ("sername" not in row.name and "assword" not in row.name)]
        attributes = "".join(f" {row.xml}={quoteattr(self.value(row))}" for row in rows)
        inside = escape(self.text(verb, table.text)) if table.text is not None else ""
        if table.nested is not None and depth < 3:
            kinds = self.random.choices(table.nested.inside, k=self.random.choice((table.nested.least, 1, 2)))
            inside += "".join(self.verb(kind, depth + 1) for kind in kinds)
        return f"<{verb.__name__}{attributes}>{inside}</{verb.__name__}>"

    def text(self, verb: type[bxml.Verb], row: Attribute | None) -> str:
        """The text of an element."""
        pools = {"PhoneNumber": "number", "SipUri": "sip", "Bridge": "call", "Endpoint": "endpoint", "PlayAudio": "audio"}
        otherwise = {"Bridge": "c-1", "Endpoint": "e-1", "SendDtmf": "12*w", "PhoneNumber": "+19195550111", "SipUri": "sip:a@b.test"}
        if verb.__name__ == "Conference":
            return self.random.choice(("one", "two"))
        return self._known(pools.get(verb.__name__, ""), otherwise.get(verb.__name__, "a text"))

    def value(self, row: Attribute) -> str:
        """A value for an attribute."""
        if self.random.random() < 0.03:
            return self.random.choice(JUNK)
        if isinstance(row.kind, Choice):
            return self.random.choice(row.kind.words)
        if isinstance(row.kind, Boolean):
            return self.random.choice(("true", "false"))
        if isinstance(row.kind, Number):
            low, high = row.kind.low, min(row.kind.high, row.kind.low + 50)
            return str(int(self.random.choice((low, high, (low + high) // 2))))
        if isinstance(row.kind, Url):
            return self._known("url", "/redirect")
        if row.xml == "uui":
            return self._known("uui", "eA==;encoding=base64")
        if row.xml in ("targetCall", "callIdToCoach", "callIdsToCoach"):
            return self._known("call", "c-1")
        if row.xml == "destination":
            return self.random.choice(("ws://app.test/stream", "wss://app.test/stream"))
        if row.xml in ("to", "from", "transferCallerId"):
            return self._known("number", "+19195550111")
        return self.random.choice(("a", "b", "1", "+19195550100"))

    def _known(self, pool: str, otherwise: str) -> str:
        values = self.known.get(pool) or (otherwise,)
        return self.random.choice(JUNK) if self.random.random() < 0.05 else self.random.choice(values)

    def mutated(self, document: str) -> str:
        """A document with one thing wrong with it."""
        place = self.random.randrange(len(document) + 1)
        return self.random.choice(
            (
                lambda: document[:place],
                lambda: document[place:],
                lambda: document[:place] + document[place + 1 :],
                lambda: document[:place] + self.random.choice(BROKEN) + document[place:],
                lambda: document.replace("<", self.random.choice(("<x:", "< ", "<<", "<_")), self.random.choice((1, 2))),
                lambda: document.swapcase(),
                lambda: document * 2,
                lambda: self.verb(self.random.choice(list(bxml.VERBS.values()))),
            )
        )()

    def strange(self, document: str) -> bytes:
        """A document in bytes that are no UTF-8, or that say they are not."""
        return self.random.choice(
            (
                document.encode("utf-16"),
                document.encode("utf-32"),
                b"\xef\xbb\xbf" + document.encode(),
                b"\xff\xfe\x00" + document.encode(),
                f'<?xml version="1.0" encoding="{self.random.choice(("latin-1", "utf-7", "utf-16", "nonsense", ""))}"?>{document}'.encode(),
                bytes(self.random.randrange(256) for _ in range(60)),
                b"",
            )
        )


TOP = [verb for verb in bxml.VERBS.values() if verb in bxml.ALLOWED[bxml.Where.CALL]]


def whole() -> str:
    """One document with every verb in it."""
    wild = Wild(Random(1), {})
    return "<Response>" + "".join(wild.verb(verb) for verb in TOP) + "</Response>"


def broken_everywhere(document: str) -> Iterator[str]:
    """A document cut, with a character less, and with `<` or `&` too many, at each of its positions."""
    for place in range(len(document)):
        head, tail = document[:place], document[place:]
        yield from (head, head + tail[1:], f"{head}<{tail}", f"{head}&{tail}")
