"""Parsing whatever comes: a document or a refusal, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from workbench import bxml
from workbench.errors import BxmlError


def parsed(documents: Iterable[str | bytes]) -> int:
    """How many documents were parsed or refused; raises whatever else the parser does."""
    count = 0
    for document in documents:
        for where in bxml.Where:
            with suppress(BxmlError):
                bxml.parse(document, where)
        count += 1
    return count
