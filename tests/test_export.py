"""A notebook's handlers as an application: what may leave, what is written, and that it runs without the notebook's packages."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import xml.etree.ElementTree
from functools import lru_cache, wraps
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_undoing import live
from workbench import Workbench, bxml
from workbench.application import Handlers, create
from workbench.bxml import Pause
from workbench.bxml import SpeakSentence as Say
from workbench.cassette import Cassette, Told
from workbench.errors import WorkbenchError
from workbench.export import REQUIRED, export
from workbench.export.carried import PACKAGE, carried
from workbench.export.folder import MANIFEST
from workbench.export.names import Found, examine
from workbench.local import Local
from workbench.process import LocalProcess
from workbench.server import CallbackServer

LIMIT = 30


def greeting(name: str) -> Say:
    return Say(f"Hello {name}")


def greets(event: Any, flow: Any) -> Any:
    """Says hello, then connects."""
    return [greeting("you"), flow.connect_verb(flow.participant())]


def lucky(event: Any, flow: Any, chance: float = 0.5) -> Any:
    return bxml.Hangup() if random.random() < chance else [Pause(1) for _ in range(2)]


def leaky(event: Any, flow: Any) -> Any:
    def inner() -> Any:
        return wb.phone(1)  # type: ignore[name-defined]  # noqa: F821

    return inner() and Pause(LIMIT)


def approximate(event: Any, flow: Any) -> Any:
    return pytest.approx(1)


async def waits(event: Any, flow: Any) -> Any:
    return None


def enclosed() -> Any:
    secret = "x"

    def handler(event: Any, flow: Any) -> Any:
        return Say(secret)

    return handler


@lru_cache
def cached(event: Any, flow: Any) -> Any:
    return Pause(1)


def twice(handler: Any) -> Any:
    @wraps(handler)
    def both(event: Any, flow: Any) -> Any:
        return [handler(event, flow), handler(event, flow)]

    return both


@twice
def repeated(event: Any, flow: Any) -> Any:
    return Pause(1)


def imports_inside(event: Any, flow: Any) -> Any:
    import json

    import pandas

    from workbench import Workbench, WorkbenchError

    return json, pandas, Workbench, WorkbenchError


def looks(event: Any, flow: Any) -> Any:
    return flow.webhooks or flow.mode.members() or event.data


def reads(event: Any, flow: Any) -> Any:
    class Shape:
        side = 1
        name = __name__
        area = side * side

    return Say(str(xml.etree.ElementTree.fromstring("<a/>").tag * Shape.area))


def handlers(event: Any, flow: Any) -> Any:
    return None


def examined(function: Any) -> Found:
    found = Found()
    examine(function, found, "transfer.answer")
    return found


class TestNames:
    def test_what_can_be_imported_anywhere_leaves(self) -> None:
        found = examined(lucky)
        assert found.faults == []
        assert found.imports == {"import random", "from workbench import bxml", "from workbench.bxml.calling import Pause"}

    def test_functions_it_calls_come_along_before_it(self) -> None:
        found = examined(greets)
        assert list(found.sources) == ["greeting", "greets"]
        assert found.imports == {"from workbench.bxml.media import SpeakSentence as Say"}

    def test_modules_in_a_package_are_imported_and_classes_have_names_of_their_own(self) -> None:
        found = examined(reads)
        assert found.faults == []
        assert {"import xml.etree", "import xml.etree.ElementTree"} <= found.imports

    def test_a_function_that_is_called_like_an_import_would_hide_it(self, tmp_path: Path) -> None:
        def random(event: Any, flow: Any) -> Any:
            return None

        with pytest.raises(WorkbenchError, match="its name is that of an import, 'import random'"):
            export(tmp_path / "out", {"transfer": {"answer": lucky, "redirect": random}})

    @pytest.mark.parametrize(
        ("function", "told"),
        [
            (leaky, ["leaky, line 3: wb: an application has no workbench", "leaky, line 5: LIMIT: a value of the notebook"]),
            (approximate, ["approximate, line 2: pytest: the application does not have the package pytest"]),
            (waits, ["transfer.answer: a handler returns its document, so it is neither async"]),
            (enclosed(), ["transfer.answer: it uses secret of the function around it"]),
            (cached, ["transfer.answer: it is no plain function"]),
            (repeated, ["transfer.answer: a decorator has put another function in its place"]),
            (imports_inside, ["imports_inside, line 4: pandas: the application", "imports_inside, line 6: workbench.Workbench: the app"]),
            (looks, ["looks, line 2: flow.mode.members: a table is", "looks, line 2: flow.webhooks: a table is"]),
            (handlers, ["transfer.answer: the application's table of handlers is called so"]),
            (lambda event, flow: None, ["transfer.answer: a lambda has no name"]),
            ("text", ["transfer.answer: it is no plain function"]),
            (greets.__get__(1), ["transfer.answer: it is no plain function"]),
            (eval("lambda: 0").__class__(compile("0", "<nowhere>", "eval"), {}, "made"), ["transfer.answer: its source cannot be had"]),
        ],
    )
    def test_what_cannot_leave_is_named(self, function: Any, told: list[str]) -> None:
        faults = sorted(map(str, examined(function).faults))
        assert [fault[: len(words)] for fault, words in zip(faults, told, strict=True)] == told

    def test_two_functions_of_one_name_are_told_apart(self) -> None:
        found = examined(greets)

        def greets_too(event: Any, flow: Any) -> Any:
            return None

        greets_too.__name__ = "greets"
        examine(greets_too, found)
        assert "another function of this name" in str(found.faults[0])


def test_what_is_carried_knows_no_notebook() -> None:
    text = "\n".join((PACKAGE / file).read_text("utf-8") for file in carried())
    names = {file.as_posix() for file in carried()}
    assert {"callbacks.py", "modes/transfer.py", "bxml/parse.py", "replay.py"} <= names
    assert not names & {"workbench.py", "wiring.py", "local.py", "views.py"}
    assert not any(file.startswith(("widgets/", "simulator/")) for file in names)
    for library in ("anywidget", "ipywidgets", "jupyter", "pyngrok"):
        assert f"import {library}" not in text


class TestFolder:
    def write(self, folder: Path, **options: Any) -> Any:
        return export(folder, {"transfer": {"answer": greets}}, **options)

    def test_a_folder_with_something_in_it_stays(self, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("mine")
        with pytest.raises(WorkbenchError, match=r"not empty \(mine.txt\)"):
            self.write(tmp_path)
        assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]

    def test_files_of_no_export_are_never_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "app.py").write_text("mine")
        with pytest.raises(WorkbenchError, match=r"come from no export.*app\.py"):
            self.write(tmp_path, overwrite=True)
        assert (tmp_path / "app.py").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1

    def test_an_export_is_replaced_when_asked_but_not_what_was_changed(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "out").folder
        (folder / "notes.txt").write_text("mine")
        with pytest.raises(WorkbenchError, match="overwrite=True"):
            self.write(folder)
        self.write(folder, overwrite=True)
        (folder / "handlers.py").write_text("# mine now\n")
        with pytest.raises(WorkbenchError, match=r"changed since they were exported.*handlers\.py"):
            self.write(folder, overwrite=True)
        assert (folder / "handlers.py").read_text() == "# mine now\n" and (folder / "notes.txt").exists()

    def test_what_is_no_longer_part_of_it_goes_unless_it_was_changed(self, tmp_path: Path) -> None:
        cassette = Cassette("nothing", "transfer", "outbound")
        folder = self.write(tmp_path / "out", cassettes=[cassette]).folder
        test = folder / "tests" / "test_cassettes.py"
        before = test.read_text()
        test.write_text("# mine now\n")
        with pytest.raises(WorkbenchError, match=r"changed since they were exported.*test_cassettes\.py"):
            self.write(folder, overwrite=True)
        test.write_text(before)
        self.write(folder, overwrite=True)
        assert not test.exists() and (folder / "app.py").exists()

    def test_nothing_outside_is_touched_whatever_the_folder_says(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "out").folder
        (tmp_path / "mine.txt").write_text("mine")
        (tmp_path / "elsewhere").mkdir()
        manifest = json.loads((folder / MANIFEST).read_text())
        digest = next(iter(manifest["files"].values()))
        manifest["files"] |= {"../mine.txt": digest, str(tmp_path / "mine.txt"): digest}
        (folder / MANIFEST).write_text(json.dumps(manifest))
        self.write(folder, overwrite=True)
        assert (tmp_path / "mine.txt").read_text() == "mine"
        (folder / "workbench").rename(tmp_path / "elsewhere" / "workbench")
        (folder / "workbench").symlink_to(tmp_path / "elsewhere" / "workbench")
        with pytest.raises(WorkbenchError, match=r"come from no export.*workbench/"):
            self.write(folder, overwrite=True)

    @pytest.mark.parametrize("at", [1, 7, 40])
    def test_an_export_that_fails_in_its_midst_leaves_all_as_it_was(self, tmp_path: Path, monkeypatch: Any, at: int) -> None:
        folder = self.write(tmp_path / "out").folder
        before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        replaced, real = [], os.replace

        def replace(source: Any, target: Any) -> None:
            replaced.append(target)
            if len(replaced) == at:
                raise OSError("no space is left")
            real(source, target)

        monkeypatch.setattr("workbench.export.folder.os.replace", replace)
        with pytest.raises(WorkbenchError, match="no space is left"):
            export(folder, {"transfer": {"answer": lucky}}, overwrite=True)
        assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
        assert [each.name for each in tmp_path.iterdir()] == ["out"]

    def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("")
        with pytest.raises(WorkbenchError, match="is a file"):
            self.write(tmp_path / "out")

    def test_nothing_is_written_when_a_handler_cannot_leave(self, tmp_path: Path) -> None:
        with pytest.raises(WorkbenchError, match=r"(?s)leaky.*wb:.*LIMIT:"):
            export(tmp_path / "out", {"transfer": {"answer": leaky}})
        assert not list(tmp_path.iterdir())


def test_a_cassette_that_is_answered_otherwise_by_now_is_no_test(tmp_path: Path) -> None:
    call = {"callId": "c-1", "from": "+15550100001", "to": "+19195550100"}
    cassette = Cassette("greeted", "transfer", "inbound", events=(Told("phone", "initiate", call, 200, "<Response/>"),))
    with pytest.raises(WorkbenchError, match=r"(?s)otherwise than recorded.*greeted:.*initiate"):
        export(tmp_path / "out", {"transfer": {"initiate": greets}}, [cassette])
    assert not list(tmp_path.iterdir())
    made = export(tmp_path / "out", {"transfer": {"initiate": greets}}, [cassette], all_fit=False)
    assert made.cassettes == 0 and made.left == ("greeted",) and "otherwise by now: greeted" in repr(made)


def test_the_requirements_are_all_that_is_needed() -> None:
    waiting, seen = ["flask", "httpx", "pydantic-settings", "pyjwt", "waitress"], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for one in map(Requirement, metadata.requires(name) or []):
            if (one.marker is None or one.marker.evaluate({"extra": ""})) and canonicalize_name(one.name) not in seen:
                waiting.append(canonicalize_name(one.name))
    # On older Pythons some need one more.
    assert seen <= set(REQUIRED) <= seen | {"typing-extensions"}


# -- the whole way -----------------------------------------------------------------------------------------------------------------

PASSWORD = "a-password-of-this-test"
# What a notebook has and an application has not.
BLOCKED = ("IPython", "anywidget", "ipywidgets", "jupyterlab", "pandas", "pyngrok", "starlette", "traitlets")
BLOCKER = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(name + " is not in requirements.txt")
sys.meta_path.insert(0, Blocked())
"""


def told(events: list[Any]) -> list[tuple[Any, ...]]:
    return [(one.event_type, one.leg, one.cause, one.verbs) for one in events]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[Any, ...]]]:
    """An exported application, and what a Transfer to us was in the notebook."""
    with Workbench(state_dir=tmp_path_factory.mktemp("state")) as wb:
        wb.local.clock.pause()
        wb.connect(wb.participant())
        wb.transfer.on("initiate")(greets)
        wb.transfer.take_inbound()
        wb.phone().dial(wb.number)
        wb.wait("initiate")
        wb.local.clock.run_to_idle()
        wb.phone().hangup()
        wb.wait("disconnect")
        flow = wb.transfer.flow
        for mode in (wb.bridge, wb.conference):
            mode.dial(wb.phone(2))
            wb.local.clock.run_to_idle()
            mode.flow.close()
        written = wb.export_app(tmp_path_factory.mktemp("exported") / "out")
        events = told(wb._wiring.log.events(flow=flow.id))
    assert written.cassettes == 3 and "transfer: initiate" in repr(written)
    (written.folder / "sitecustomize.py").write_text(BLOCKER)
    return written.folder, events


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BW_", "WORKBENCH_", "PYTHON", "BASE_"))}
    return {**kept, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **more}


@pytest.mark.sockets
def test_its_tests_pass_without_the_notebooks_packages_and_fail_when_a_handler_changes(notebook: Any, tmp_path: Path) -> None:
    folder, _ = notebook
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:hypothesispytest", "tests"]
    passed = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "4 passed" in passed.stdout
    handlers = folder / "handlers.py"
    before = handlers.read_text("utf-8")
    try:
        handlers.write_text(
            before.replace('greeting("you")', "bxml.Pause(1)").replace(
                "from workbench.app", "from workbench import bxml\nfrom workbench.app"
            )
        )
        failed = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    finally:
        handlers.write_text(before)
    assert failed.returncode == 1 and "Pause" in failed.stdout


@pytest.mark.sockets
def test_it_serves_the_same_flow_on_a_local_platform(notebook: Any, tmp_path: Path) -> None:
    folder, expected = notebook
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    platform = LocalProcess()
    local = httpx.Client(base_url=f"{platform.url}/_local", headers={"X-Workbench-Token": platform.token}, trust_env=False)
    process = None
    try:
        state = local.get("/state").json()
        account = {"BW_ACCOUNT_ID": state["account"], "BW_USERNAME": "local", "BW_PASSWORD": "local"}
        number, application = state["numbers"][0]["number"], state["numbers"][0]["applicationId"]
        base = f"http://127.0.0.1:{port}"
        urls = {"WORKBENCH_VOICE_URL": f"{platform.url}/api/v2", "WORKBENCH_WEBRTC_URL": f"{platform.url}/v1", "BASE_CALLBACK_URL": base}
        own = {"BW_VOICE_APPLICATION_ID": application, "BW_NUMBER": number, "CALLBACK_PASSWORD": PASSWORD, "WORKBENCH_PORT": str(port)}
        own |= {"CALLS_ALLOWED": "+19195550112", "CALL_LIMIT": "5"}
        found = environment(folder, **account, **urls, **own, WORKBENCH_STATE_DIR=str(tmp_path))
        process = subprocess.Popen([sys.executable, "app.py"], cwd=folder, env=found, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and "listening on" in process.stdout.readline()
        callbacks = {"callInitiatedCallbackUrl": f"{base}/inbound/initiate", "callStatusCallbackUrl": f"{base}/inbound/disconnect"}
        local.put(f"/applications/{application}", json={**callbacks, "username": "application", "password": PASSWORD})
        assert httpx.post(f"{base}/calls/bridge", json={"to": "+19195550112"}, trust_env=False).status_code == 401

        local.post("/clock", json={"pause": True})
        local.post("/phones/+19195550111/dial", json={"to": number})
        local.post("/clock", json={"run_to": "idle"})
        local.post("/phones/+19195550111/hangup")
        local.post("/clock", json={"run_to": "idle"})
        dialled = subprocess.run(
            [sys.executable, "app.py", "dial", "+19195550112", "--mode", "bridge"],
            cwd=folder,
            env=found,
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(dialled.stdout)["flow"] == "bridge-1"
        local.post("/clock", json={"run_to": "idle"})
        hears = local.get("/hears").json()
        assert len(hears["parties"]) == 1, "nobody stands for the browser here; the phone is up"
        wrong = subprocess.run(
            [sys.executable, "app.py", "dial", "112"], cwd=folder, env=found, capture_output=True, text=True, check=False
        )
        assert wrong.returncode == 1 and "to: it" in wrong.stderr
        other = httpx.post(f"{base}/calls/bridge", json={"to": "+19195550113"}, auth=("application", PASSWORD), trust_env=False)
        assert other.status_code == 400 and "not among the numbers that may be called" in other.json()["error"]
        elsewhere = {"Host": "evil.example.com"}
        assert httpx.post(f"{base}/calls/bridge", headers=elsewhere, auth=("application", PASSWORD), trust_env=False).status_code == 421
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        left = local.get("/state").json()
        assert left["calls"] == left["participants"] == left["sessions"] == []
    finally:
        if process is not None:
            process.kill()
            process.wait()
            process.stdout.close()
        local.close()
        platform.close()
    from workbench.events import open_log
    from workbench.settings import Settings

    log = open_log(Settings(state_dir=tmp_path))
    run = log.runs()[-1].run
    assert told(log.events(flow="transfer-1", run=run)) == expected, "the same flow as in the notebook"
    log.close()


@pytest.mark.sockets
def test_with_endpoints_it_joins_a_phone_with_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Workbench(webrtc="endpoints", state_dir=tmp_path / "notebook") as wb:
        wb.connect(wb.participant())
        wb.transfer.dial(wb.phone())
        wb.local.clock.run_to_idle()
        wb.transfer.flow.close()
        written = wb.export_app(tmp_path / "out")
    assert written.cassettes == 1 and "WORKBENCH_WEBRTC=endpoints" in (written.folder / ".env.example").read_text()
    platform = LocalProcess()
    local = Local(platform.url, platform.token)
    given = live(platform) | {"WORKBENCH_WEBRTC": "endpoints", "WORKBENCH_STATE_DIR": str(tmp_path / "state")}
    base = f"http://127.0.0.1:{given['WORKBENCH_PORT']}"
    for name, value in (given | {"BASE_CALLBACK_URL": base}).items():
        monkeypatch.setenv(name, value)
    application = create(Handlers(), {"CALLS_ALLOWED": "*", "CALLBACK_PASSWORD": PASSWORD})
    server = CallbackServer(application.wsgi, application.settings.port, application.settings.host).start()
    try:
        shown = httpx.get(f"{base}/participant", auth=("application", PASSWORD), trust_env=False).json()
        assert set(shown) == {"endpointId", "token"}
        local.connect(shown)
        local.clock.pause()
        application.dial("+19195550112")
        local.clock.run_to_idle()
        assert local.hears()["hears"] == {"+19195550112": [shown["endpointId"]], shown["endpointId"]: ["+19195550112"]}
        application.close()
        assert (local.state()["calls"], local.state()["endpoints"]) == ([], [])
    finally:
        server.stop()
        local.close()
        platform.close()


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"CALL_LIMIT": "many"}, "CALL_LIMIT: a whole number"), ({"CALLS_ALLOWED": "112"}, "CALLS_ALLOWED, CALL_LIMIT: numbers")],
)
def test_whom_it_may_call_is_checked_at_the_start(notebook: Any, wrong: dict[str, str], said: str) -> None:
    folder, _ = notebook
    account = {"BW_ACCOUNT_ID": "1", "BW_USERNAME": "a", "BW_PASSWORD": "b", "BW_VOICE_APPLICATION_ID": "c", "BW_NUMBER": "+15550100001"}
    found = environment(folder, **account, BASE_CALLBACK_URL="http://127.0.0.1:1", **wrong)
    ended = subprocess.run([sys.executable, "app.py"], cwd=folder, env=found, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and said in ended.stderr


@pytest.mark.sockets
def test_what_is_missing_is_named_at_the_start(notebook: Any) -> None:
    folder, _ = notebook
    ended = subprocess.run([sys.executable, "app.py"], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    for name in ("BW_ACCOUNT_ID", "BW_NUMBER", "BW_ID_CLIENT_SECRET"):
        assert name in ended.stderr


def test_without_settings_the_application_says_where_they_belong(tmp_path, monkeypatch):
    from workbench.application import main

    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("BW_", "WORKBENCH_", "BASE_"))]:
        monkeypatch.delenv(name)
    with pytest.raises(SystemExit, match=r"BW_ACCOUNT_ID[\s\S]*Copy .env.example to .env"):
        main({}, {}, [])
    (tmp_path / ".env").touch()
    with pytest.raises(SystemExit, match="BW_ACCOUNT_ID") as named:
        main({}, {}, [])
    assert "Copy" not in str(named.value)
