"""Every operation of every document, every documented status: provoked on the platform, both directions checked by the documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from .cases import CASES, NEVER, RENAMED, Case
from .scene import Ids, Scene
from .specs import LEFT_OUT, Document, Documented, documents

BY_NAME = {case.name: case for case in CASES}
ACCOUNT = "9900000"


@dataclass(frozen=True)
class Outcome:
    """What became of one status of one operation of one document: `errors` fail it, a `skip` says why it was not provoked."""

    document: str
    operation: str
    status: int
    skip: str = ""
    errors: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether it was provoked and conforms."""
        return not self.skip and not self.errors


class Broken:
    """An engine that fails at whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("broken on purpose")


def reason(case: Case, status: int, parameters: bool) -> str:
    """Why a status cannot be provoked; empty when it can."""
    if (case.name, status) in NEVER:
        return NEVER[case.name, status]
    if status == 400 and not (case.bad_body or case.bad_query):
        return "nothing in it can be malformed: an id of whatever form is a known one or an unknown one"
    if status == 404 and not parameters:
        return "it names nothing that could be unknown"
    if status == 415 and case.body is None:
        return "it takes no body"
    return ""


class Provoker:
    """Asks one operation, by the path of one document."""

    def __init__(self, case: Case, documented: Documented) -> None:
        self.case, self.documented = case, documented

    async def exchange(self, status: int) -> httpx.Response:
        """Provoke a status on a fresh platform; the answer, whatever it is."""
        scene = Scene()
        try:
            ids = await self._arrange(scene, status)
            if status == 429:
                await self._exhaust(scene)
            if status == 429:
                await scene.use_up()
            if status == 500:
                scene.platform.world.engine = Broken()  # type: ignore[assignment]
            return await self._ask(scene, status, ids)
        finally:
            await scene.platform.close()

    @staticmethod
    async def _exhaust(scene: Scene) -> None:
        """Use up the account's rate of requests."""
        await scene.platform.http.put("/_local/limits", json={"requests_per_second": 1})
        await scene.platform.http.get(f"/api/v2/accounts/{ACCOUNT}/statistics")

    async def _arrange(self, scene: Scene, status: int) -> Ids:
        if status == 409:
            assert self.case.conflict is not None
            return await self.case.conflict(scene)
        ids = await self.case.also.get(status, self.case.arrange)(scene)
        return dict.fromkeys(ids, "unknown") if status == 404 else ids

    async def _ask(self, scene: Scene, status: int, ids: Ids) -> httpx.Response:
        method = "PATCH" if status == 405 else self.documented.method  # no path of these APIs takes PATCH
        path = self.documented.base + self.documented.path.format(accountId=ACCOUNT, **ids)
        query = self.case.bad_query if status == 400 else self.case.query
        auth = {401: None, 403: ("forbidden", "forbidden")}.get(status, ("local", "local"))
        async with scene.platform.client(auth=auth) as http:
            return await http.request(method, path, params=query or None, **self._content(status))

    def _content(self, status: int) -> Mapping[str, Any]:
        body = self.case.bad_body if status == 400 and self.case.bad_body else self.case.body
        if body is None:
            return {}
        if status == 415:
            return {"content": "text", "headers": {"Content-Type": "text/plain"}}
        if isinstance(body, str):
            return {"content": body, "headers": {"Content-Type": "application/xml"}}
        return {"json": body}


async def outcomes(name: str) -> list[Outcome]:
    """Every outcome of one operation, over all documents; each exchange happens once and is checked by all of them."""
    answers: dict[tuple[str, int], httpx.Response] = {}
    found = []
    for document, documented in described(name):
        case = BY_NAME.get(name) or Case(name, Scene.nothing)
        for status in documented.statuses:
            skip = reason(case, status, documented.path.count("{") > 1)
            if skip:
                found.append(Outcome(document.name, name, status, skip))
                continue
            key = (documented.base + documented.path, status)
            if key not in answers:
                answers[key] = await Provoker(case, documented).exchange(status)
            found.append(Outcome(document.name, name, status, "", tuple(_errors(document, documented, status, answers[key]))))
    return found


def _errors(document: Document, documented: Documented, status: int, got: httpx.Response) -> Iterator[str]:
    if got.status_code != status:
        yield f"answered {got.status_code}: {got.text[:100]}"
        return
    name = RENAMED.get(documented.name, documented.name)
    for error in document.answer_errors(got, documented.method):
        complaints = [complaint for complaint in error.split("; ") if (name, complaint) not in LEFT_OUT]
        yield from (f"answer: {complaint}" for complaint in complaints)
    if status in (401, 405):  # these requests are no requests of the operation
        return
    refused = document.request_errors(got.request)
    if status == 415 and not refused:
        yield "the document takes the refused request"
    if status not in (400, 415):
        yield from (f"request: {error}" for error in refused)


def described(name: str) -> Iterator[tuple[Document, Documented]]:
    """The documents that describe an operation, the newest first."""
    for document in documents().values():
        for operation in document.operations():
            if RENAMED.get(operation.name, operation.name) == name:
                yield document, operation


def names() -> list[str]:
    """Every operation there is in the documents, by its newest name."""
    found = [RENAMED.get(item.name, item.name) for document in documents().values() for item in document.operations()]
    return list(dict.fromkeys(found))
