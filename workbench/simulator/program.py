"""Running a document on a call: one verb after the other, until none is left or another document takes its place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import urljoin

from workbench import bxml
from workbench.errors import BxmlError
from workbench.simulator import lifecycle, links, record
from workbench.simulator.calls import Call, Hook
from workbench.simulator.core import Core
from workbench.simulator.rules import RULES


def run(core: Core, call: Call, document: Sequence[bxml.Verb], base_url: str | None) -> None:
    """Run a document from its first verb; relative URLs in it are resolved against `base_url`."""
    stop(core, call)
    call.program, call.base_url = list(document), base_url
    step(core, call)


def stop(core: Core, call: Call) -> None:
    """Forget the running document: its timers and answers come to nothing."""
    core.next_turn(call)
    call.program, call.verb, call.gathering = [], None, None
    record.cut_off(core, call)


def step(core: Core, call: Call) -> None:
    """Run verbs until one takes time. A loop, because a document may hold thousands that take none."""
    while call.active:
        core.next_turn(call)
        if not call.program:
            call.verb = None
            return _finished(core, call)
        call.verb = call.program.pop(0)
        if not core.execute(call, call.verb):
            return None


def _finished(core: Core, call: Call) -> None:
    """A document ran out: a transfer's leg is ready to be joined, any other call is hung up."""
    if links.waiting_leg(core, call):
        links.join_transfer(core, call)
    else:
        lifecycle.end(core, call, "hangup", rule="bxml.end")


def wait(core: Core, call: Call, seconds: float, *, waits: bool = True) -> None:
    """Go on with the next verb in `seconds`."""
    call.timers.append(core.after(seconds, partial(step, core, call), waits=waits))


def receive(core: Core, call: Call, body: bytes, url: str) -> None:
    """Run the document with which the application answered a webhook."""
    if not body.strip():
        core.happen("emptyAnswer", "bxml.empty", callId=call.call_id)
        return _run_empty(core, call, url)
    where = bxml.Where.TRANSFER_ANSWER if links.waiting_leg(core, call) else bxml.Where.CALL
    try:
        document = bxml.parse(body, where)
    except BxmlError as error:
        rule = broken(error, body, where)
        return lifecycle.end(core, call, "invalid-bxml", f"{error} (rule {rule}, {RULES[rule].label})", rule=rule)
    if isinstance(document, bxml.Bxml):
        core.follow("bxml.root")
    if any(bxml.relative(address) for _, _, address in bxml.urls(document)):
        core.follow("bxml.relative")
    for warning in document.warnings:
        core.happen("warning", "bxml.unknown-attribute", callId=call.call_id, text=warning)
    return run(core, call, document.verbs, url) if document.verbs else _run_empty(core, call, url)


def broken(error: BxmlError, document: bytes, where: bxml.Where = bxml.Where.CALL) -> str:
    """The rule on documents that one breaks."""
    if len(document) > bxml.LIMIT:
        return "bxml.size"
    if error.attribute is not None:
        return "bxml.attribute"
    if error.verb is not None:
        return "transfer.answer-verbs" if where is bxml.Where.TRANSFER_ANSWER else "bxml.verb"
    return "bxml.invalid"


def _run_empty(core: Core, call: Call, url: str) -> None:
    """An empty document is a `<Hangup>`, which rejects an unanswered inbound call; it leaves a transfer's winner ready to be joined."""
    core.follow("bxml.empty-document")
    run(core, call, () if links.waiting_leg(core, call) else (bxml.Hangup(),), url)


def hook(verb: bxml.Verb, name: str, base_url: str | None) -> Hook | None:
    """Where a verb's webhook goes: the attributes `{name}_url`, `{name}_method` and their fallbacks, with the verb's credentials."""
    url = getattr(verb, f"{name}_url")
    if not url:
        return None
    fallback = getattr(verb, f"{name}_fallback_url", None)
    return Hook(
        urljoin(base_url or "", url),
        getattr(verb, f"{name}_method") or "POST",
        getattr(verb, "username", None),
        getattr(verb, "password", None),
        urljoin(base_url or "", fallback) if fallback else None,
        getattr(verb, f"{name}_fallback_method", None) or "POST",
        getattr(verb, "fallback_username", None),
        getattr(verb, "fallback_password", None),
    )
