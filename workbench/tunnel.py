"""How the platform reaches the callback server: directly (local), through ngrok, or under a URL that leads here already."""

from __future__ import annotations

from collections.abc import Callable

from workbench.errors import CallbackError
from workbench.settings import Settings


class Tunnel:
    """A base URL, without a slash at the end, under which the callback server is reached until `close()`.

    It may move: then `url` is another one, and who has asked for it by `on_move` is called with it, on another thread. `trouble` says in
    words what is wrong with it now; it is empty when nothing is.
    """

    trouble = ""

    def __init__(self, url: str, kind: str) -> None:
        self.url = url
        self.kind = kind
        self._listeners: tuple[Callable[[str], object], ...] = ()

    def on_move(self, listener: Callable[[str], object]) -> None:
        """Call `listener` with each new URL."""
        self._listeners = (*self._listeners, listener)

    def close(self) -> None:
        """End it; a second time nothing happens."""

    def __enter__(self) -> Tunnel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Tunnel {self.kind}: {self.url}{f', {self.trouble}' if self.trouble else ''}>"


def open_tunnel(settings: Settings, port: int) -> Tunnel:
    """The tunnel that the settings ask for, to `port` on this machine; CallbackError, with what to do, when it cannot be had."""
    if settings.tunnel == "ngrok":
        if (missing := ngrok_missing(settings)) is not None:
            raise CallbackError(missing)
        # imported here: who has no tunnel needs no pyngrok
        from workbench.ngrok import NgrokTunnel

        return NgrokTunnel(settings, port)
    if settings.base_callback_url:
        return Tunnel(settings.base_callback_url, "url")
    return Tunnel(f"http://127.0.0.1:{port}", "none")


def ngrok_missing(settings: Settings) -> str | None:
    """What ngrok still needs here, or None: for cells that are skipped with a reason."""
    from workbench.agents import GET_AGENT, GET_TOKEN, agent_of

    missing = []
    if agent_of(settings) is None:
        missing.append(f"there is no ngrok agent: {GET_AGENT}")
    if not settings.ngrok_token.get_secret_value():
        missing.append(f"there is no ngrok token: {GET_TOKEN}")
    return "; ".join(missing) or None
