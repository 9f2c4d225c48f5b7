"""The table of rules and the code that names them."""

from __future__ import annotations

import ast
from pathlib import Path

import workbench.simulator
from workbench.simulator.rules import RULES

SOURCES = [path for path in Path(workbench.simulator.__path__[0]).rglob("*.py") if path.name != "rules.py"]


def texts() -> set[str]:
    """Every string constant in the simulator's code."""
    trees = [ast.parse(path.read_text()) for path in SOURCES]
    return {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_rule_is_used() -> None:
    assert set(RULES) - texts() == set()


def test_rules_are_told_in_a_sentence_with_label_and_source() -> None:
    for rule in RULES.values():
        assert rule.label in ("documented", "observed", "assumed")
        assert rule.source and rule.text and not rule.text.endswith(".")
        assert len(rule.text) < 120


def test_what_is_documented_has_a_page() -> None:
    assert [rule.id for rule in RULES.values() if rule.label == "documented" and rule.source == "ours"] == []
