"""Who may knock, and how often."""

import pytest

from workbench.guard import DEPTH, SENDERS, Guard, sender_of, too_deep


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("lab.ngrok.app", True),
        ("LAB.ngrok.app:443", True),
        ("127.0.0.1:8020", True),
        ("localhost", True),
        ("[::1]:9", True),
        ("proxy.example.com:8443", True),
        ("proxy.example.com", False),
        ("evil.example.com", False),
        ("lab.ngrok.app.evil.example.com", False),
        ("lab.ngrok.app@evil.example.com", False),
        ("", False),
        ("[::1", False),
        ("127.0.0.2", False),
    ],
)
def test_names_under_which_callbacks_may_come(host, known):
    guard = Guard(hosts=["Proxy.example.com:8443", ""])
    guard.expect("https://lab.ngrok.app/hooks")
    guard.expect("")
    assert guard.knows(host) is known
    assert Guard(hosts=["*"]).knows(host) is (host not in ("", "[::1"))


def test_urls_given_out_earlier_stay_known():
    guard = Guard()
    for name in ("one", "two"):
        guard.expect(f"https://{name}.example.com")
    assert guard.knows("one.example.com") and guard.knows("two.example.com")


def test_a_sender_has_a_share_that_grows_again():
    guard = Guard(rate=5)
    assert [guard.strike("a", 100.0) for _ in range(12)] == [None] * 10 + [1] * 2
    assert guard.strike("b", 100.0) is None
    # 0.2 s are one request; what was refused has cost nothing more
    assert [guard.strike("a", 100.2), guard.strike("a", 100.2)] == [None, 1]
    assert [guard.strike("a", 1000.0) for _ in range(11)] == [None] * 10 + [1]
    # a clock that went back gives nothing and takes nothing
    assert guard.strike("a", 0.0) == 1


def test_who_waits_is_told_for_how_long():
    guard = Guard(rate=0.1)
    assert [guard.strike("a", 0.0), guard.strike("a", 0.0), guard.strike("a", 6.0)] == [None, 10, 4]


def test_without_a_rate_nobody_waits():
    assert {Guard().strike("a", 0.0) for _ in range(1000)} == {None}


def test_senders_without_number_take_no_memory():
    guard = Guard(rate=1)
    for number in range(SENDERS * 2):
        guard.strike(str(number), 0.0)
    assert len(guard._left) == SENDERS
    # the newest are remembered
    assert [guard.strike(str(SENDERS * 2 - 1), 0.0) for _ in range(2)] == [None, 1]


@pytest.mark.parametrize(
    ("peer", "forwarded", "sender"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("::1", "203.0.113.9", "203.0.113.9"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("127.0.0.1", "2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("127.0.0.1", "x" * 500, "x" * 64),
        ("", "203.0.113.9", ""),
    ],
)
def test_who_sent_it(peer, forwarded, sender):
    environ = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})
    assert sender_of(environ) == sender


def test_how_deep_a_value_is():
    value = "x"
    for _ in range(DEPTH - 1):
        value = {"a": [value][0]}
    assert not too_deep(value)
    assert too_deep([[value]])
    assert not too_deep({"a": [1, {"b": "c"}], "d": None})
