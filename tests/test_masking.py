"""What must not be stored is masked, stays comparable, and masking again changes nothing."""

import pytest

from workbench.masking import Masker, salt_in

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoiOTkwMDAwMCJ9.c2lnbmF0dXJl"
MASKER = Masker(b"salt")
LIVE = Masker(b"salt", numbers=True, own=["+15550100001"], values=["hush-hush-word", "local"])


def test_tokens_stay_comparable_wherever_they_are():
    stored = MASKER.value({"token": TOKEN, "uui": f"abc;encoding=base64,{TOKEN};encoding=jwt", "n": [1, None, True]})
    assert stored == {"token": stored["token"], "uui": f"abc;encoding=base64,{stored['token']};encoding=jwt", "n": [1, None, True]}
    assert stored["token"].startswith("eyJ•••#")
    assert MASKER.value({"token": TOKEN + "x"})["token"] != stored["token"]
    assert Masker(b"other").value({"token": TOKEN}) != {"token": stored["token"]}


def test_a_document_loses_its_token_and_passwords_only():
    document = (
        f'<Transfer username="me" tag="t" transferAnswerUrl="https://u:p@x.example/a"><SipUri uui="{TOKEN};encoding=jwt">sip:x</SipUri>'
    )
    stored = MASKER.text(document)
    assert TOKEN not in stored
    assert 'username="•••" tag="t"' in stored
    assert "https://•••@x.example/a" in stored
    assert stored.endswith(';encoding=jwt">sip:x</SipUri>')


def test_an_unusual_token_is_masked_by_its_place():
    assert "opaque-token" not in MASKER.text("opaque-token-1234;encoding=jwt")


def test_credentials_leave_nothing_to_guess():
    body = {"username": "me", "password": "mine", "fallbackPassword": "mine", "client_secret": "s", "tag": "mine", "password2": None}
    assert MASKER.value(body) == {
        "username": "•••",
        "password": "•••",
        "fallbackPassword": "•••",
        "client_secret": "•••",
        "tag": "mine",
        "password2": None,
    }
    assert MASKER.value({"password": ""}) == {"password": ""}


def test_the_participants_path_is_a_secret():
    assert MASKER.value({"callbackUrl": "https://x.example/participant/abcdefghijklmnop1234?mode=bridge"}) == {
        "callbackUrl": "https://x.example/participant/•••?mode=bridge"
    }


def test_known_secrets_are_found_anywhere_but_short_words_stay():
    assert LIVE.text("he said hush-hush-word in a local call") == "he said ••• in a local call"


def test_live_hides_customers_numbers_but_not_ones_own():
    stored = LIVE.value(
        {"from": "+15550100077", "to": "+15550100001", "diversion": {"origTo": "15550100088"}, "callId": "c-1a2b3c4d-000000000001"}
    )
    assert stored["to"] == "+15550100001"
    assert stored["from"].startswith("+1•••77#")
    assert "5550100088" not in str(stored)
    assert stored["callId"] == "c-1a2b3c4d-000000000001"
    again = LIVE.text("<PhoneNumber>+15550100077</PhoneNumber> sip:alice@host.example /calls?to=%2B15550100077")
    assert again.count(stored["from"]) == 2
    assert "alice" not in again
    assert MASKER.text("+15550100077") == "+15550100077"


@pytest.mark.parametrize("masker", [MASKER, LIVE])
def test_masking_twice_changes_nothing(masker):
    body = {
        "token": TOKEN,
        "uui": f"{TOKEN};encoding=jwt",
        "from": "+15550100077",
        "to": "sip:bob@x.example",
        "password": "p",
        "u": "http://a:b@c/",
    }
    once = masker.value(body)
    assert masker.value(once) == once


def test_the_salt_is_made_once_and_private(tmp_path):
    salt = salt_in(tmp_path)
    assert len(salt) == 32
    assert salt_in(tmp_path) == salt
    assert (tmp_path / "salt").stat().st_mode & 0o077 == 0


def test_a_salt_that_was_never_written_is_made_anew(tmp_path):
    (tmp_path / "salt").touch()
    assert len(salt_in(tmp_path)) == 32
    assert [one.name for one in tmp_path.iterdir()] == ["salt"]
