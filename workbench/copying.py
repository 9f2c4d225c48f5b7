"""A request of the log as something to paste: curl, httpx, or a call of Bandwidth's SDK; a document as XML or as code that builds it.

What the log holds masked becomes an environment variable, named so that one knows what belongs there.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench import bxml
from workbench.bxml.base import shape
from workbench.details import pretty, read, restored
from workbench.errors import WorkbenchError
from workbench.masking import HIDDEN
from workbench.records import Event

_NAMES = {
    "username": "CALLBACK_USERNAME",
    "password": "CALLBACK_PASSWORD",
    "fallbackUsername": "CALLBACK_USERNAME",
    "fallbackPassword": "CALLBACK_PASSWORD",
    "uui": "PARTICIPANT_TOKEN",
}
_USER = "$BW_USERNAME:$BW_PASSWORD"
BANDWIDTH = "https://voice.bandwidth.com/api/v2"
_SPLIT = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WEBRTC = re.compile(r"^/(?:participants|sessions)\b")
# The SDK's classes: the first whose part is in the path.
_APIS = (
    ("conferences", "ConferencesApi"),
    ("/recording", "RecordingsApi"),
    ("/transcriptions", "TranscriptionsApi"),
    ("/statistics", "StatisticsApi"),
    ("", "CallsApi"),
)
# Names of the SDK's models for the bodies of its calls.
_MODELS = {
    "createCall": "CreateCall",
    "updateCall": "UpdateCall",
    "updateConference": "UpdateConference",
    "updateConferenceMember": "UpdateConferenceMember",
    "updateCallRecordingState": "UpdateCallRecording",
    "transcribeCallRecording": "TranscribeRecording",
}


@dataclass(frozen=True)
class Hosts:
    """Where the APIs are. `account` is empty where it is a customer's: then the environment has it."""

    voice: str
    webrtc: str
    account: str


@dataclass(frozen=True)
class _Variable:
    """A value that only the reader has; `end` is what follows it."""

    name: str
    end: str = ""


def copies(event: Event, hosts: Hosts) -> dict[str, str]:
    """Everything an event can be copied as, by what it is called."""
    if event.direction == "webhook":
        return {"XML": pretty(event.reply), "SDK objects": objects(event.reply)} if event.verbs and event.reply else {}
    if event.event_type == "getToken":
        return {}
    found = {"curl": curl(event, hosts), "httpx": httpx(event, hosts)}
    if not _WEBRTC.match(_path(event)):
        found["SDK"] = sdk(event, hosts)
    return found


def copy(event: Event, kind: str, hosts: Hosts) -> str:
    """An event as one of these. Raises WorkbenchError that lists what it can be copied as."""
    found = {name.lower(): text for name, text in copies(event, hosts).items()}
    wanted = {"objects": "sdk objects"}.get(kind.lower(), kind.lower())
    if wanted not in found:
        ways = ", ".join(found) or "nothing, for it has no document"
        raise WorkbenchError(f"{event.event_type} cannot be copied as {kind!r}; it can be as {ways}")
    return found[wanted]


# -- requests ----------------------------------------------------------------------------------------------------------------------


def curl(event: Event, hosts: Hosts) -> str:
    """The request for a shell."""
    method, body = str(event.data["method"]), event.data.get("request")
    parts = [f"curl -X {method} {_quoted(_url(event, hosts))}", f'-u "{_USER}"']
    if isinstance(body, str):
        parts += ["-H 'Content-Type: application/xml'", f"--data {shlex.quote(body)}"]
    elif body and method != "GET":
        parts += ["-H 'Content-Type: application/json'", f"--data {_for_shell(_open(body))}"]
    return " \\\n  ".join(parts)


def httpx(event: Event, hosts: Hosts) -> str:
    """The request in Python."""
    method, body = str(event.data["method"]), event.data.get("request")
    lines = ["import os", "", "import httpx", "", "response = httpx.request(", f"    {method!r},", f"    {_literal(_url(event, hosts))},"]
    lines.append("    auth=(os.environ['BW_USERNAME'], os.environ['BW_PASSWORD']),")
    if isinstance(body, str):
        lines += [f"    content={body!r},", '    headers={"Content-Type": "application/xml"},']
    elif body and method == "GET":
        lines.append(f"    params={_code(_open(body))},")
    elif body:
        lines.append(f"    json={_code(_open(body))},")
    return "\n".join([*lines, ")", "response.raise_for_status()"]) + "\n"


def sdk(event: Event, hosts: Hosts) -> str:
    """The request as a call of Bandwidth's Python SDK."""
    path, operation, body = _path(event), event.event_type, event.data.get("request")
    api = next(name for part, name in _APIS if part in path)
    ids = [part for part in path.strip("/").split("/") if re.match(r"(?:c|conf|r|t)-", part)]
    given = ["os.environ['BW_ACCOUNT_ID']", *map(repr, ids)]
    model = _MODELS.get(operation)
    if model and isinstance(body, Mapping):
        given.append(f"models.{model}.from_dict({_code(_open(body))})")
    elif isinstance(body, str):
        given.append(repr(body))
    elif isinstance(body, Mapping):
        given += [f"{_snake(name)}={value!r}" for name, value in body.items()]
    arguments = ",\n    ".join(given)
    return (
        "import os\n\nfrom bandwidth import ApiClient, Configuration, models\n"
        f"from bandwidth.api.{_snake(api[0].lower() + api[1:])} import {api}\n\n"
        f"configuration = Configuration({_host(hosts)}username=os.environ['BW_USERNAME'], password=os.environ['BW_PASSWORD'])\n"
        f"api = {api}(ApiClient(configuration))\n"
        f"answer = api.{_snake(operation)}(\n    {arguments},\n)\n"
    )


def _host(hosts: Hosts) -> str:
    return "" if hosts.voice == BANDWIDTH else f"host={hosts.voice!r}, ignore_operation_servers=True, "


def _path(event: Event) -> str:
    return str(event.data.get("path", ""))


def _url(event: Event, hosts: Hosts) -> str:
    base = hosts.webrtc if _WEBRTC.match(_path(event)) else hosts.voice
    return f"{base}/accounts/{hosts.account or '$BW_ACCOUNT_ID'}{_path(event)}"


def _quoted(url: str) -> str:
    return f'"{url}"' if "$" in url else shlex.quote(url)


def _literal(url: str) -> str:
    return "f" + repr(url.replace("$BW_ACCOUNT_ID", "{os.environ['BW_ACCOUNT_ID']}")) if "$" in url else repr(url)


def _open(value: Any, name: str = "") -> Any:
    """The body with a variable in the place of each masked value."""
    if isinstance(value, Mapping):
        return {key: _open(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_open(item, name) for item in value]
    if not isinstance(value, str) or HIDDEN not in value:
        return value
    variable = _NAMES.get(name) or _SPLIT.sub("_", name).upper() or "VALUE"
    return _Variable(variable, ";encoding=jwt" if value.endswith(";encoding=jwt") else "")


def _for_shell(body: Any) -> str:
    """JSON in single quotes; variables are put in between."""
    marks: dict[str, str] = {}

    def text(value: Any) -> Any:
        if isinstance(value, _Variable):
            mark = f"@@{len(marks)}@@"
            marks[mark] = f"'\"${value.name}\"'{value.end}"
            return mark
        if isinstance(value, dict):
            return {key: text(item) for key, item in value.items()}
        return [text(item) for item in value] if isinstance(value, list) else value

    quoted = "'" + json.dumps(text(body), ensure_ascii=False).replace("'", "'\"'\"'") + "'"
    for mark, variable in marks.items():
        quoted = quoted.replace(mark, variable)
    return quoted


def _code(value: Any) -> str:
    """A body as a Python expression, a field a line."""
    if isinstance(value, _Variable):
        return f"os.environ[{value.name!r}]" + (f" + {value.end!r}" if value.end else "")
    if isinstance(value, dict):
        return "{\n" + "".join(f"        {key!r}: {_code(item)},\n" for key, item in value.items()) + "    }"
    return f"[{', '.join(map(_code, value))}]" if isinstance(value, list) else repr(value)


def _snake(name: str) -> str:
    # The SDK's way with Python's own words.
    return "var_from" if name == "from" else _SPLIT.sub("_", name).lower()


# -- documents ---------------------------------------------------------------------------------------------------------------------


def objects(document: str) -> str:
    """A document as code that builds it of Bandwidth's SDK. Raises WorkbenchError for what is no BXML."""
    found = read(document)
    if found is None:
        raise WorkbenchError("this document breaks a rule of BXML, so no objects make it")
    root, masked = found
    name = type(root).__name__
    verbs = "".join(f"    {_built(verb, masked)},\n" for verb in root.verbs)
    return f"import os\n\nfrom bandwidth.models.bxml import *\n\ndocument = {name}([\n{verbs}]).to_bxml()\n"


def _built(verb: bxml.Verb, hidden: Mapping[str, str]) -> str:
    given = []
    for row in shape(type(verb)).rows:
        value = getattr(verb, row.name)
        if value in (None, ()):
            continue
        if row.place == "nested":
            inner = value if isinstance(value, tuple) else (value,)
            built = [_built(one, hidden) for one in inner]
            given.append(f"{row.name}=[{', '.join(built)}]" if isinstance(value, tuple) else f"{row.name}={built[0]}")
        else:
            given.append(f"{row.name}={_value(row.xml or row.name, value, hidden)}")
    return f"{type(verb).__name__}({', '.join(given)})"


def _value(name: str, value: Any, hidden: Mapping[str, str]) -> str:
    shown = restored(value, hidden) if isinstance(value, str) else value
    return _code(_open(shown, name))
