"""Applications and numbers: their settings, and what is in use (webhooks 1, voice-api 10)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig import APPLICATION, BASE, NUMBER, PHONE, Rig
from workbench import bxml
from workbench.simulator import applications
from workbench.simulator.effects import Refusal

OTHER = "another"
FULL = {
    "name": "mine",
    "callInitiatedCallbackUrl": "http://a.test/i",
    "callInitiatedMethod": "GET",
    "callInitiatedFallbackUrl": "http://b.test/i",
    "callInitiatedFallbackMethod": "GET",
    "callStatusCallbackUrl": "http://a.test/s",
    "callStatusMethod": "GET",
    "username": "u",
    "password": "p",
    "fallbackUsername": "fu",
    "fallbackPassword": "fp",
    "callbackTimeout": 2.5,
}


def test_every_setting_is_kept_and_shown_without_passwords() -> None:
    rig = Rig()
    application = rig.engine.configure_application(OTHER, FULL)
    assert applications.settings(application) == FULL
    hidden = {"applicationId": OTHER, "password": "*****", "fallbackPassword": "*****"}
    assert applications.shown(application) == FULL | hidden
    assert rig.engine.state()["applications"][1] == FULL | hidden


def test_fields_that_are_not_sent_stay_and_null_clears() -> None:
    rig = Rig()
    rig.engine.configure_application(OTHER, FULL)
    changed = rig.engine.configure_application(
        OTHER, {"callInitiatedMethod": "POST", "callStatusCallbackUrl": None, "callbackTimeout": None}
    )
    shown = applications.settings(changed)
    assert shown == FULL | {
        "callInitiatedMethod": "POST",
        "callStatusCallbackUrl": None,
        "callStatusMethod": "POST",
        "callbackTimeout": 15.0,
    }


def test_names_and_credentials_may_be_those_of_the_dashboard() -> None:
    rig = Rig()
    fields = {
        "CallInitiatedCallbackUrl": "http://a.test/i",
        "CallInitiatedFallbackUrl": "http://b.test/i",
        "CallbackCreds": {"userId": "u", "password": "p"},
        "CallInitiatedFallbackCreds": {"userId": "fu", "password": "fp"},
    }
    hook = rig.engine.configure_application(OTHER, fields).initiate
    assert hook is not None
    assert (hook.username, hook.password, hook.fallback_username, hook.fallback_password) == ("u", "p", "fu", "fp")
    assert rig.engine.configure_application(OTHER, {"callbackCreds": None}).initiate.username is None  # type: ignore[union-attr]


def test_credentials_of_an_application_that_only_hears_of_ends() -> None:
    rig = Rig()
    application = rig.engine.configure_application(OTHER, {"callStatusCallbackUrl": "http://a.test/s", "username": "u", "password": "p"})
    assert application.status is not None and application.status.username == "u" and application.initiate is None
    assert applications.settings(application)["username"] == "u"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"callStatusCallbackUrl": "x"}, "Invalid callStatusCallbackUrl: only http and https are allowed"),
        ({"callInitiatedFallbackUrl": 7}, "Invalid callInitiatedFallbackUrl: must be a string"),
        ({"nonsense": 1}, "unknown field nonsense: one of name, callInitiatedCallbackUrl"),
        ({"callInitiatedMethod": "PUT"}, "Invalid callInitiatedMethod. Supported methods: [POST, GET]"),
        ({"callbackTimeout": 0}, "callbackTimeout must be within the range [1, 25], but was 0"),
        ({"username": 5}, "Invalid username: must be a string"),
        ({"name": 5}, "Invalid name: must be a string"),
        ({"callbackCreds": "u:p"}, "callbackCreds: must be an object with userId and password"),
    ],
)
def test_changes_refused(fields: dict[str, Any], text: str) -> None:
    rig = Rig()
    before = rig.engine.applications[APPLICATION]
    with pytest.raises(Refusal) as refused:
        rig.engine.configure_application(APPLICATION, fields)
    assert refused.value.status == 400 and text in refused.value.description
    assert rig.engine.applications == {APPLICATION: before}


def test_an_inbound_call_is_told_by_the_settings_of_its_application() -> None:
    rig = Rig(initiate=503)
    rig.engine.configure_application(APPLICATION, FULL)
    rig.dial(PHONE)
    rig.idle()
    sent = [(webhook.method, webhook.url, webhook.username, webhook.password) for webhook in rig.webhooks]
    assert sent == [("GET", "http://a.test/i", "u", "p"), ("GET", "http://b.test/i", "fu", "fp"), ("GET", "http://a.test/s", "u", "p")]
    assert rig.events() == ["initiate A", "initiate A", "disconnect A callback-error"]


def test_the_callback_timeout_is_the_applications() -> None:
    rig = Rig(initiate=0)
    rig.engine.configure_application(APPLICATION, {"callbackTimeout": 2.5})
    rig.dial(PHONE)
    begun = rig.now
    rig.idle()
    assert rig.events() == ["initiate A", "disconnect A callback-error"] and rig.now - begun == 2.5


# Numbers


def test_numbers_come_and_go() -> None:
    rig = Rig(initiate=bxml.Pause(60))
    rig.engine.configure_phone(PHONE, {"busy": True})
    rig.engine.configure_application(OTHER, {"callInitiatedCallbackUrl": f"{BASE}/other"})
    assert rig.engine.put_number(PHONE, {"applicationId": OTHER}) == OTHER and PHONE not in rig.engine.phones
    call = rig.engine.dial(rig.now, "+19195550199", PHONE)
    rig.settle()
    assert (rig.webhooks[0].url, call.application_id) == (f"{BASE}/other", OTHER)
    rig.engine.delete_number(PHONE)
    assert call.active and rig.engine.numbers == {NUMBER: APPLICATION}
    assert rig.engine.configure_phone(PHONE, {}).number == PHONE
    with pytest.raises(Refusal) as refused:
        rig.engine.delete_number(PHONE)
    assert (refused.value.status, refused.value.rule) == (404, "number.unknown")
    rig.engine.delete_application(OTHER)
    rig.engine.update_call(rig.now, call.call_id, {"state": "completed"})
    rig.idle()
    assert not call.active


@pytest.mark.parametrize(
    ("number", "fields", "status", "rule"),
    [
        ("12", {"applicationId": APPLICATION}, 400, "number.form"),
        (PHONE, {}, 400, "application.unknown"),
        (PHONE, {"applicationId": "nobody"}, 400, "application.unknown"),
        (PHONE, {"applicationId": ["x"]}, 400, "application.unknown"),
        ("+19195550112", {"applicationId": APPLICATION}, 409, "number.phone"),
    ],
)
def test_numbers_refused(number: str, fields: dict[str, Any], status: int, rule: str) -> None:
    rig = Rig(answer=bxml.Pause(60))
    rig.call("+19195550112", "A")
    rig.idle()
    with pytest.raises(Refusal) as refused:
        rig.engine.put_number(number, fields)
    assert (refused.value.status, refused.value.rule) == (status, rule) and rig.engine.numbers == {NUMBER: APPLICATION}


def test_an_application_with_numbers_stays() -> None:
    rig = Rig()
    with pytest.raises(Refusal) as refused:
        rig.engine.delete_application(APPLICATION)
    assert (refused.value.status, refused.value.rule) == (409, "application.in-use") and NUMBER in refused.value.description
    with pytest.raises(Refusal) as unknown:
        rig.engine.delete_application("nobody")
    assert (unknown.value.status, unknown.value.rule) == (404, "application.unknown")
    rig.engine.delete_number(NUMBER)
    rig.engine.delete_application(APPLICATION)
    assert not rig.engine.applications
