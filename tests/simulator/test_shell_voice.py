"""The Voice API as a client sees it: statuses, headers and bodies."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from workbench.simulator.setup import APPLICATION
from workbench.simulator.voice_api import DEFAULT_PAGE, error

from .shell import BASE, NUMBER, PHONE, PHONE_2, START, URL, VOICE, Platform, call_fields, document, until

JSON = "application/json;charset=UTF-8"
XML = {"Content-Type": "application/xml"}
PARK = document('<Pause duration="3600"/>')


async def test_create_call_answers_every_documented_field(platform: Platform) -> None:
    optional = {"tag": "t", "username": "u", "password": "p", "callTimeout": 12.5, "priority": 3, "answerFallbackUrl": "https://b.test/x"}
    secure = {"answerUrl": "https://app.test/answer", "disconnectUrl": "https://app.test/disconnect", "fallbackPassword": "q"}
    answer = await platform.http.post(f"{VOICE}/calls", json=call_fields() | optional | secure)
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert re.fullmatch(r"c-[0-9a-f]{8}(-[0-9a-f]{4,12}){5}", body["callId"])
    assert len(body["callId"]) == 47
    assert answer.headers["location"] == body["callUrl"] == f"{URL}{VOICE}/calls/{body['callId']}"
    assert int(answer.headers["x-workbench-seq"]) > 0
    del body["callId"], body["callUrl"]
    assert body == {
        "applicationId": APPLICATION,
        "accountId": "9900000",
        "to": PHONE,
        "from": NUMBER,
        "enqueuedTime": "2023-11-14T22:13:20.000Z",
        "callTimeout": 12.5,
        "callbackTimeout": 15.0,
        "tag": "t",
        "answerMethod": "POST",
        "answerUrl": "https://app.test/answer",
        "answerFallbackMethod": "POST",
        "answerFallbackUrl": "https://b.test/x",
        "disconnectMethod": "POST",
        "disconnectUrl": "https://app.test/disconnect",
        "username": "u",
        "password": "*****",
        "fallbackUsername": None,
        "fallbackPassword": "*****",
        "priority": 3,
    }


async def test_a_call_from_queue_to_end(platform: Platform) -> None:
    platform.application.replies["answer"] = PARK
    call_id = await platform.call()
    path = f"{VOICE}/calls/{call_id}"
    queued = (await platform.http.get(path)).json()
    assert (queued["state"], queued["startTime"], queued["direction"]) == ("queued", None, "outbound")
    await platform.idle()
    answered = (await platform.http.get(path)).json()
    assert (answered["state"], answered["answerTime"], answered["endTime"]) == ("answered", "2023-11-14T22:13:21.000Z", None)
    ended = await platform.http.post(path, json={"state": "completed"})
    assert (ended.status_code, ended.content) == (200, b"")
    body = (await platform.http.get(path)).json()
    assert body == {
        "applicationId": APPLICATION,
        "accountId": "9900000",
        "callId": call_id,
        "parentCallId": None,
        "to": PHONE,
        "from": NUMBER,
        "direction": "outbound",
        "state": "disconnected",
        "stirShaken": {},
        "identity": None,
        "enqueuedTime": "2023-11-14T22:13:20.000Z",
        "startTime": "2023-11-14T22:13:20.000Z",
        "answerTime": "2023-11-14T22:13:21.000Z",
        "endTime": "2023-11-14T22:13:21.000Z",
        "disconnectCause": "hangup",
        "errorMessage": None,
        "errorId": None,
        "lastUpdate": "2023-11-14T22:13:21.000Z",
    }
    await platform.idle()
    assert platform.application.events == ["answer", "disconnect"]
    answer, disconnect = [int(request.headers["X-Workbench-Seq"]) for request in platform.application.requests]
    assert answer < int(ended.headers["x-workbench-seq"]) < disconnect, "what a request causes comes after it"


async def test_answer_is_not_delivered_before_the_201_was_sent(platform: Platform) -> None:
    """The phone answers at once and the client is slow to take the 201: the webhook waits for it."""
    await platform.http.put(f"/_local/phones/{PHONE}", json={"ring_seconds": 0})
    platform.application.replies["answer"] = PARK
    sending, sent = asyncio.Event(), asyncio.Event()

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.body":
            sending.set()
            await sent.wait()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": json.dumps(call_fields()).encode()}

    headers = [(b"authorization", b"Basic bG9jYWw6bG9jYWw="), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": f"{VOICE}/calls", "query_string": b"", "headers": headers}
    request = asyncio.create_task(platform.app(scope, receive, send))  # type: ignore[arg-type]
    await sending.wait()
    await until(lambda: any(entry.kind == "webhook" for entry in platform.world.stream.after(0)))
    # Other calls are not held up by this one's slow client.
    await platform.http.put(f"/_local/phones/{PHONE_2}", json={"ring_seconds": 0})
    other = await platform.call(PHONE_2)
    await until(lambda: bool(platform.application.requests))
    assert [json.loads(request.body)["callId"] for request in platform.application.requests] == [other]
    sent.set()
    await request
    await until(lambda: len(platform.application.requests) == 2)


async def test_a_client_that_goes_away_does_not_hold_the_answer_for_ever(platform: Platform) -> None:
    platform.application.replies["answer"] = PARK

    async def send(message: dict[str, object]) -> None:
        raise OSError("gone")

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": json.dumps(call_fields()).encode()}

    headers = [(b"authorization", b"Basic bG9jYWw6bG9jYWw="), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": f"{VOICE}/calls", "query_string": b"", "headers": headers}
    with pytest.raises(OSError, match="gone"):
        await platform.app(scope, receive, send)  # type: ignore[arg-type]
    await platform.idle()
    assert platform.application.events == ["answer"]


async def test_pages_of_calls(platform: Platform) -> None:
    made = [await platform.call(f"+1919555011{number}") for number in range(5)]
    assert [call["callId"] for call in (await platform.http.get(f"{VOICE}/calls")).json()] == made
    seen, url, pages = [], f"{VOICE}/calls?pageSize=2&from=%2B19195550100", 0
    while url:
        answer = await platform.http.get(url)
        assert answer.headers["content-type"] == JSON
        seen += [call["callId"] for call in answer.json()]
        pages += 1
        link = answer.headers.get("link")
        url = re.fullmatch(r'<(.+)>; rel="next"', link)[1] if link else ""  # type: ignore[index]
        assert url == "" or url.startswith(f"{URL}{VOICE}/calls?")
    assert (seen, pages) == (made, 3)
    assert (await platform.http.get(f"{VOICE}/calls?to=%2B19195550119")).json() == []


@pytest.mark.parametrize("query", ["pageSize=0", "pageSize=10001", "pageSize=x", "pageSize=", "pageToken=bm8=", "pageToken=%FF"])
async def test_bad_pages(platform: Platform, query: str) -> None:
    await platform.call()
    answer = await platform.http.get(f"{VOICE}/calls?{query}")
    assert answer.status_code == 400
    assert answer.json()["type"] == "validation"
    assert DEFAULT_PAGE == 1000


async def test_conference_and_members(platform: Platform) -> None:
    room = f'<Conference conferenceEventUrl="{BASE}/room" mute="true" tag="blue">lesson</Conference>'
    platform.application.replies["answer"] = document(room)
    first, second = await platform.call(PHONE), await platform.call(PHONE_2)
    await platform.idle()
    [listed] = (await platform.http.get(f"{VOICE}/conferences?name=lesson")).json()
    conference_id = listed["id"]
    assert re.fullmatch(r"conf-[0-9a-f]{8}(-[0-9a-f]{4,12}){5}", conference_id)
    assert listed == {
        "id": conference_id,
        "name": "lesson",
        "createdTime": "2023-11-14T22:13:21.000Z",
        "completedTime": None,
        "conferenceEventUrl": f"{BASE}/room",
        "conferenceEventMethod": "POST",
        "tag": "blue",
    }
    path = f"{VOICE}/conferences/{conference_id}"
    shown = (await platform.http.get(path)).json()
    assert [member["callId"] for member in shown.pop("activeMembers")] == [first, second]
    assert shown == listed
    member = f"{path}/members/{second}"
    expected = {"callId": second, "conferenceId": conference_id, "memberUrl": URL + member, "mute": True, "hold": False}
    assert (await platform.http.get(member)).json() == expected | {"callIdsToCoach": None}
    changed = await platform.http.put(member, json={"mute": False, "callIdsToCoach": [first]})
    assert (changed.status_code, changed.content) == (204, b"")
    assert (await platform.http.get(member)).json() == expected | {"mute": False, "callIdsToCoach": [first]}
    bxml = await platform.http.put(f"{path}/bxml", content="<Bxml><SpeakSentence>Hi</SpeakSentence></Bxml>", headers=XML)
    assert bxml.status_code == 204
    wrong = await platform.http.put(f"{path}/bxml", content="<Bxml><Hangup/></Bxml>", headers=XML)
    assert (wrong.status_code, wrong.json()["type"]) == (400, "validation")
    assert (await platform.http.post(path, json={"status": "completed"})).status_code == 204
    assert (await platform.http.get(path)).json()["completedTime"] is not None
    assert (await platform.http.get(f"{VOICE}/conferences/conf-no")).status_code == 404
    assert (await platform.http.get(f"{path}/members/c-no")).status_code == 404


async def test_call_bxml(platform: Platform) -> None:
    platform.application.replies["answer"] = PARK
    path = f"{VOICE}/calls/{await platform.call()}"
    early = await platform.http.put(f"{path}/bxml", content="<Bxml><Hangup/></Bxml>", headers=XML)
    assert early.status_code == 409
    await platform.idle()
    bad = await platform.http.put(f"{path}/bxml", content="<Bxml><Nope/></Bxml>", headers=XML)
    assert bad.status_code == 400
    good = await platform.http.put(f"{path}/bxml", content="<Bxml><Hangup/></Bxml>", headers=XML)
    assert (good.status_code, good.content) == (204, b"")
    assert (await platform.http.get(path)).json()["state"] == "disconnected"


async def test_statistics(platform: Platform) -> None:
    await platform.call()
    assert (await platform.http.get(f"{VOICE}/statistics")).json() == {"currentCallQueueSize": 1, "maxCallQueueSize": 1500}


async def test_documented_errors(platform: Platform) -> None:
    http, path = platform.http, f"{VOICE}/calls"

    async def asked(method: str, url: str, **options: object) -> tuple[int, object]:
        answer = await http.request(method, url, **options)  # type: ignore[arg-type]
        assert answer.headers["content-type"] == JSON
        return answer.status_code, answer.json()

    def body(type: str, description: str, id: str | None = None) -> dict[str, str | None]:
        return {"type": type, "description": description, "id": id}

    missing = "Missing at least one required field. Required fields are [from, to, answerUrl, applicationId]"
    assert await asked("POST", path, json={}) == (400, body("validation", missing))
    json_type = {"Content-Type": "application/json"}
    deep = '{"tag": ' + "[" * 99 + "]" * 99 + "}"
    wide = '{"callIds": [' + ",".join(["[]"] * 200) + "]}"
    for taken in (deep, wide):
        assert await asked("POST", path, content=taken, headers=json_type) == (400, body("validation", missing)), taken
    for bad in ("{", "[]", '"x"', "", '{"to": NaN}', "[" * 100_000, deep.replace("[]", "[[]]")):
        assert await asked("POST", path, content=bad, headers=json_type) == (400, body("validation", "Bad Request")), bad
    plain = "Content type 'text/plain' not supported"
    assert await asked("POST", path, content="{}", headers={"Content-Type": "text/plain"}) == (415, body("validation", plain))
    packed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert await asked("POST", path, content="{}", headers=packed) == (415, body("validation", "Unsupported Media Type"))
    assert await asked("PUT", f"{path}/c-1/bxml", json={}) == (415, body("validation", "Content type 'application/json' not supported"))
    assert await asked("POST", path, content=b"x" * 1_000_001, headers=json_type) == (413, body("validation", "Payload Too Large"))

    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(2_000):
            yield b"x" * 1_000

    assert (await asked("POST", path, content=endless(), headers=json_type))[0] == 413
    assert await asked("GET", f"{path}/c-1") == (404, body("validation", "Call [c-1] not found"))
    assert await asked("GET", f"{VOICE}/calls/") == (404, body("validation", "Not Found"))
    assert await asked("GET", f"{VOICE}/nothing") == (404, body("validation", "Not Found"))
    assert await asked("PATCH", f"{path}/c-1") == (405, body("validation", "Method Not Allowed"))
    assert set((await http.patch(f"{path}/c-1")).headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    call_id = await platform.call()
    conflict = f"Call [{call_id}] cannot be modified in its current state"
    assert await asked("POST", f"{path}/{call_id}", json={"redirectUrl": BASE}) == (409, body("validation", conflict, ""))


async def test_too_many_requests_say_when_to_come_back() -> None:
    answer = error(429, "error", "Account call creation rate limit exceeded")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert json.loads(answer.body)["id"] == ""


async def test_an_unexpected_failure_is_a_500(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(platform.world.engine), "call", lambda self, call_id: 1 / 0)
    answer = await platform.http.get(f"{VOICE}/calls/c-1")
    expected = {"type": "internal-error", "description": "An unknown internal error occurred", "id": None}
    assert (answer.status_code, answer.json()) == (500, expected)


async def test_times_have_milliseconds(platform: Platform) -> None:
    assert platform.clock.now() == START
    await platform.clock_to(advance=0.1234)
    call_id = await platform.call()
    assert (await platform.http.get(f"{VOICE}/calls/{call_id}")).json()["enqueuedTime"] == "2023-11-14T22:13:20.123Z"


async def test_a_body_that_ends_early_is_no_fault_of_ours(platform: Platform) -> None:
    statuses: list[object] = []

    async def send(message: dict[str, object]) -> None:
        statuses.append(message.get("status"))

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    headers = [(b"authorization", b"Basic bG9jYWw6bG9jYWw="), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": f"{VOICE}/calls", "query_string": b"", "headers": headers}
    await platform.app(scope, receive, send)  # type: ignore[arg-type]
    assert statuses[0] == 400
