"""Who may be called, and how often: live, a wrong handler spends money. What is not allowed is refused before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from workbench import bxml
from workbench.bxml.fields import E164_OR_SIP
from workbench.errors import ApiError, BxmlError, SpendingError, WorkbenchError

ANYBODY = "*"
CALLS = 20
# Verbs by which a document makes the platform call somebody, and what could spell them in other letters.
_CALLING = re.compile(r"Transfer|Forward|Refer|<!(?:DOCTYPE|ENTITY)")
# What is left out when SIP addresses are compared. Any other parameter or header may lead elsewhere (maddr, Route), and what looks like
# one before an @ is part of the user's name.
_SIP = re.compile(r"(?i)(sips?:)(.*@)?([^@;?]+?)(?::5060)?(?:;transport=(?:udp|tcp|tls))?")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may still be called: `numbers` besides the WebRTC side, `left` calls of the `calls` allowed. Without a limit all are None.

    `refused` counts what was not allowed, since the start.
    """

    numbers: tuple[str, ...] | None
    calls: int | None
    left: int | None
    shown: tuple[str, ...] = ()
    refused: int = 0

    def __repr__(self) -> str:
        if self.calls is None:
            return "Calls cost nothing on the local platform: nobody is limited."
        refused = {0: "", 1: "; once refused"}.get(self.refused, f"; refused {self.refused} times")
        if not self.calls:
            return f"No call is allowed: wb.allow(phone, calls={CALLS}) in a cell allows so many{refused}."
        whom = "anybody" if self.numbers == (ANYBODY,) else ", ".join((*self.shown, "the WebRTC side")) or "nobody"
        return f"{self.left} of {self.calls} calls left, to {whom}{refused}."


class Spending:
    """Counts every call that we cause, and refuses those nobody has allowed. Unguarded it refuses nothing. Thread-safe.

    `free` are addresses that need not be named: the SIP interconnect. `shown` masks a number, `by` tells how calls are allowed.
    """

    def __init__(
        self,
        *,
        guarded: bool = False,
        free: Iterable[str] = (),
        shown: Callable[[str], str] = str,
        by: str = f"wb.allow(phone, calls={CALLS})",
    ) -> None:
        self.guarded = guarded
        self._free = frozenset(map(_bare, free))
        self._shown = shown
        self._by = by
        self._lock = Lock()
        self._numbers: tuple[str, ...] = ()
        self._calls = 0
        self._left = 0
        self._refused = 0
        # How often something was allowed: what was charged before is not given back to what is allowed now.
        self._allowed = 0

    @property
    def allowance(self) -> Allowance:
        """What may be called now."""
        if not self.guarded:
            return Allowance(None, None, None)
        with self._lock:
            return Allowance(self._numbers, self._calls, self._left, tuple(map(self._shown, self._numbers)), self._refused)

    def allow(self, numbers: Sequence[str], calls: int = CALLS) -> Allowance:
        """From now on so many calls to these numbers and the WebRTC side, instead of what was allowed before; "*" is anybody.

        Raises WorkbenchError for what is no number or no count, and then changes nothing.
        """
        for number in numbers:
            if number != ANYBODY and (rule := E164_OR_SIP.broken(number)) is not None:
                raise WorkbenchError(f"numbers: {number!r} {rule}; give numbers like +15550100001, or {ANYBODY!r} for anybody")
        if not isinstance(calls, int) or isinstance(calls, bool) or calls < 0:
            raise WorkbenchError(f"calls: must be a whole number, 0 or more, not {calls!r}")
        with self._lock:
            self._numbers = (ANYBODY,) if ANYBODY in numbers else tuple(dict.fromkeys(numbers))
            self._calls = self._left = calls
            self._allowed += 1
        return self.allowance

    def charge(self, *targets: str) -> None:
        """Count calls to these, all or none. Raises SpendingError when one is not allowed, or they are more than are left."""
        self._charge(targets)

    def _charge(self, targets: Sequence[str]) -> int:
        """Count calls; gives which allowance they were taken from."""
        if not self.guarded or not targets:
            return -1
        with self._lock:
            try:
                self._check(targets)
            except SpendingError:
                self._refused += 1
                raise
            self._left -= len(targets)
            return self._allowed

    def charge_document(self, document: str) -> None:
        """Count the calls that a document causes. One that cannot be read is refused when it may call somebody."""
        self.charge(*self._called(document))

    @contextmanager
    def charged(self, *targets: str) -> Iterator[None]:
        """Count calls; if the platform refuses them, they have cost nothing."""
        allowance = self._charge(targets)
        try:
            yield
        except ApiError as error:
            # Without an answer, or after an error of the server's, nobody knows.
            if error.status is not None and 400 <= error.status < 500:
                with self._lock:
                    self._left += len(targets) if allowance == self._allowed else 0
            raise

    @contextmanager
    def charged_document(self, document: str) -> Iterator[None]:
        """As `charged`, for the calls that a document causes."""
        with self.charged(*self._called(document)):
            yield

    def _called(self, document: str) -> tuple[str, ...]:
        if not self.guarded:
            return ()
        try:
            return targets(bxml.parse(document).verbs)
        except BxmlError as error:
            if not _CALLING.search(document):
                return ()
            with self._lock:
                self._refused += 1
            raise SpendingError(f"the document calls somebody, but whom cannot be read ({error}): nothing was sent") from error

    def _check(self, targets: Sequence[str]) -> None:
        if not self._calls:
            first = self._shown(targets[0])
            raise SpendingError(
                f"a live call to {first} would cost money, and none is allowed yet: {self._by} says whom to call, and how often at most"
            )
        if self._numbers != (ANYBODY,):
            known = {*self._free, *map(_bare, self._numbers)}
            for target in targets:
                if _bare(target) not in known:
                    name = self._shown(target)
                    raise SpendingError(f"{name} is not among the numbers that may be called: {self._by} names all of them")
        if len(targets) > self._left:
            raise SpendingError(f"the {self._calls} calls that were allowed are used up ({self._left} left): {self._by} allows more")


def targets(verbs: Iterable[bxml.Verb]) -> tuple[str, ...]:
    """Whom a document makes the platform call, in order."""
    return tuple(found for verb in verbs for found in _called(verb) if found)


def _called(verb: bxml.Verb) -> Iterator[str]:
    if isinstance(verb, bxml.Transfer):
        yield from (item.number if isinstance(item, bxml.PhoneNumber) else item.uri for item in verb.transfer_to)
    elif isinstance(verb, bxml.Forward):
        yield verb.to or ""
    elif isinstance(verb, bxml.Refer):
        yield verb.sip_uri.uri if verb.sip_uri is not None else ""


def _bare(target: str) -> str:
    """An address without what changes nothing about whom it reaches: the transport, the default port, capitals of the host's name."""
    found = _SIP.fullmatch(target)
    return f"{found[1].lower()}{found[2] or ''}{found[3].lower()}" if found else target


def numbers_of(given: Any) -> tuple[str, ...]:
    """Numbers, phones, or several of either, as numbers."""
    several = [given] if isinstance(given, str) or hasattr(given, "number") else list(given)
    return tuple(str(getattr(one, "number", one)) for one in several)
