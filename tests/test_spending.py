"""Who may be called: nothing that is not allowed is sent."""

import pytest

from workbench import bxml
from workbench.errors import ApiError, SpendingError, WorkbenchError
from workbench.spending import Spending, numbers_of, targets

MINE, OTHER, US = "+15550107788", "+15550100002", "sip:sipx.webrtc.bandwidth.com:5060"


@pytest.fixture
def spending():
    return Spending(guarded=True, free=[US], shown=lambda number: f"…{number[-2:]}")


def test_without_an_allowance_nobody_is_called(spending):
    assert repr(spending.allowance) == "No call is allowed: wb.allow(phone, calls=20) in a cell allows so many."
    for target in (MINE, US):
        with pytest.raises(SpendingError, match=r"none is allowed yet: wb\.allow\("):
            spending.charge(target)


def test_the_named_numbers_and_the_interconnect_are_called_up_to_the_cap(spending):
    spending.allow([MINE], calls=3)
    for target in (MINE, US, f"{US};transport=udp"):
        spending.charge(target)
    with pytest.raises(SpendingError, match="the 3 calls that were allowed are used up"):
        spending.charge(MINE)
    spending.allow([MINE], calls=1)
    spending.charge(MINE)


@pytest.mark.parametrize("added", [";x@evil.example", "?x@evil.example", ";maddr=evil.example", "?Route=%3Csip:evil.example%3E", ";uui=x"])
@pytest.mark.parametrize("address", [US, US.removesuffix(":5060"), "sip:Bob@here.example"])
def test_an_address_that_only_begins_like_an_allowed_one_is_another(spending, address, added):
    spending.allow(["sip:Bob@here.example"], calls=2)
    spending.charge(address.replace("here", "HERE").replace("sip:", "SIP:"))
    for target in (f"{address}{added}", "sip:bob@here.example", f"{MINE};x"):
        with pytest.raises(SpendingError, match="not among the numbers"):
            spending.charge(target)
    assert spending.allowance.left == 1


@pytest.mark.parametrize("target", [OTHER, "sip:evil@example.com", "sip:x@sipx.webrtc.bandwidth.com:5060", f"{US}0", MINE[1:], ""])
def test_others_are_not_called_and_cost_nothing(spending, target):
    spending.allow([MINE], calls=2)
    with pytest.raises(SpendingError, match="not among the numbers"):
        spending.charge(MINE, target)
    assert spending.allowance.left == 2


def test_all_of_a_document_or_nothing(spending):
    spending.allow([MINE], calls=1)
    with pytest.raises(SpendingError, match="used up"):
        spending.charge(MINE, US)
    assert spending.allowance.left == 1


def test_anybody_is_one_word(spending):
    spending.allow("*", calls=1)
    spending.charge(OTHER)
    assert repr(spending.allowance) == "0 of 1 calls left, to anybody."


def test_what_is_allowed_is_told_without_full_numbers(spending):
    assert repr(spending.allow([MINE, MINE], calls=5)) == "5 of 5 calls left, to …88, the WebRTC side."
    assert MINE not in repr(spending.allowance)
    with pytest.raises(SpendingError) as caught:
        spending.charge(OTHER)
    assert OTHER not in str(caught.value)
    # as a notebook shows it
    assert caught.value._render_traceback_() == [f"SpendingError: {caught.value}"]


@pytest.mark.parametrize(
    ("numbers", "calls", "told"),
    [(["0155"], 1, "numbers: '0155'"), ([MINE], -1, "calls: "), ([MINE], True, "calls: "), ([MINE], "5", "calls: ")],
)
def test_what_is_no_number_or_count_changes_nothing(spending, numbers, calls, told):
    spending.allow([MINE], calls=2)
    with pytest.raises(WorkbenchError, match=told):
        spending.allow(numbers, calls=calls)
    assert (spending.allowance.numbers, spending.allowance.left) == ((MINE,), 2)


@pytest.mark.parametrize(("status", "left"), [(400, 3), (429, 3), (500, 1), (None, 1)])
def test_what_the_platform_refused_has_cost_nothing(spending, status, left):
    document = f"<Response><Transfer><PhoneNumber>{MINE}</PhoneNumber></Transfer></Response>"
    spending.allow([MINE], calls=3)
    for charged in (spending.charged(MINE), spending.charged_document(document)):
        with pytest.raises(ApiError), charged:
            raise ApiError("refused", request="POST …/calls", status=status)
    assert spending.allowance.left == left


def test_what_an_earlier_allowance_paid_is_not_given_back_to_the_next(spending):
    spending.allow([MINE], calls=5)

    def refused():
        with spending.charged(MINE):
            spending.allow([MINE], calls=2)
            spending.charge(MINE)
            raise ApiError("refused", request="POST …/calls", status=400)

    with pytest.raises(ApiError):
        refused()
    assert spending.allowance.left == 1


def test_what_was_refused_is_counted(spending):
    for document in (f"<Response><Forward to='{MINE}'/></Response>", "<Forward"):
        with pytest.raises(SpendingError):
            spending.charge_document(document)
    assert spending.allowance.refused == 2
    assert repr(spending.allow([MINE], calls=5)).endswith("refused 2 times.")


def test_unguarded_nothing_is_counted():
    free = Spending()
    free.charge(*[OTHER] * 50)
    with free.charged(OTHER):
        pass
    free.charge_document("<Transfer")
    assert "nobody is limited" in repr(free.allow([MINE], calls=0))


def test_whom_a_document_calls():
    verbs = bxml.parse(
        f"<Response><Gather><SpeakSentence>Hi</SpeakSentence></Gather><Transfer><PhoneNumber>{MINE}</PhoneNumber><SipUri>{US}</SipUri></Transfer>"
        f'<Forward to="{OTHER}"/><Refer><SipUri>sip:a@b.example</SipUri></Refer><Hangup/></Response>'
    ).verbs
    assert targets(verbs) == (MINE, US, OTHER, "sip:a@b.example")


def test_a_document_that_cannot_be_read_calls_nobody(spending):
    spending.allow([MINE], calls=5)
    spending.charge_document(f"<Response><Transfer><PhoneNumber>{MINE}</PhoneNumber></Transfer></Response>")
    assert spending.allowance.left == 4
    spending.charge_document("<Response><Nonsense/></Response>")
    for document in (
        f"<Response><Transfer><PhoneNumber>{OTHER}</PhoneNumber></Nonsense>",
        "<Response><x:Forward to='?'/></Response>",
        f"<Response><a-b:Transfer><PhoneNumber>{OTHER}</PhoneNumber></a-b:Transfer></Response>",
        f"<!DOCTYPE r [<!ENTITY t \"&#60;&#70;orward to='{OTHER}'/>\">]><Response>&t;</Response>",
    ):
        with pytest.raises(SpendingError, match="cannot be read"):
            spending.charge_document(document)
    assert spending.allowance.left == 4


def test_phones_and_numbers_alone_or_several():
    class Phone:
        number = MINE

    assert numbers_of(MINE) == numbers_of(Phone()) == numbers_of([Phone()]) == (MINE,)
    assert numbers_of([Phone(), OTHER]) == (MINE, OTHER)
