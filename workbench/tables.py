"""DataFrames that are shown in a way of their own: who hears whom with ticks, and a story with whole sentences."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from pandas import DataFrame, option_context


class Matrix(DataFrame):
    """A DataFrame of booleans that is shown with ticks. What is taken out of it is a plain DataFrame."""

    def __repr__(self) -> str:
        return str(DataFrame(self).replace({True: "✓", False: "·"}))

    def _repr_html_(self) -> str:
        return html(self)


class Story(DataFrame):
    """A DataFrame whose texts are not cut: a refusal is read to its end."""

    def _repr_html_(self) -> str:
        with option_context("display.max_colwidth", None):
            table = str(DataFrame(self).to_html(index=False, border=0))
        # JupyterLab sets cells to the right, in which sentences of several lines are hard to read.
        for cell in ("th", "td"):
            table = table.replace(f"<{cell}>", f'<{cell} style="text-align: left">')
        return table


class Matrices:
    """Matrices beside each other, each with its title."""

    def __init__(self, matrices: Mapping[str, DataFrame]) -> None:
        self._matrices = dict(matrices)

    def __repr__(self) -> str:
        return "\n\n".join(f"{title}\n{Matrix(matrix)!r}" for title, matrix in self._matrices.items())

    def _repr_html_(self) -> str:
        tables = "".join(html(matrix, title) for title, matrix in self._matrices.items())
        return f"<div style='display:flex;flex-wrap:wrap;gap:2em'>{tables}</div>"


def html(matrix: DataFrame, title: str = "") -> str:
    """A matrix as an HTML table."""
    head = "".join(f"<th scope='col'>{escape(str(voice))}</th>" for voice in matrix.columns)
    rows = "".join(_row(str(listener), matrix.loc[listener]) for listener in matrix.index)
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    return f"<table>{caption}<thead><tr><th scope='col'>hears →</th>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(listener: str, heard: Any) -> str:
    ticks = ("✓" if hears else "" if listener == voice else "·" for voice, hears in heard.items())
    cells = "".join(f"<td style='text-align:center'>{tick}</td>" for tick in ticks)
    return f"<tr><th scope='row'>{escape(listener)}</th>{cells}</tr>"
