"""Settings: local needs nothing, live says what it needs, secrets never show."""

from pathlib import Path

import pytest

from workbench.errors import SettingsError
from workbench.settings import LOCAL, Settings, default_state_dir

LIVE = {
    "WORKBENCH_PLATFORM": "live",
    "BW_ACCOUNT_ID": "9911111",
    "BW_ID_CLIENT_ID": "a-client",
    "BW_ID_CLIENT_SECRET": "a-client-secret",
    "BW_VOICE_APPLICATION_ID": "11111111-2222-4333-8444-555555555555",
    "BW_NUMBER": "+15550100001",
    "BASE_CALLBACK_URL": "https://lab.example.com/",
}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)


@pytest.fixture
def live(monkeypatch):
    for name, value in LIVE.items():
        monkeypatch.setenv(name, value)


def test_local_is_the_default_and_needs_nothing():
    settings = Settings()
    settings.require()
    assert (settings.platform, settings.webrtc, settings.tunnel, settings.port, settings.live) == ("local", "sessions", "none", 0, False)
    assert {name: str(getattr(settings, name)) for name in ("account_id", "username", "client_id")} == {
        name: LOCAL[name] for name in ("account_id", "username", "client_id")
    }
    assert settings.password.get_secret_value() == "local"


def test_live_from_the_environment(live):
    settings = Settings()
    settings.require()
    assert settings.live
    assert (settings.account_id, settings.client_id, settings.number) == ("9911111", "a-client", "+15550100001")
    assert settings.client_secret.get_secret_value() == "a-client-secret"
    assert settings.base_callback_url == "https://lab.example.com"
    assert settings.voice_url == "https://voice.bandwidth.com/api/v2"
    assert settings.username == ""


def test_the_readers_own_phone_is_for_the_live_platform_and_does_not_show(live, monkeypatch):
    monkeypatch.setenv("USER_NUMBER", "+15550100077")
    assert Settings().user_number == "+15550100077"
    assert "0077" not in repr(Settings())
    assert Settings().masked("+15550100077") == "+1•••77"
    assert Settings(platform="local").user_number == ""


@pytest.mark.parametrize("folder", [".", ".."])
def test_live_from_a_file_beside_or_above(folder):
    Path(folder, ".env").write_text("".join(f'{name}="{value}"\n' for name, value in LIVE.items()) + "SOMEBODY_ELSES=1\n")
    assert Settings().account_id == "9911111"


def test_arguments_go_before_the_environment_and_that_before_the_file(monkeypatch, live):
    Path(".env").write_text("BW_ACCOUNT_ID=1\nWORKBENCH_PORT=1\nWORKBENCH_HOST=file\n")
    monkeypatch.setenv("WORKBENCH_PORT", "2")
    settings = Settings(port=3)
    assert (settings.account_id, settings.port, settings.host) == ("9911111", 3, "file")


def test_an_account_in_the_environment_does_not_reach_the_local_platform(monkeypatch, live):
    monkeypatch.setenv("WORKBENCH_PLATFORM", "local")
    monkeypatch.setenv("WORKBENCH_PORT", "4444")
    settings = Settings()
    assert (settings.account_id, settings.number, settings.base_callback_url, settings.port) == ("9900000", "", "", 4444)
    assert Settings(platform="local").client_id == "local-client"
    assert Settings(platform="live").client_id == "a-client"
    assert Settings(account_id="9900001").account_id == "9900001"


def test_everything_missing_is_named_at_once():
    with pytest.raises(SettingsError) as caught:
        Settings(platform="live").require()
    text = str(caught.value)
    for name in (*(set(LIVE) - {"WORKBENCH_PLATFORM"}), "BW_USERNAME", "BW_PASSWORD", "WORKBENCH_TUNNEL"):
        assert name in text
    assert len(text.splitlines()) == 6


def test_a_user_will_do_instead_of_a_client(live, monkeypatch):
    monkeypatch.delenv("BW_ID_CLIENT_SECRET")
    with pytest.raises(SettingsError, match="BW_ID_CLIENT_SECRET"):
        Settings().require()
    Settings(username="me", password="mine").require()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"platform": "elsewhere"}, "platform (WORKBENCH_PLATFORM): Input should be 'local' or 'live'"),
        ({"port": 65536}, "port (WORKBENCH_PORT): Input should be less than or equal to 65535"),
        ({"port": "many"}, "port (WORKBENCH_PORT): Input should be a valid integer, unable to parse string as an integer"),
        ({"number": "555-0100"}, "number (BW_NUMBER): must be a phone number in E.164, like +15550100001"),
        ({"user_number": "555-0100"}, "user_number (USER_NUMBER): must be a phone number in E.164, like +15550100001"),
        ({"number": "+٣٣٣٣٣٣٣٣٣"}, "number (BW_NUMBER): must be a phone number in E.164, like +15550100001"),
        ({"account_id": "me"}, "account_id (BW_ACCOUNT_ID): must be digits only, like 9900000"),
        ({"voice_url": "voice.example.com"}, "voice_url (WORKBENCH_VOICE_URL): must be an http or https URL without query"),
        ({"tunnel": "url"}, "tunnel: 'url' needs base_callback_url (BASE_CALLBACK_URL)"),
        ({"tunnel": "ngrok", "base_callback_url": "https://a.example.com"}, "tunnel: 'ngrok' makes its own URL; leave base_callback_url"),
        ({"platform": "live", "base_callback_url": "http://a.example.com"}, "base_callback_url (BASE_CALLBACK_URL): must be https"),
        ({"prot": 1}, "prot: there is no such setting"),
    ],
)
def test_a_wrong_value_is_told_with_its_rule(given, told):
    with pytest.raises(SettingsError) as caught:
        Settings(**given)
    assert str(caught.value).startswith(told)


def test_plain_http_is_fine_on_this_machine():
    assert Settings(platform="live", base_callback_url="http://127.0.0.1:5000").base_callback_url == "http://127.0.0.1:5000"


def test_secrets_never_show():
    settings = Settings(password="very-secret-1", client_secret="very-secret-2", local_token="very-secret-3", ngrok_token="very-secret-4")
    assert "very-secret" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.secrets() == ("very-secret-1", "very-secret-2", "very-secret-3", "very-secret-4")
    with pytest.raises(SettingsError) as caught:
        Settings(password=["very-secret-5"])
    assert "very-secret" not in f"{caught.value} {caught.value.__context__}"


def test_settings_are_frozen():
    with pytest.raises(Exception, match="frozen"):
        Settings().port = 5


def test_at_puts_every_api_under_one_url():
    settings = Settings().at("http://127.0.0.1:8010/", "handle")
    assert settings.local_url == "http://127.0.0.1:8010"
    assert settings.local_token.get_secret_value() == "handle"
    assert settings.voice_url == "http://127.0.0.1:8010/api/v2"
    assert settings.webrtc_url == "http://127.0.0.1:8010/v1"
    assert settings.endpoints_url == "http://127.0.0.1:8010/v2"
    assert settings.token_url == "http://127.0.0.1:8010/api/v1/oauth2/token"


def test_live_numbers_are_masked_but_ones_own(live):
    assert Settings().masked("+15550100077") == "+1•••77"
    assert Settings().masked("+15550100001") == "+15550100001"
    assert Settings(platform="local").masked("+15550100077") == "+15550100077"


@pytest.mark.parametrize(
    ("system", "variable", "expected"),
    [
        ("linux", {"XDG_STATE_HOME": "/x"}, "/x/bandwidth-workbench"),
        ("linux", {"XDG_STATE_HOME": "relative"}, "{home}/.local/state/bandwidth-workbench"),
        ("darwin", {}, "{home}/Library/Application Support/bandwidth-workbench"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/bandwidth-workbench"),
    ],
)
def test_the_state_directory_is_the_systems(monkeypatch, system, variable, expected):
    monkeypatch.setattr("sys.platform", system)
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    assert str(default_state_dir()) == expected.format(home=Path.home())


def test_a_relative_state_directory_becomes_absolute():
    assert Settings(state_dir="logs").state_dir == Path.cwd() / "logs"


def test_further_hosts_are_names_only(monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOSTS", "Lab.example.com, proxy.example.com:8443,")
    assert Settings().hosts == "lab.example.com,proxy.example.com:8443"
    assert Settings(hosts="*").hosts == "*"
    for wrong in ("https://lab.example.com", "lab.example.com/path", "a b"):
        with pytest.raises(SettingsError, match=r"hosts.*host name"):
            Settings(hosts=wrong)


def test_a_fixed_domain_is_ngroks(live, monkeypatch):
    with pytest.raises(SettingsError, match="ngrok_domain"):
        Settings(ngrok_domain="lab.ngrok.app")
    monkeypatch.delenv("BASE_CALLBACK_URL")
    assert Settings(ngrok_domain="Lab.ngrok.app", tunnel="ngrok").ngrok_domain == "lab.ngrok.app"
    with pytest.raises(SettingsError, match=r"ngrok_domain.*host name"):
        Settings(ngrok_domain="*", tunnel="ngrok")


@pytest.mark.parametrize("rate", [-1, 10_001, "many"])
def test_a_rate_is_a_number_of_requests_a_second(rate):
    with pytest.raises(SettingsError, match=r"rate \(WORKBENCH_RATE\)"):
        Settings(rate=rate)
