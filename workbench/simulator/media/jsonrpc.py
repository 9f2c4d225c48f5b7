"""JSON-RPC 2.0 as the devices' sockets speak it: what comes in, checked; what goes out, written. Ids are echoed with their type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from workbench.simulator.wire import compact

NO_JSON, NO_REQUEST, NO_METHOD, BAD_PARAMS, FAILED = -32700, -32600, -32601, -32602, -32603
MOST_ID = 200  # characters of a request's id

Id = str | int | float | None


class RpcError(Exception):
    """A message that cannot be served: what the answer says. `rule` is the platform's rule behind it."""

    def __init__(self, code: int, message: str, rule: str = "socket.json-rpc", id: Id = None) -> None:
        super().__init__(message)
        self.code, self.message, self.rule, self.id = code, message, rule, id


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or a notification: that has no id and gets no answer."""

    method: str
    params: Mapping[str, Any]
    id: Id = None

    @property
    def asks(self) -> bool:
        """Whether an answer is due."""
        return self.id is not None


def parsed(text: str) -> Message:
    """The message in a text frame. Raises RpcError, which carries the id when there is one that can be echoed."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise RpcError(NO_JSON, "the message is no JSON") from None
    if isinstance(value, list):
        raise RpcError(NO_REQUEST, "batches are not taken: send one message in a frame")
    if not isinstance(value, dict):
        raise RpcError(NO_REQUEST, "the message is no JSON object")
    id = _id(value)
    method = value.get("method")
    if value.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise RpcError(NO_REQUEST, 'a message needs jsonrpc "2.0" and a method, which is a text', id=id)
    params = value.get("params")
    if params is not None and not isinstance(params, dict):
        raise RpcError(BAD_PARAMS, "params must be an object", id=id)
    return Message(method, params or {}, id)


def _id(value: Mapping[str, Any]) -> Id:
    id = value.get("id")
    text = isinstance(id, str) and len(id) <= MOST_ID
    number = isinstance(id, int | float) and not isinstance(id, bool) and -inf < id < inf  # 1e999 is read as one that JSON cannot write
    if id is None or text or number:
        return id
    raise RpcError(NO_REQUEST, f"an id is a number, or a text of at most {MOST_ID} characters")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def result(id: Id, value: Any) -> str:
    """The answer to a request that went well. It has no `error`: one that is null beside a result is taken for malformed."""
    return compact({"jsonrpc": "2.0", "result": value, "id": id})


def error(problem: RpcError, id: Id) -> str:
    """The answer to a message that could not be served."""
    told = {"code": problem.code, "message": problem.message, "data": {"rule": problem.rule}}
    return compact({"jsonrpc": "2.0", "error": told, "id": id})


def notification(method: str, params: Mapping[str, Any]) -> str:
    """What the platform tells without being asked. Mobile SDKs need `params` to be an object, however empty."""
    return compact({"jsonrpc": "2.0", "method": method, "params": params})


# What a method takes


def text_of(params: Mapping[str, Any], name: str, *, most: int = 200_000) -> str:
    """A text among the parameters. Raises RpcError."""
    value = params.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise RpcError(BAD_PARAMS, f"{name} must be a text of at most {most} characters")
    return value


def choice_of(params: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    """One of several words. Raises RpcError."""
    value = params.get(name)
    if value not in choices:
        raise RpcError(BAD_PARAMS, f"{name} must be one of {', '.join(choices)}")
    return str(value)


def flag_of(params: Mapping[str, Any], name: str, usual: bool) -> bool:
    """A switch. Raises RpcError."""
    value = params.get(name, usual)
    if not isinstance(value, bool):
        raise RpcError(BAD_PARAMS, f"{name} must be true or false")
    return value
