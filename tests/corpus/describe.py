"""*What is simulated, and how sure we are*: the page made from the code and the corpus. `python -m tests.corpus.describe` writes it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import workbench.simulator
from tests.conformance.webhooks import EVENTS
from tests.conftest import ROOT
from tests.corpus.scenario import FOLDER, load, paths
from tests.corpus.test_corpus import outcome
from workbench import bxml
from workbench.bxml.base import Verb
from workbench.simulator.describe import apis, table
from workbench.simulator.rules import RULES
from workbench.simulator.verbs import EXECUTE

PAGE = ROOT / "docs" / "what-is-simulated.md"
SHOWN = 2  # scenarios named in a row
LABELS = ("documented", "observed", "assumed")
NESTED = {"PhoneNumber", "SipUri", "Endpoint", "StreamParam", "CustomParam"}
HEAD = """# What is simulated, and how sure we are

Made from the code and the [corpus](../tests/corpus/README.md) by `python -m tests.corpus.describe`; a test compares.

Every statement that constrains the platform is a row of `workbench/simulator/rules.py` with a label: **documented** by Bandwidth's pages
or specifications, **observed** in its published samples, **assumed** by us where both are silent. Sources name the page or the sample;
`ours` is what only the local platform has. The rule behind a webhook is told in its headers `X-Workbench-Rule` and `X-Workbench-Label`, the
rule behind a refusal in those of the answer; both reach the event table and the error. Scenarios are files to read: what an application
answers, what phones do, and all that comes of it. Who has a live account compares both platforms with `python3 run.py parity`.
"""


def markdown() -> str:
    """The page."""
    return "\n\n".join([HEAD.strip(), totals(), operations(), verbs(), webhooks(), rules()]) + "\n"


# What there is


def counts() -> dict[str, object]:
    """The totals, by name."""
    labels = Counter(rule.label for rule in RULES.values())
    followed = set().union(*(outcome(path).rules for path in paths()))
    happened = set().union(*(outcome(path).events for path in paths()))
    events = {event for group in EVENTS.values() for event in group}
    return {
        "operations": sum(len(found) for _, _, found in apis()),
        "verbs": len([name for name in bxml.VERBS if name not in NESTED]),
        "verbs executed": len({verb.__name__ for verb in EXECUTE} - NESTED),
        "webhook events": len(events),
        "webhook events that occur in the corpus": len(events & happened),
        "rules": len(RULES),
        **{f"rules {label}": labels[label] for label in LABELS},
        "scenarios": len(paths()),
        "rules followed by a scenario": len(followed & set(RULES)),
        "rules followed by none": ", ".join(sorted(set(RULES) - followed)) or 0,
    }


def totals() -> str:
    """The totals as a table."""
    return "## Totals\n\n" + table(("what", "how many"), ((name, str(value)) for name, value in counts().items()))


def operations() -> str:
    """Every operation with the scenarios that perform it."""
    parts = ["## Operations\n\nAll are documented: paths, names, fields and statuses are those of Bandwidth's specifications."]
    for title, base, found in apis():
        rows = ((item.method, f"`{base}{item.path}`", item.name, _named(_performing(item.method, base + item.path))) for item in found)
        parts.append(f"### {title}\n\n" + table(("method", "path", "operation", "scenarios"), rows))
    return "\n\n".join(parts)


def verbs() -> str:
    """Every verb: executed or passed over, and which of its attributes are parsed and checked but change nothing here."""
    executed = {verb.__name__ for verb in EXECUTE}
    rows = []
    for name, verb in bxml.VERBS.items():
        how = "inside its verb" if name in NESTED else "executed" if name in executed else "logged and passed over"
        idle = [row.attribute for row in bxml.describe(verb) if not row.attribute.startswith("(") and _idle(verb, row.parameter)]
        rows.append((name, how, ", ".join(idle) if how != "logged and passed over" else "all", _named(_with_verb(name))))
    return "## Verbs\n\nAll are documented.\n\n" + table(("verb", "how", "parsed, checked and not acted on", "scenarios"), rows)


def webhooks() -> str:
    """Every event with the scenarios in which it occurs."""
    rows = [(event, group, _named(_with_event(event))) for group, events in EVENTS.items() for event in events]
    return "## Webhooks\n\nAll are documented.\n\n" + table(("event", "API", "scenarios"), rows)


def rules() -> str:
    """Every rule with the scenarios that show it."""
    rows = ((rule.id, rule.text, rule.label, rule.source, _named(_following(rule.id)) or "none yet") for rule in RULES.values())
    return "## Rules\n\n" + table(("rule", "what", "label", "source", "scenarios"), rows)


# Which scenarios


def _performing(method: str, path: str) -> list[Path]:
    pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
    return [one for one in paths() if any(method == asked and pattern.fullmatch(where) for asked, where in outcome(one).requests)]


def _with_verb(name: str) -> list[Path]:
    return [path for path in paths() if re.search(rf"<{name}[\s/>]", path.read_text(encoding="utf-8"))]


def _with_event(event: str) -> list[Path]:
    return [path for path in paths() if event in outcome(path).events]


def _following(rule: str) -> list[Path]:
    """Those that are there to show it first."""
    found = [path for path in paths() if rule in outcome(path).rules]
    return sorted(found, key=lambda path: rule not in load(path).shows)


def _named(found: Iterable[Path]) -> str:
    found = list(found)
    names = [path.relative_to(FOLDER).with_suffix("").as_posix() for path in found[:SHOWN]]
    more = f", {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(f"[{name}](../tests/corpus/{name}.yaml)" for name in names) + more


# Which attributes


def _words() -> Iterator[str]:
    for file in Path(workbench.simulator.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


# Words that the simulator uses for something else.
SILENT = {("SpeakSentence", "voice")}
WORDS = frozenset(_words())


def _idle(verb: type[Verb], parameter: str) -> bool:
    """Whether the simulator never looks at a parameter; those of webhooks are read by the name of their hook."""
    if (verb.__name__, parameter) in SILENT:
        return True
    hook = re.sub(r"(_fallback)?_(url|method)$", "", parameter)
    return parameter not in WORDS and not (hook != parameter and hook in WORDS)


if __name__ == "__main__":
    PAGE.write_text(markdown(), encoding="utf-8")
