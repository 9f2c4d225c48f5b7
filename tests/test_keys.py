"""What opens the callback server besides credentials."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import parse_qsl, urlsplit

import pytest

from workbench import bxml, keys
from workbench.keys import Granted, Keys, kept_password, seal
from workbench.masking import salt_in
from workbench.modes import Gate


def test_each_object_has_a_key_of_its_own():
    held = Keys()
    one, other = held.issue("participant browser"), held.issue("participant phone")
    assert len({one, other}) == 2
    assert min(len(one), len(other)) >= 32
    assert held.granted(one) == Granted("participant browser")
    held.bind(one, "p-1")
    assert held.granted(one) == Granted("participant browser", "p-1")
    assert held.granted(other) == Granted("participant phone")


@pytest.mark.parametrize("guess", ["", "x", "\ud800"[:0], "é" * 40])
def test_nobody_else_is_granted_anything(guess):
    held = Keys()
    held.issue("participant browser")
    assert held.granted(guess) is None
    held.bind(guess, "p-1")
    assert held.granted(guess) is None


def test_the_oldest_keys_are_forgotten(monkeypatch):
    monkeypatch.setattr(keys, "KEPT", 3)
    held = Keys()
    made = [held.issue(str(count)) for count in range(5)]
    assert [held.granted(key) is not None for key in made] == [False, False, True, True, True]


def test_a_seal_is_good_for_one_query_in_any_order():
    assert seal("s", [("flow", "f1"), ("leg", "a")]) == seal("s", [("leg", "a"), ("flow", "f1")])
    assert len({seal("s", []), seal("t", []), seal("s", [("flow", "f1")]), seal("s", [("flow", "f2")])}) == 4


def test_a_seal_tells_a_value_from_two():
    assert seal("s", [("flow", "f1&leg=a")]) != seal("s", [("flow", "f1"), ("leg", "a")])


@pytest.mark.parametrize("url", ["//evil.example/x", "/\\evil.example/x", "\\\\evil.example/x", "https://lab.example.com.evil.example/x"])
def test_another_hosts_url_gets_no_credentials(url):
    gate = Gate("https://lab.example.com", "user", "password", "secret")
    assert gate.authorise(bxml.Redirect(redirect_url=url)) == bxml.Redirect(redirect_url=url)
    assert gate.authorise(bxml.Redirect(redirect_url="/x")).password == "password"


def test_the_gate_seals_urls_of_verbs_without_credentials():
    gate = Gate("https://lab.example.com", "user", "password", "secret")
    verb = gate.authorise(
        bxml.Refer(bxml.SipUri("sip:a@b.example"), refer_complete_url="https://lab.example.com/transfer/referComplete?flow=f&leg=a")
    )
    query = dict(parse_qsl(urlsplit(verb.refer_complete_url).query))
    assert query.pop("key") == seal("secret", query.items())


def test_the_dashboards_password_stays(tmp_path):
    with ThreadPoolExecutor(4) as several:
        made = set(several.map(lambda _: kept_password(tmp_path, "live 9911111"), range(8)))
    assert kept_password(tmp_path, "live 9911111") in made
    assert len(kept_password(tmp_path, "live 9911111")) >= 32
    assert kept_password(tmp_path, "live 9922222") != kept_password(tmp_path, "live 9911111")
    assert "9911111" not in str(os.listdir(tmp_path))
    if os.name == "posix":
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("kept", [lambda folder: kept_password(folder, "live 9911111"), salt_in], ids=["password", "salt"])
def test_kernels_that_start_at_once_agree(tmp_path, kept):
    for round_ in range(30):
        folder, together = tmp_path / str(round_), Barrier(4)
        folder.mkdir()

        def start(_, folder=folder, together=together):
            together.wait()
            return kept(folder)

        with ThreadPoolExecutor(4) as several:
            made = set(several.map(start, range(4)))
        assert made == {kept(folder)}
        assert len(list(folder.iterdir())) == 1


def test_an_empty_file_is_no_password(tmp_path):
    keys.kept_in(tmp_path, "live 9911111").touch()
    assert len(kept_password(tmp_path, "live 9911111")) >= 32
