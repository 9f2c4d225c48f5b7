"""Answers that go wrong."""

import pytest

from workbench import bxml
from workbench.errors import BxmlError, WorkbenchError
from workbench.records import Reply
from workbench.spoiling import spoilt

GOOD = Reply(body=bxml.Response([bxml.SpeakSentence("Hello"), bxml.Hangup()]).to_bxml(), verbs=("SpeakSentence", "Hangup"))


def test_a_500_holds_no_document():
    reply = spoilt("500", GOOD)
    assert (reply.status, reply.body, reply.verbs) == (500, "", ()) and "on demand" in reply.error


@pytest.mark.parametrize("reply", [GOOD, Reply()])
def test_bad_xml_cannot_be_read(reply):
    broken = spoilt("bad XML", reply)
    assert broken.status == 200 and broken.verbs == ()
    with pytest.raises(BxmlError):
        bxml.parse(broken.body)


def test_the_wrong_type_is_all_that_is_wrong():
    reply = spoilt("wrong type", GOOD)
    assert (reply.body, reply.status, reply.content_type) == (GOOD.body, 200, "text/html")


def test_a_timeout_is_late():
    assert spoilt("timeout", GOOD).late


def test_other_faults_are_none_of_an_answer():
    with pytest.raises(WorkbenchError, match="timeout, 500, bad XML, wrong type"):
        spoilt("busy", GOOD)
