"""Answers that go wrong: what a platform gets when an application has failed."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from workbench.errors import WorkbenchError
from workbench.records import Reply

Spoilt = Literal["timeout", "500", "bad XML", "wrong type"]


def spoilt(kind: str, reply: Reply) -> Reply:
    """The answer as it arrives when this goes wrong; of a timeout, that it is late: who sends it has to wait for so long.

    Raises WorkbenchError for what is no such fault.
    """
    if kind == "500":
        return Reply(status=500, error="500: a fault on demand")
    if kind == "bad XML":
        # Cut off in its midst, as by a connection that broke.
        return replace(reply, body=reply.body[: len(reply.body) * 2 // 3] or "<Response><SpeakSentence>", verbs=())
    if kind == "wrong type":
        return replace(reply, content_type="text/html")
    if kind == "timeout":
        return replace(reply, late=True)
    raise WorkbenchError(f"there is no fault {kind!r} of an answer; there are {', '.join(get_args(Spoilt))}")
