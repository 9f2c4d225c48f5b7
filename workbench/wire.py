"""How the clients send: authentication, time-outs, careful retries, a report of every exchange."""

from __future__ import annotations

import json as jsonlib
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from threading import Lock
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from workbench.credentials import chosen
from workbench.errors import CLOSED, ApiError, SettingsError
from workbench.patience import Patience, seconds
from workbench.records import STANDIN, About, Exchange
from workbench.settings import LOOPBACK, Settings

Recorder = Callable[[Exchange], object]

TIMEOUT = httpx.Timeout(15.0, connect=5.0)
# Bandwidth's own command line renews a minute early, and takes an hour when the answer does not say.
RENEW_EARLY = 60.0
DEFAULT_LIFETIME = 3600.0
_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)
_PAUSES = (0.1, 0.4)


class Wire:
    """One API of one account, under `base_url`. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        base_url: str,
        record: Recorder | None = None,
        *,
        prefer_basic: bool = False,
        pauses: tuple[float, ...] = _PAUSES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base = f"{base_url}/accounts/{settings.account_id}"
        self._record = record
        self._pauses = pauses
        self._client = _http(base_url, settings.token_url, transport=transport)
        self.patience = Patience(time.sleep)
        scheme = chosen(settings, prefer_basic=prefer_basic)
        client = (settings.client_id, settings.client_secret.get_secret_value())
        self._user = (settings.username, settings.password.get_secret_value()) if scheme == "Basic" else None
        self._bearer = Bearer(self._client, settings.token_url, client, self._note, self.patience) if scheme == "OAuth2" else None

    def send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        xml: str | None = None,
        params: Mapping[str, Any] | None = None,
        about: About | None = None,
    ) -> Any:
        """Perform one operation; returns the answer's JSON, or None for an empty one."""
        return _json(self._response(operation, method, path, json=json, xml=xml, params=params, about=about))

    def download(self, operation: str, path: str, *, about: About | None = None) -> bytes:
        """Fetch a file."""
        return self._response(operation, "GET", path, accept="*/*", about=about).content

    def pages(self, operation: str, path: str, params: Mapping[str, Any], *, about: About | None = None) -> Iterator[dict[str, Any]]:
        """The items of a list over all its pages, which the `Link` header joins."""
        wanted: Mapping[str, Any] | None = params
        while wanted is not None:
            response = self._response(operation, "GET", path, params=wanted, about=about)
            yield from _json(response) or ()
            following = response.links.get("next")
            # only its query is used, so that credentials go nowhere else
            wanted = dict(httpx.URL(following["url"]).params) if following else None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _response(self, operation: str, method: str, path: str, *, about: About | None, **content: Any) -> httpx.Response:
        if self._client.is_closed:
            raise ApiError(CLOSED, request=f"{method} {self._base}{path}")
        request = self._request(method, path, **content)
        said = content.get("json") or content.get("xml") or content.get("params")
        response = _patient(partial(self._attempts, operation, path, request, said, about), self.patience)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._bearer is not None:
            # the token may have been revoked; a refused request has done nothing, so any may be sent again
            self._bearer.forget(request.headers["Authorization"])
            request = self._request(method, path, **content)
            response = _patient(partial(self._attempts, operation, path, request, said, about), self.patience)
        if not response.is_success:
            raise _refused(response)
        return response

    def _request(self, method: str, path: str, **content: Any) -> httpx.Request:
        xml, json, params = content.get("xml"), content.get("json"), content.get("params")
        headers = {"Content-Type": "application/xml; charset=utf-8"} if xml is not None else {}
        headers |= {"Accept": content["accept"]} if "accept" in content else {}
        body = None if xml is None else xml.encode()
        request = self._client.build_request(method, self._base + path, json=json, content=body, params=params, headers=headers)
        request.headers["Authorization"] = self._authorization()
        return request

    def _authorization(self) -> str:
        if self._user is not None:
            return _basic(self._user)
        if self._bearer is None:
            raise SettingsError("there are no credentials: client_id and client_secret, or username and password")
        return self._bearer.authorization()

    def _attempts(self, operation: str, path: str, request: httpx.Request, said: Any, about: About | None) -> httpx.Response:
        """Send; again after a broken connection, but only what may safely be done twice."""
        pauses = iter(self._pauses if _repeatable(request) else ())
        while True:
            try:
                return _timed(self._client, operation, path, request, said, about, self._note)
            except _BROKEN as error:
                pause = next(pauses, None)
                if pause is None:
                    raise _failed(request, error) from error
                time.sleep(pause)
            except httpx.HTTPError as error:
                raise _failed(request, error) from error

    def _note(self, exchange: Exchange) -> None:
        if self._record is not None and STANDIN.get() is None:
            self._record(exchange)


class Bearer:
    """An OAuth2 token by client credentials: fetched when first needed, renewed a minute before it expires."""

    def __init__(self, client: httpx.Client, url: str, credentials: tuple[str, str], note: Recorder, patience: Patience) -> None:
        self._client = client
        self._url = url
        self._credentials = credentials
        self._note = note
        self._patience = patience
        self._lock = Lock()
        self._token = ""
        self._until = 0.0

    def authorization(self) -> str:
        """The header's value; fetches a token where needed."""
        with self._lock:
            if not self._token or time.monotonic() >= self._until:
                self._fetch()
            return f"Bearer {self._token}"

    def forget(self, authorization: str) -> None:
        """Drop the token that was refused, unless another thread has already renewed it."""
        with self._lock:
            if authorization == f"Bearer {self._token}":
                self._token = ""

    def _fetch(self) -> None:
        headers = {"Authorization": _basic(self._credentials)}
        request = self._client.build_request("POST", self._url, data={"grant_type": "client_credentials"}, headers=headers)
        said, asked = {"grant_type": "client_credentials"}, time.monotonic()
        try:
            path = urlsplit(self._url).path
            response = _patient(partial(_timed, self._client, "getToken", path, request, said, None, self._note), self._patience)
        except httpx.HTTPError as error:
            raise _failed(request, error) from error
        answer = _json(response) if response.is_success else None
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise _refused(response)
        self._token = answer["access_token"]
        told = answer.get("expires_in")
        lifetime = float(told) if isinstance(told, (int, float)) else DEFAULT_LIFETIME
        self._until = asked + lifetime - RENEW_EARLY


def _patient(send: Callable[[], httpx.Response], patience: Patience) -> httpx.Response:
    """Send, and again after a 429: what was refused has done nothing, so any request may be sent again."""
    waited: list[float] = []
    while True:
        response = send()
        if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return response
        if not patience.waits(response.headers.get("Retry-After"), time.time(), waited):
            return response


def _timed(
    client: httpx.Client,
    operation: str,
    path: str,
    request: httpx.Request,
    said: Any,
    about: About | None,
    note: Recorder,
) -> httpx.Response:
    """Send once and report it, also when it fails."""
    at, began = time.time(), time.perf_counter()
    response, error = None, None
    try:
        response = (STANDIN.get() or client).send(request)
    except httpx.HTTPError as raised:
        error = raised
    ms = round((time.perf_counter() - began) * 1000, 3)
    seq = response.headers.get("X-Workbench-Seq", "") if response is not None else ""
    exchange = Exchange(
        operation=operation,
        method=request.method,
        path=path,
        time=at,
        request=said,
        status=None if response is None else response.status_code,
        response=None if response is None else _said(response),
        ms=ms,
        seq=int(seq) if seq.isascii() and seq.isdecimal() else None,
        about=about or About(),
        error=None if error is None else f"{type(error).__name__}: {error}",
        **_rule(response),
    )
    note(exchange)
    if response is None:
        assert error is not None
        raise error
    return response


def _rule(response: httpx.Response | None) -> dict[str, str | None]:
    """The rule by which the local platform refused, and its label."""
    told = response.headers if response is not None and not response.is_success else {}
    return {"rule": told.get("X-Workbench-Rule"), "label": told.get("X-Workbench-Label")}


def _http(*urls: str, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    hosts = {urlsplit(url).hostname for url in urls}
    # Loading certificates takes a while that plain http can save. SSL_CERT_FILE and SSL_CERT_DIR count for every host.
    verify = httpx.create_ssl_context() if any(url.startswith("https:") for url in urls) else False
    # A proxy from the environment cannot reach a loopback address.
    return httpx.Client(
        transport=transport,
        timeout=TIMEOUT,
        trust_env=not hosts <= LOOPBACK,
        verify=verify,
        headers={"Accept": "application/json", "User-Agent": "workbench"},
    )


def _repeatable(request: httpx.Request) -> bool:
    # A document is played each time it is put, although HTTP says that a PUT may be repeated.
    return request.method in _IDEMPOTENT and not request.url.path.endswith("/bxml")


def _basic(pair: tuple[str, str]) -> str:
    return "Basic " + b64encode(":".join(pair).encode()).decode()


def path_to(*parts: str) -> str:
    """A path of these parts, whatever is in them."""
    return "".join("/" + quote(part, safe="") for part in parts)


def body_of(fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Fields under their documented names (`answer_url` is answerUrl, `from_` is from); those that are None are left out."""
    return {_camel(name): value for name, value in {**more, **fields}.items() if value is not None}


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)


def object_in(answer: Any) -> dict[str, Any]:
    """An answer that should be an object."""
    return answer if isinstance(answer, dict) else {}


def _said(response: httpx.Response) -> Any:
    if (kind := response.headers.get("Content-Type", "")).startswith("audio/"):  # the log is no place for sound
        return {"contentType": kind, "bytes": len(response.content)}
    try:
        return jsonlib.loads(response.content) if response.content else None
    except ValueError:
        return response.text


def _json(response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return jsonlib.loads(response.content)
    except ValueError as error:
        raise ApiError(
            f"{_named(response.request)}: the answer is not JSON",
            request=_named(response.request),
            status=response.status_code,
            body=response.text,
        ) from error


def _named(request: httpx.Request) -> str:
    return f"{request.method} {request.url.copy_with(query=None)}"


def _failed(request: httpx.Request, error: httpx.HTTPError) -> ApiError:
    named = _named(request)
    return ApiError(f"{named}: no answer ({type(error).__name__}: {error})", request=named)


def _refused(response: httpx.Response) -> ApiError:
    """The documented error bodies say why under description (voice), error or message (WebRTC)."""
    named, said = _named(response.request), _said(response)
    why = next((said[key] for key in ("description", "error", "message") if said.get(key)), "") if isinstance(said, dict) else ""
    text = f"{named}: {response.status_code} {response.reason_phrase}"
    message = f"{text}: {why}" if why else text
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        message += f" (it may be asked again in {seconds(response.headers.get('Retry-After'), time.time()):.0f} s)"
    return ApiError(message, request=named, status=response.status_code, body=response.text, **_rule(response))
