"""Each documented error status comes out of Bandwidth's SDK as its own exception, with the documented model read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bandwidth import exceptions, models

from tests.sdk.exercises import endpoint
from tests.sdk.program import ACCOUNT, APPLICATION, BASIC, NUMBER, Program
from tests.sdk.program import unknown as fields_without_a_model

pytestmark = pytest.mark.sockets

Request = Callable[[Program], Any]
# The SDK has no class of their own for other statuses.
CLASSES = {
    400: exceptions.BadRequestException,
    401: exceptions.UnauthorizedException,
    403: exceptions.ForbiddenException,
    404: exceptions.NotFoundException,
    409: exceptions.ConflictException,
}


def known_as(program: Program, name: str, password: str) -> Program:
    """The same program with other credentials."""
    return Program(program.local, program.application, BASIC | {"username": name, "password": password})


def call_to(program: Program, to: str) -> None:
    body = {"to": to, "from": NUMBER, "applicationId": APPLICATION, "answerUrl": program.document()}
    program.calls.create_call(ACCOUNT, models.CreateCall.from_dict(body))


def change_what_is_over(program: Program) -> None:
    call_id = program.call()
    program.application.wait("disconnect", callId=call_id)
    program.calls.update_call(ACCOUNT, call_id, models.UpdateCall(state=models.CallStateEnum.COMPLETED))


def call_once_too_often(program: Program) -> None:
    program.parked()
    program.local.send("PUT", "/limits", {"calls_at_once": 1})
    try:
        call_to(program, program.phone())
    finally:
        program.local.send("PUT", "/limits", {"on": False})


VOICE: dict[int, Request] = {
    400: lambda program: call_to(program, "5550100"),
    401: lambda program: known_as(program, "local", "wrong").calls.list_calls(ACCOUNT),
    403: lambda program: known_as(program, "forbidden", "forbidden").calls.list_calls(ACCOUNT),
    404: lambda program: program.calls.get_call_state(ACCOUNT, "c-1"),
    409: change_what_is_over,
    415: lambda program: program.calls.update_call_bxml(ACCOUNT, program.parked(), "<Bxml/>", _content_type="text/plain"),
    429: call_once_too_often,
}
ENDPOINTS: dict[int, Request] = {
    400: lambda program: program.endpoints.create_endpoint(ACCOUNT, endpoint(program).model_copy(update={"tag": "x" * 1025})),
    401: lambda program: known_as(program, "local", "wrong").endpoints.list_endpoints(ACCOUNT),
    403: lambda program: known_as(program, "forbidden", "forbidden").endpoints.list_endpoints(ACCOUNT),
    404: lambda program: program.endpoints.get_endpoint(ACCOUNT, "e-1"),
}


def refused(status: int, request: Request, program: Program) -> Any:
    """The body of a refusal, as the SDK read it."""
    with pytest.raises(exceptions.ApiException) as caught:
        request(program)
    assert (type(caught.value), caught.value.status) == (CLASSES.get(status, exceptions.ApiException), status)
    assert fields_without_a_model(caught.value.data) == []
    return caught.value.data


@pytest.mark.parametrize("status", VOICE)
def test_voice(status: int, program: Program) -> None:
    data = refused(status, VOICE[status], program)
    assert isinstance(data, models.VoiceApiError)
    assert data.type and data.description


@pytest.mark.parametrize("status", ENDPOINTS)
def test_endpoints(status: int, program: Program) -> None:
    data = refused(status, ENDPOINTS[status], program)
    assert isinstance(data, models.BrtcErrorResponse)
    assert (data.data, [error.code for error in data.errors]) == (None, [str(status)])
    assert data.errors[0].type and data.errors[0].description
