"""`use_local`: Python code that cannot be edited meets a local platform where it thinks to meet Bandwidth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, TypedDict, Unpack
from urllib.parse import quote, urlsplit

from workbench.detours import Detours, Place
from workbench.errors import ApiError, WorkbenchError
from workbench.local import Local
from workbench.process import LocalProcess


class Known(TypedDict, total=False):
    """What a started platform knows and the code will send, by the names of `Settings`."""

    account_id: str
    username: str
    password: str
    client_id: str
    client_secret: str
    application_id: str
    number: str


# Where Bandwidth's samples read it from.
_NAMES: Mapping[str, str] = {
    "account_id": "BW_ACCOUNT_ID",
    "username": "BW_USERNAME",
    "password": "BW_PASSWORD",
    "client_id": "BW_ID_CLIENT_ID",
    "client_secret": "BW_ID_CLIENT_SECRET",
    "application_id": "BW_VOICE_APPLICATION_ID",
    "number": "BW_NUMBER",
}
# Libraries are changed for the whole process, so there is one of these in a process too.
_DETOURS = Detours()


class use_local:
    """`with use_local():` inside, requests of urllib3, requests, httpx and aiohttp to Bandwidth's APIs go to a local platform.

    Without a `url` one is started, which ends with the block. It knows the account, credentials, application and number given, else those
    in the environment (`BW_ACCOUNT_ID`, …), else its own. Gives the handle on the platform: its phones, its clock, what happened.
    A function decorated with `@use_local()` runs like that. It holds for all threads; inside another `use_local` the inner one holds.
    """

    def __init__(self, url: str = "", *, token: str = "", **known: Unpack[Known]) -> None:
        unknown = known.keys() - _NAMES.keys()
        if unknown:
            raise TypeError(f"use_local() takes {', '.join(['url', 'token', *_NAMES])}; not {', '.join(sorted(unknown))}")
        if url and known:
            raise TypeError(f"a platform that runs has its own {', '.join(sorted(known))}; leave the URL out and one is started with yours")
        self._url, self._token, self._known = url, token, known
        self._entered: list[AbstractContextManager[Local]] = []

    def __enter__(self) -> Local:
        opened = self._opened()
        local = opened.__enter__()
        self._entered.append(opened)
        return local

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._entered.pop().__exit__(kind, error, trace)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with a `use_local` of its own around each call."""
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise TypeError("a generator runs when its values are asked for; put `with use_local():` around that")
        if iscoroutinefunction(function):

            @wraps(function)
            async def waited(*args: Any, **options: Any) -> Any:
                with self._opened():
                    return await function(*args, **options)

            return waited

        @wraps(function)
        def called(*args: Any, **options: Any) -> Any:
            with self._opened():
                return function(*args, **options)

        return called

    @contextmanager
    def _opened(self) -> Iterator[Local]:
        with ExitStack() as end:
            url, token = self._url, self._token
            known = {name: str(self._known.get(name) or os.environ.get(variable, "")) for name, variable in _NAMES.items()}
            if not url:
                process = LocalProcess(_as_simulator(known))
                end.callback(process.close)
                url, token = process.url, process.token
            place = _place(url)
            local = Local(url.rstrip("/"), token)
            end.callback(local.close)
            _ask(local)
            if not self._url:
                _let_in(local, known)
            end.enter_context(_DETOURS.to(place))
            yield local


def _place(url: str) -> Place:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WorkbenchError(f"{url!r} is no URL") from None
    if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise WorkbenchError(f"{url!r} is not where a local platform is: that is like http://127.0.0.1:8010")
    return Place(parts.hostname, port or 80)


def _ask(local: Local) -> None:
    """Make sure that a platform is there. Raises WorkbenchError."""
    try:
        local.state()
    except ApiError as error:
        # it keeps its controls to who started it; the APIs are open
        if error.status == 401:
            return
        start = "start one with `python -m workbench.simulator`, or leave the URL out"
        raise WorkbenchError(f"there is no local platform at {local.url}: {start} ({error})") from error


def _as_simulator(known: Mapping[str, str]) -> dict[str, str]:
    """The settings of a platform with the account, application and number that the code has, as its environment names them."""
    values = {"ACCOUNT_ID": known["account_id"], "APPLICATION_ID": known["application_id"], "NUMBERS": known["number"]}
    return {f"WORKBENCH_SIMULATOR_{name}": value for name, value in values.items() if value}


def _let_in(local: Local, known: Mapping[str, str]) -> None:
    """Add the user and the client that the code has; no environment shows their secrets."""
    if known["username"]:
        local.send("PUT", f"/users/{quote(known['username'], safe='')}", {"password": known["password"]})
    if known["client_id"]:
        local.send("PUT", f"/clients/{quote(known['client_id'], safe='')}", {"secrets": [known["client_secret"]]})
