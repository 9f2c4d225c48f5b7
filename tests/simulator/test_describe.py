"""The documentation of the local platform is made from its code."""

from __future__ import annotations

from tests.conftest import ROOT
from workbench.simulator.describe import BEHAVIOURS, markdown
from workbench.simulator.phones import SPECIAL
from workbench.simulator.setup import Setup

DOCUMENT = ROOT / "docs" / "local-platform.md"


def test_the_tables_are_those_of_the_code() -> None:
    assert DOCUMENT.read_text(encoding="utf-8").endswith(markdown()), (
        "run: python -m workbench.simulator.describe, and put it at the end of docs/local-platform.md"
    )


def test_what_is_built_in_is_named() -> None:
    text, setup = DOCUMENT.read_text(encoding="utf-8"), Setup()
    assert setup.account_id in text
    for number in setup.numbers:
        assert number in text


def test_every_special_phone_has_a_behaviour_in_words() -> None:
    assert {name for script in SPECIAL.values() for name in script} == set(BEHAVIOURS)
