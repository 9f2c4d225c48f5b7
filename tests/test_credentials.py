"""Which credentials go where, what is said of them, and how missing ones are asked for."""

from datetime import date

import pytest
from pydantic import SecretStr

from workbench.credentials import asked, chosen, ended, said
from workbench.settings import Settings

CLIENT = {"client_id": "a-client", "client_secret": "a-secret"}
USER = {"username": "someone", "password": "a-password"}
REST = {"account_id": "9911111", "application_id": "app", "number": "+15550100001", "base_callback_url": "https://lab.example.com"}
BEFORE, AFTER = date(2026, 12, 1), date(2026, 12, 2)


def live(tmp_path, **given):
    return Settings(platform="live", state_dir=tmp_path, **(REST | given))


class Reader:
    """Types what it is told to, and knows what it was asked."""

    def __init__(self, *answers):
        self.answers, self.prompts = list(answers), []

    def __call__(self, prompt):
        self.prompts.append(prompt)
        if not self.answers:
            raise NotImplementedError("nobody sits at this kernel")
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("given", "voice", "webrtc"),
    [
        (CLIENT, "OAuth2", "OAuth2"),
        (USER, "Basic", "Basic"),
        (CLIENT | USER, "OAuth2", "Basic"),
        ({}, "", ""),
        ({"client_id": "x"}, "", ""),
    ],
)
def test_oauth2_comes_first_but_for_classic_webrtc(tmp_path, given, voice, webrtc):
    settings = live(tmp_path, **given)
    assert (chosen(settings, prefer_basic=False), chosen(settings, prefer_basic=True)) == (voice, webrtc)


@pytest.mark.parametrize(
    ("given", "today", "told"),
    [
        (USER, BEFORE, "Basic for Voice, Basic for WebRTC; Basic ends on 2026-12-02: make OAuth2 credentials"),
        (USER, AFTER, "Basic ended on 2026-12-02: make OAuth2 credentials"),
        (CLIENT | USER, BEFORE, "OAuth2 for Voice, Basic for WebRTC; Basic ends on 2026-12-02, and classic WebRTC documents nothing else"),
        (CLIENT, BEFORE, "classic WebRTC documents Basic only: if it refuses, set username (BW_USERNAME)"),
    ],
)
def test_what_will_not_work_for_ever_is_said(tmp_path, given, today, told):
    line = said(live(tmp_path, **given), today)
    assert told in line
    assert not any(secret in line for secret in ("a-secret", "a-password", "someone", "a-client"))


def test_basic_credentials_end_for_voice(tmp_path):
    given = [USER, CLIENT | USER, CLIENT]
    assert [[ended(live(tmp_path, **one), day) for one in given] for day in (BEFORE, AFTER)] == [[False] * 3, [True, False, False]]


def test_missing_ones_are_asked_for(tmp_path):
    reader = Reader(" a-client ", "a-secret")
    settings = asked(live(tmp_path), reader)
    assert (settings.client_id, settings.client_secret.get_secret_value()) == ("a-client", "a-secret")
    assert [prompt.split(" (")[0] for prompt in reader.prompts] == ["OAuth2 client id", "OAuth2 client secret"]
    assert "a-secret" not in repr(settings)
    settings.require()


def test_only_what_is_missing_is_asked_for(tmp_path):
    reader = Reader("a-secret")
    assert asked(live(tmp_path, client_id="a-client"), reader).client_secret == SecretStr("a-secret")
    assert asked(live(tmp_path, username="someone"), Reader("a-password")).password == SecretStr("a-password")
    both = asked(live(tmp_path, client_id="a-client", **USER), Reader("a-secret"))
    assert (both.client_secret, both.password) == (SecretStr("a-secret"), SecretStr("a-password"))
    for complete in (live(tmp_path, **CLIENT), live(tmp_path, **USER), Settings(state_dir=tmp_path)):
        assert asked(complete, Reader()) is complete


def test_where_nobody_answers_nothing_changes(tmp_path):
    for reader in (Reader(), Reader(""), Reader("a-client")):
        settings = live(tmp_path)
        assert asked(settings, reader) is settings


def test_who_lacks_more_is_told_so_first(tmp_path):
    reader = Reader("a-client", "a-secret")
    settings = live(tmp_path, number="")
    assert asked(settings, reader) is settings
    assert reader.prompts == []


def test_a_cell_that_runs_again_does_not_ask_again(tmp_path):
    before = asked(live(tmp_path), Reader("a-client", "a-secret"))
    assert asked(live(tmp_path), Reader(), before).client_secret == SecretStr("a-secret")
    # not for another account, nor another client
    for other in (live(tmp_path, account_id="9922222"), live(tmp_path, client_id="another")):
        assert asked(other, Reader(), before) is other
