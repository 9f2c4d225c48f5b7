"""A tunnel by ngrok's agent, which pyngrok drives: opened, watched, opened again when it has died, closed."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from pyngrok import ngrok, process
from pyngrok.conf import PyngrokConfig
from pyngrok.exception import PyngrokError

from workbench.agents import Kept, agent_of, end_orphans, forget, in_words, is_listed
from workbench.errors import CallbackError
from workbench.settings import Settings
from workbench.tunnel import Tunnel

# Seconds between looks at the agent's process; every tenth look also asks whether it still forwards our URL.
LOOK = 0.5
ASK = 10
# Seconds to wait before the next try, longer each time.
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class NgrokTunnel(Tunnel):
    """A tunnel to `port` on this machine. Raises CallbackError, with what to do, when it cannot be opened."""

    def __init__(self, settings: Settings, port: int) -> None:
        # pyngrok logs the agent's lines, addresses and options among them
        logging.getLogger("pyngrok").setLevel(logging.CRITICAL)
        self._settings, self._port = settings, port
        self._ended = Event()
        end_orphans(settings.state_dir)
        self._config: Any = None
        super().__init__(self._open(), "ngrok")
        self._watcher = Thread(target=self._watch, name="workbench-tunnel", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Take it down, and the agent with its last tunnel; a second time nothing happens."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._watcher.join()
        _end(self._config, self.url)

    def _open(self) -> str:
        path, token = agent_of(self._settings) or "", self._settings.ngrok_token.get_secret_value()
        # pyngrok has one agent per path, which may run already: then its configuration counts
        kept = None if process.is_process_running(path) else Kept(self._settings.state_dir, token)
        # In a session of its own, so that an interrupt of the kernel does not reach it.
        self._config = PyngrokConfig(ngrok_path=path, config_path=str(kept.path) if kept else _configuration(path), start_new_session=True)
        # pyngrok would take these from the environment and put them on the agent's command line
        self._config.auth_token = self._config.api_key = None
        domain = self._settings.ngrok_domain
        try:
            self._agent = ngrok.get_ngrok_process(self._config)
            if kept is not None:
                kept.note(self._agent.proc.pid)
            # Not `localhost`, which may lead to ::1, where nobody listens. And a name of our own: pyngrok's would hold the URL's slashes.
            opened = ngrok.connect(
                f"http://127.0.0.1:{self._port}",
                name=f"workbench-{self._port}",
                pyngrok_config=self._config,
                **({"url": f"https://{domain}"} if domain else {}),
            )
        except (PyngrokError, OSError) as error:
            _end(self._config)
            if kept is not None:
                kept.remove()
            raise CallbackError(in_words(error, token)) from None
        return str(opened.public_url).rstrip("/")

    # -- watching ------------------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        looks = 0
        while not self._ended.wait(LOOK):
            looks += 1
            if not process.is_process_running(self._config.ngrok_path):
                self._again("ngrok's agent has ended")
            elif looks % ASK == 0 and not self._forwards():
                self._again("ngrok's agent has dropped the tunnel")

    def _forwards(self) -> bool:
        # An agent that does not answer at this moment is left alone: its end is seen by its process.
        with suppress(PyngrokError, OSError):
            return is_listed(ngrok.get_tunnels(self._config), self.url)
        return True

    def _again(self, why: str) -> None:
        tries = 0
        while not self._ended.is_set():
            self.trouble = f"{why}; it is being opened again"
            if not process.is_process_running(self._config.ngrok_path):
                forget(Path(self._config.config_path))
            try:
                url = self._open()
            except CallbackError as error:
                self.trouble = f"{why}, and cannot be opened again: {error}"
                if self._ended.wait(PAUSES[min(tries, len(PAUSES) - 1)]):
                    return
                tries += 1
                continue
            moved, self.url, self.trouble = url != self.url, url, ""
            if moved:
                for listener in self._listeners:
                    listener(url)
            return


def _configuration(path: str) -> str | None:
    found = process._current_processes.get(path)
    return None if found is None else found.pyngrok_config.config_path


def _end(config: Any, url: str | None = None) -> None:
    """Take a tunnel down, and the agent with its last one: pyngrok has one agent per path, which others may be using."""
    with suppress(PyngrokError, OSError):
        if not process.is_process_running(config.ngrok_path):
            forget(Path(config.config_path))
            return
        if url is not None:
            ngrok.disconnect(url, config)
        if ngrok.get_tunnels(config):
            return
    agent = process.get_process(config)
    ngrok.kill(config)
    forget(Path(str(agent.pyngrok_config.config_path)))
    # pyngrok leaves its reader and the agent's pipe to themselves
    reader = agent._monitor_thread
    if reader is not None:
        reader.join(5)
    if agent.proc.stdout is not None:
        agent.proc.stdout.close()
