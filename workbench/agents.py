"""ngrok's agent on this machine: where it is, what its errors mean, and which ones earlier kernels have left running."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench.settings import Settings

FOLDER = "agents"
GET_AGENT = "install it (https://ngrok.com/download) and set ngrok_path (PYNGROK_NGROK_PATH) if it is not on PATH"
GET_TOKEN = "set ngrok_token (NGROK_AUTHTOKEN) to the token shown at https://dashboard.ngrok.com/get-started/your-authtoken"
_UPDATE = "run `ngrok update`, or install the newest agent (https://ngrok.com/download)"
# documented: https://ngrok.com/docs/errors
_ADVICE = {
    "ERR_NGROK_105": f"the token is not one of ngrok's: {GET_TOKEN}",
    "ERR_NGROK_107": f"the token is not valid any more: {GET_TOKEN}",
    "ERR_NGROK_108": "another agent of your account is online, and the account allows no more: stop it "
    "(https://dashboard.ngrok.com/agents lists them), or use tunnel='url'",
    "ERR_NGROK_120": f"the agent is too old: {_UPDATE}",
    "ERR_NGROK_121": f"the agent is too old: {_UPDATE}",
    "ERR_NGROK_334": "the domain is in use: stop the other agent (https://dashboard.ngrok.com/endpoints lists what is online), "
    "or leave ngrok_domain (NGROK_DOMAIN) out",
}
_LIMITED = "ngrok has had too many requests of this account: wait a minute and run the cell again"
# How long an agent may take to end before it is made to.
_GRACE = 3.0


def agent_of(settings: Settings) -> str | None:
    """The agent's path. pyngrok would download one: a workbench does not fetch programs on its own."""
    if settings.ngrok_path:
        return settings.ngrok_path if os.access(settings.ngrok_path, os.X_OK) else None
    found = shutil.which("ngrok")
    if found is None:
        from pyngrok.conf import DEFAULT_NGROK_PATH

        found = DEFAULT_NGROK_PATH if os.access(DEFAULT_NGROK_PATH, os.X_OK) else None
    return found


def in_words(error: Exception, token: str) -> str:
    """What went wrong and what to do about it. ngrok repeats a wrong token in its message: here it is not shown."""
    told = " ".join(str(part) for part in (error, getattr(error, "ngrok_error", None), getattr(error, "body", None)) if part)
    shown = " ".join(str(error).split())
    if token:
        shown, told = shown.replace(token, "•••"), told.replace(token, "•••")
    code = re.search(r"ERR_NGROK_\d+", told)
    advice = _ADVICE.get(code[0]) if code else None
    if advice is None and re.search(r"rate.limit|too many requests|\b429\b", told, re.IGNORECASE):
        advice = _LIMITED
    if advice is None:
        more = f"https://ngrok.com/docs/errors/{code[0].lower()} says more" if code else "look at the network"
        advice = f"{more}, or use tunnel='url'"
    named = f"{code[0]}: " if code else ""
    return f"ngrok did not start: {named}{advice} (it said: {shown[:300]})"


class Kept:
    """An agent's configuration, which holds the token, and the note by which a later kernel finds the agent if this one is killed."""

    def __init__(self, folder: Path, token: str) -> None:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / FOLDER / f"{secrets.token_hex(8)}.yml"
        # Not on the command line, which every user of the machine can read. JSON is YAML.
        text = json.dumps({"version": "3", "agent": {"authtoken": token}})
        with os.fdopen(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)

    def note(self, agent: int) -> None:
        """Note whose agent this process id is."""
        told = {"agent": agent, "agent_began": _began(agent), "kernel": os.getpid(), "kernel_began": _began(os.getpid())}
        self.path.with_suffix(".json").write_text(json.dumps(told))

    def remove(self) -> None:
        """The agent has ended. Again: nothing happens."""
        forget(self.path)


def forget(path: Path) -> None:
    """Remove a configuration and its note."""
    for one in (path, path.with_suffix(".json")):
        with suppress(OSError):
            one.unlink()


def end_orphans(folder: Path) -> int:
    """End the agents whose kernel is gone, of this state directory; returns how many there were."""
    ended = 0
    for note in sorted((folder / FOLDER).glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(note.read_text())
            if _began(int(told["kernel"])) == told["kernel_began"]:
                continue
            ended += _end(int(told["agent"]), told["agent_began"])
            forget(note.with_suffix(".yml"))
    return ended


def _end(pid: int, began: float) -> int:
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        # the number may be another program's by now
        if process.create_time() == began:
            process.terminate()
            if psutil.wait_procs([process], timeout=_GRACE)[1]:
                process.kill()
            return 1
    return 0


def _began(pid: int) -> float | None:
    """When a process was started; None when there is none."""
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    return None


def is_listed(endpoints: list[Any], url: str) -> bool:
    """Whether the agent still forwards this URL."""
    return any(str(one.public_url).rstrip("/") == url for one in endpoints)
