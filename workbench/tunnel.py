"""How the platform reaches the callback server: directly (local), through ngrok, or under a URL that leads here already."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.errors import CallbackError
from workbench.settings import Settings

_GET_AGENT = "install it (https://ngrok.com/download) and set ngrok_path (PYNGROK_NGROK_PATH) if it is not on PATH"
_GET_TOKEN = "set ngrok_token (NGROK_AUTHTOKEN) to the token shown at https://dashboard.ngrok.com/get-started/your-authtoken"


class Tunnel:
    """A base URL, without a slash at the end, under which the callback server is reached until `close()`."""

    def __init__(self, url: str, kind: str, close: Callable[[], None] = lambda: None) -> None:
        self.url = url
        self.kind = kind
        self._close: Callable[[], None] | None = close

    def close(self) -> None:
        """End it; a second time nothing happens."""
        close, self._close = self._close, None
        if close is not None:
            close()

    def __enter__(self) -> Tunnel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Tunnel {self.kind}: {self.url}>"


def open_tunnel(settings: Settings, port: int) -> Tunnel:
    """The tunnel that the settings ask for, to `port` on this machine; CallbackError, with what to do, when it cannot be had."""
    if settings.tunnel == "ngrok":
        return _ngrok(settings, port)
    if settings.base_callback_url:
        return Tunnel(settings.base_callback_url, "url")
    return Tunnel(f"http://127.0.0.1:{port}", "none")


def ngrok_missing(settings: Settings) -> str | None:
    """What ngrok still needs here, or None: for cells that are skipped with a reason."""
    missing = []
    if _agent(settings) is None:
        missing.append(f"there is no ngrok agent: {_GET_AGENT}")
    if not _token(settings):
        missing.append(f"there is no ngrok token: {_GET_TOKEN}")
    return "; ".join(missing) or None


def _ngrok(settings: Settings, port: int) -> Tunnel:
    missing = ngrok_missing(settings)
    if missing:
        raise CallbackError(missing)
    # imported here: who has no tunnel needs no pyngrok
    from pyngrok import ngrok
    from pyngrok.conf import PyngrokConfig
    from pyngrok.exception import PyngrokError

    # pyngrok logs the agent's lines, addresses and options among them
    logging.getLogger("pyngrok").setLevel(logging.CRITICAL)
    folder = tempfile.TemporaryDirectory(prefix="workbench-ngrok-")
    config_path = Path(folder.name) / "ngrok.yml"
    # a configuration of our own: without one pyngrok would write to the user's
    config_path.write_text('version: "3"\n')
    config = PyngrokConfig(
        ngrok_path=_agent(settings),
        config_path=str(config_path),
        auth_token=_token(settings),
        start_new_session=True,
    )

    try:
        # Not `localhost`, which may lead to ::1, where nobody listens. And a name of our own: pyngrok's would hold the URL's slashes.
        opened = ngrok.connect(f"http://127.0.0.1:{port}", name=f"workbench-{port}", pyngrok_config=config)
    except (PyngrokError, OSError) as error:
        _end(config)
        raise CallbackError(f"ngrok did not start: {error}. Check the token and the network, or use tunnel='url'") from error
    finally:
        # the agent reads it once, at its start
        folder.cleanup()
    return Tunnel(str(opened.public_url).rstrip("/"), "ngrok", lambda: _end(config, opened.public_url))


def _end(config: Any, url: str | None = None) -> None:
    """Take a tunnel down, and the agent with its last one: pyngrok has one agent per path, which others may be using."""
    from pyngrok import ngrok, process
    from pyngrok.exception import PyngrokError

    with contextlib.suppress(PyngrokError, OSError):
        if not process.is_process_running(config.ngrok_path):
            return
        if url is not None:
            ngrok.disconnect(url, config)
        if ngrok.get_tunnels(config):
            return
    agent = process.get_process(config)
    ngrok.kill(config)
    # pyngrok leaves its reader and the agent's pipe to themselves
    reader = agent._monitor_thread
    if reader is not None:
        reader.join(5)
    if agent.proc.stdout is not None:
        agent.proc.stdout.close()


def _agent(settings: Settings) -> str | None:
    """The agent's path. pyngrok would download one: a workbench does not fetch programs on its own."""
    if settings.ngrok_path:
        return settings.ngrok_path if os.access(settings.ngrok_path, os.X_OK) else None
    found = shutil.which("ngrok")
    if found is None:
        from pyngrok.conf import DEFAULT_NGROK_PATH

        found = DEFAULT_NGROK_PATH if os.access(DEFAULT_NGROK_PATH, os.X_OK) else None
    return found


def _token(settings: Settings) -> str:
    return settings.ngrok_token.get_secret_value()
