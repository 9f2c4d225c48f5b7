"""One callback sent again to our own callback server, over sockets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.joined import World
from tests.scenarios.test_modes_contract import outbound
from workbench import WorkbenchError
from workbench.resending import resend

pytestmark = pytest.mark.sockets


def test_a_callback_comes_again_and_changed(far_world: World) -> None:
    world, wb = far_world, far_world.wb
    flow = outbound(world, "bridge")
    asked = next(one for one in world.parts.log.events(flow=flow.id) if one.event_type == "answer" and one.leg == "phone")
    handled: list[Any] = []

    @wb.bridge.on("answer")
    def answer(event: Any, flow: Any) -> Any:
        handled.append(event)
        return wb.bridge.wait()

    again = wb.resend(asked)
    assert again.duplicate_of == asked.id and again.verbs == asked.verbs and handled == []
    changed = wb.resend(asked.id, tag="mine")
    assert changed.duplicate_of is None and changed.data["tag"] == "mine" and changed.verbs == ("Pause",)
    assert [event.data["tag"] for event in handled] == ["mine"]


def test_what_cannot_be_sent_again_is_said(far_world: World) -> None:
    world, wb = far_world, far_world.wb
    flow = outbound(world, "transfer")
    events = world.parts.log.events(flow=flow.id)
    with pytest.raises(WorkbenchError, match="a request that we made"):
        wb.resend(next(one for one in events if one.direction == "request"))
    with pytest.raises(WorkbenchError, match="no event 10000"):
        wb.resend(10_000_000)
    asked = next(one for one in events if one.event_type == "answer")
    with pytest.raises(WorkbenchError, match="real calls"):
        resend(asked, {"cause": "busy"}, world.parts.log, wb.url, ("", ""), live=True, settle=lambda: None)
    assert world.parts.log.events(flow=flow.id) == events
