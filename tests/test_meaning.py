"""Every verb and attribute of BXML is explained, and a document line by line."""

import pytest

from workbench import bxml
from workbench.bxml import meaning


@pytest.mark.parametrize("verb", bxml.VERBS)
def test_every_verb_and_attribute_means_something(verb):
    assert meaning.does(verb).endswith(".")
    for row in bxml.describe(verb):
        if row.attribute != "(nested)":
            said = meaning.means(verb, row.attribute)
            assert said and not said.endswith(".")


def test_nothing_is_explained_that_does_not_exist():
    rows = {row.attribute for verb in bxml.VERBS for row in bxml.describe(verb)}
    assert set(meaning.DOES) == set(bxml.VERBS)
    assert set(meaning._ATTRIBUTES) <= rows
    assert set(meaning._URLS) <= rows


def test_a_document_is_explained_line_by_line():
    document = bxml.Response([bxml.SpeakSentence("Hi", voice="julie"), bxml.Transfer([bxml.PhoneNumber("+19195550111")], call_timeout=5)])
    lines = [(line.verb, line.depth, line.attribute, line.value) for line in meaning.explain(document)]
    assert lines == [
        ("SpeakSentence", 0, "", ""),
        ("SpeakSentence", 0, "(text)", "Hi"),
        ("SpeakSentence", 0, "voice", "julie"),
        ("Transfer", 0, "", ""),
        ("Transfer", 0, "callTimeout", "5"),
        ("PhoneNumber", 1, "", ""),
        ("PhoneNumber", 1, "(text)", "+19195550111"),
    ]
    assert all(line.means for line in meaning.explain(document))


def test_secrets_are_not_shown():
    document = bxml.Response([bxml.Redirect("/next", username="me", password="hidden-one")])
    assert "hidden-one" not in repr(meaning.explain(document))
