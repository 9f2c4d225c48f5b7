"""Settings of the workbench: local by default and then nothing is needed; live from arguments, the environment or a .env file.

Local and live differ in these values only. Names of credentials are those of Bandwidth's samples.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from workbench.errors import SettingsError

Platform = Literal["local", "live"]
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# What the local platform knows out of the box: printed and documented, so none of it is secret.
LOCAL: dict[str, str] = {
    "account_id": "9900000",
    "username": "local",
    "password": "local",
    "client_id": "local-client",
    "client_secret": "local-secret",
}
# Where the browser SDK of today's product connects, on Bandwidth's host and here.
GATEWAY = "/prod/gateway-service/api/v1/endpoints"
# Read from the environment only for the live platform: a .env made for an account must not reach the local one, nor change its tables.
_LIVE_ONLY = frozenset(
    {*LOCAL, "application_id", "number", "user_number", "base_callback_url", "voice_url", "webrtc_url", "endpoints_url", "token_url"}
    | {"device_url", "gateway_url", "ngrok_domain"}
)


def default_state_dir() -> Path:
    """Where this system keeps an application's state, e.g. `~/.local/state/bandwidth-workbench`."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        # The XDG base directory specification: a relative path counts as unset.
        given = Path(os.environ.get("XDG_STATE_HOME", ""))
        base = given if given.is_absolute() else home / ".local" / "state"
    return base / "bandwidth-workbench"


class _Surroundings(PydanticBaseSettingsSource):
    """The environment over the .env file, without what only concerns the live platform when the platform is local."""

    def __init__(self, model: type[BaseSettings], *sources: PydanticBaseSettingsSource) -> None:
        super().__init__(model)
        self._sources = sources

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError("values come from the sources it joins")

    def __call__(self) -> dict[str, Any]:
        names = {alias: name for name, field in self.settings_cls.model_fields.items() for alias in (name, field.validation_alias)}
        found: dict[str, Any] = {}
        for source in self._sources:
            found.update({names[key]: value for key, value in source().items() if key in names})
        given = {names.get(key, key): value for key, value in self.current_state.items()}
        if given.get("platform", found.get("platform", "local")) == "live":
            return found
        return {name: value for name, value in found.items() if name not in _LIVE_ONLY}


class Settings(BaseSettings):
    """All settings, frozen; secrets never show in `repr`. In brackets: the environment's name for each."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        # a notebook runs in its own folder, one below the project
        env_file=("../.env", ".env"),
        env_ignore_empty=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    platform: Platform = Field("local", validation_alias="WORKBENCH_PLATFORM")
    webrtc: Literal["sessions", "endpoints"] = Field("sessions", validation_alias="WORKBENCH_WEBRTC")
    account_id: str = Field("", validation_alias="BW_ACCOUNT_ID")
    username: str = Field("", validation_alias="BW_USERNAME")
    password: SecretStr = Field(SecretStr(""), validation_alias="BW_PASSWORD")
    client_id: str = Field("", validation_alias="BW_ID_CLIENT_ID")
    client_secret: SecretStr = Field(SecretStr(""), validation_alias="BW_ID_CLIENT_SECRET")
    application_id: str = Field("", validation_alias="BW_VOICE_APPLICATION_ID")
    number: str = Field("", validation_alias="BW_NUMBER")
    user_number: str = Field("", validation_alias="USER_NUMBER", repr=False)
    voice_url: str = Field("https://voice.bandwidth.com/api/v2", validation_alias="WORKBENCH_VOICE_URL")
    webrtc_url: str = Field("https://api.webrtc.bandwidth.com/v1", validation_alias="WORKBENCH_WEBRTC_URL")
    endpoints_url: str = Field("https://api.bandwidth.com/v2", validation_alias="WORKBENCH_ENDPOINTS_URL")
    device_url: str = Field("wss://device.webrtc.bandwidth.com", validation_alias="WORKBENCH_DEVICE_URL")
    gateway_url: str = Field(f"wss://gateway.pv.prod.global.aws.bandwidth.com{GATEWAY}", validation_alias="WORKBENCH_GATEWAY_URL")
    token_url: str = Field("https://api.bandwidth.com/api/v1/oauth2/token", validation_alias="WORKBENCH_TOKEN_URL")
    interconnect: str = Field("sip:sipx.webrtc.bandwidth.com:5060", validation_alias="WORKBENCH_INTERCONNECT")
    local_url: str = Field("", validation_alias="WORKBENCH_LOCAL_URL")
    local_token: SecretStr = Field(SecretStr(""), validation_alias="WORKBENCH_LOCAL_TOKEN")
    base_callback_url: str = Field("", validation_alias="BASE_CALLBACK_URL")
    tunnel: Literal["none", "ngrok", "url"] = Field("none", validation_alias="WORKBENCH_TUNNEL")
    ngrok_path: str = Field("", validation_alias="PYNGROK_NGROK_PATH")
    ngrok_domain: str = Field("", validation_alias="NGROK_DOMAIN")
    ngrok_token: SecretStr = Field(SecretStr(""), validation_alias="NGROK_AUTHTOKEN")
    host: str = Field("127.0.0.1", validation_alias="WORKBENCH_HOST")
    port: int = Field(0, ge=0, le=65535, validation_alias="WORKBENCH_PORT")
    # Further host names under which callbacks may come, comma separated; "*" is any.
    hosts: str = Field("", validation_alias="WORKBENCH_HOSTS")
    # How many requests a second one stranger may make; 0 is no limit.
    rate: float = Field(20.0, ge=0, le=10_000, validation_alias="WORKBENCH_RATE")
    state_dir: Path = Field(default_factory=default_state_dir, validation_alias="WORKBENCH_STATE_DIR")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # without the cause: pydantic's own text may hold what was typed
            raise SettingsError("\n".join(map(_told, error.errors(include_url=False, include_input=False)))) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then .env."""
        return init_settings, _Surroundings(settings_cls, dotenv_settings, env_settings)

    @field_validator("voice_url", "webrtc_url", "endpoints_url", "token_url", "local_url", "base_callback_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("must be an http or https URL without query")
        return value.rstrip("/")

    @field_validator("device_url", "gateway_url")
    @classmethod
    def _is_socket_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"ws", "wss"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be a ws or wss URL without query")
        return value.rstrip("/")

    @field_validator("number", "user_number")
    @classmethod
    def _is_e164(cls, value: str) -> str:
        if value and not re.fullmatch(r"\+[1-9][0-9]{6,14}", value):
            raise ValueError("must be a phone number in E.164, like +15550100001")
        return value

    @field_validator("account_id")
    @classmethod
    def _is_account(cls, value: str) -> str:
        if value and not (value.isascii() and value.isdecimal()):
            raise ValueError("must be digits only, like 9900000")
        return value

    @field_validator("hosts", "ngrok_domain")
    @classmethod
    def _is_host(cls, value: str, info: ValidationInfo) -> str:
        names = [name.strip().lower() for name in value.split(",")] if info.field_name == "hosts" else [value.lower()]
        for name in filter(None, names):
            if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", name) and not (name == "*" and info.field_name == "hosts"):
                raise ValueError("must be a host name without scheme and path, like lab.example.com")
        return ",".join(filter(None, names))

    @field_validator("state_dir")
    @classmethod
    def _is_absolute(cls, value: Path) -> Path:
        # a notebook's working directory is its folder: a relative path would scatter logs
        return value.expanduser().absolute()

    @model_validator(mode="before")
    @classmethod
    def _local_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        platform = values.get("platform", values.get("WORKBENCH_PLATFORM", "local"))
        return values if platform == "live" else {**LOCAL, **values}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.tunnel == "url" and not self.base_callback_url:
            raise ValueError("tunnel: 'url' needs base_callback_url (BASE_CALLBACK_URL)")
        if self.tunnel == "ngrok" and self.base_callback_url:
            raise ValueError("tunnel: 'ngrok' makes its own URL; leave base_callback_url (BASE_CALLBACK_URL) out")
        if self.ngrok_domain and self.tunnel != "ngrok":
            raise ValueError("ngrok_domain (NGROK_DOMAIN): needs tunnel='ngrok' (WORKBENCH_TUNNEL)")
        callback = urlsplit(self.base_callback_url)
        if self.platform == "live" and callback.scheme == "http" and callback.hostname not in LOOPBACK:
            # Bandwidth's voice specification asks for https beside a callback's user name and password
            raise ValueError("base_callback_url (BASE_CALLBACK_URL): must be https, as callbacks carry credentials")
        return self

    @classmethod
    def untouched(cls) -> Settings:
        """Those of the local platform with a user, whatever the environment and .env say."""
        return cls.model_construct(account_id=LOCAL["account_id"], username=LOCAL["username"], password=SecretStr(LOCAL["password"]))

    @property
    def live(self) -> bool:
        """Whether calls go to Bandwidth."""
        return self.platform == "live"

    @property
    def has_client(self) -> bool:
        """Whether there are OAuth2 client credentials."""
        return bool(self.client_id and self.client_secret.get_secret_value())

    @property
    def has_user(self) -> bool:
        """Whether there is an API user with its password (HTTP Basic)."""
        return bool(self.username and self.password.get_secret_value())

    def require(self) -> None:
        """Raise one SettingsError that names everything the live platform still needs. Local needs nothing."""
        if missing := self.missing():
            raise SettingsError("the live platform needs:\n" + "\n".join(f"- {what}" for what in missing))

    def missing(self) -> list[str]:
        """What the live platform still needs, in words; nothing when local."""
        if not self.live:
            return []
        missing = [f"{name} ({env})" for name, env in _NEEDED.items() if not getattr(self, name)]
        if not (self.has_client or self.has_user):
            missing.append("client_id (BW_ID_CLIENT_ID) and client_secret (BW_ID_CLIENT_SECRET)")
            # documented: API users end on that day, and classic WebRTC knows nothing else
            missing[-1] += ", or username (BW_USERNAME) and password (BW_PASSWORD), which Bandwidth ends on 2026-12-02"
            missing[-1] += "; classic WebRTC documents user name and password only"
        if self.tunnel == "none" and not self.base_callback_url:
            missing.append("a way to be reached: base_callback_url (BASE_CALLBACK_URL) or tunnel='ngrok' (WORKBENCH_TUNNEL)")
        return missing

    def at(self, url: str, token: str = "") -> Settings:
        """The same settings for a local platform that runs at `url`: every API of Bandwidth under its official path there."""
        url = url.rstrip("/")
        return self.model_copy(
            update={
                "local_url": url,
                "local_token": SecretStr(token),
                "voice_url": f"{url}/api/v2",
                "webrtc_url": f"{url}/v1",
                "endpoints_url": f"{url}/v2",
                "device_url": url.replace("http", "ws", 1),
                "gateway_url": url.replace("http", "ws", 1) + GATEWAY,
                "token_url": f"{url}/api/v1/oauth2/token",
            }
        )

    def masked(self, number: str) -> str:
        """A number as it may be shown: live, only one's own is readable."""
        return number if not self.live or number == self.number else f"{number[:2]}•••{number[-2:]}"

    def secrets(self) -> tuple[str, ...]:
        """Every secret value that is set, for those who hide them."""
        held = (self.password, self.client_secret, self.local_token, self.ngrok_token)
        return tuple(value for value in (secret.get_secret_value() for secret in held) if value)


_NEEDED = {"account_id": "BW_ACCOUNT_ID", "application_id": "BW_VOICE_APPLICATION_ID", "number": "BW_NUMBER"}


def _told(error: Any) -> str:
    """One of pydantic's errors as: setting (environment's name): rule."""
    at = str(error["loc"][0]) if error["loc"] else ""
    rule = str(error["msg"]).removeprefix("Value error, ")
    fields = Settings.model_fields
    name = next((name for name, field in fields.items() if at in (name, field.validation_alias)), None)
    if name is None:
        return f"{at}: there is no such setting" if at else rule
    return f"{name} ({fields[name].validation_alias}): {rule}"
