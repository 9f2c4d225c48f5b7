"""A comparison as a reader sees it: the modes side by side, in columns that wrap where there is little room."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from workbench.compare import Comparison, table
from workbench.playing import Picture, Scene
from workbench.tables import html as matrix_html

_BORDER = "1px solid var(--jp-border-color2, #bdbdbd)"
_SOFT = "color:var(--jp-ui-font-color2, #616161)"
_LOST, _KEPT = "var(--jp-error-color1, #c62828)", "var(--jp-success-color1, #2e7d32)"
_GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(290px,100%),1fr));gap:12px;align-items:start"
_CELL = f"text-align:left;vertical-align:top;padding:4px 10px;border-bottom:{_BORDER};white-space:normal"
_HEAD = "<h4 style='margin:14px 0 4px'>"
# A ladder is scrolled in its column rather than shrunk until nobody can read it.
_LADDER = 620


@dataclass(frozen=True, slots=True)
class Cell:
    """What a mode has in a row; `kind` is kept, broken, cannot, or nothing for what is only counted."""

    text: str
    kind: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A number or a change, and a cell for each mode."""

    name: str
    cells: tuple[Cell, ...]


def rows_of(comparison: Comparison) -> list[Row]:
    """What was counted, what became of each change, and the class of cost."""
    modes, numbers = comparison.modes, table(comparison.counts)
    counted = [Row(str(name), tuple(Cell(_number(numbers.loc[mode, name])) for mode in modes)) for name in numbers.columns]
    changes = [
        Row(name, tuple(_outcome(comparison.played[mode].scenes[at]) for mode in modes)) for at, name in enumerate(comparison.moments)
    ]
    return [*counted, *changes, Row("cost class", tuple(Cell(comparison.costs[mode]) for mode in modes))]


def as_data(comparison: Comparison) -> dict[str, Any]:
    """The same for a page: plain data, without the drawings."""
    pictures = {mode: [_picture("before", played.first)] for mode, played in comparison.played.items()}
    for mode, played in comparison.played.items():
        for title, scene in zip(comparison.moments, played.scenes, strict=True):
            pictures[mode].append({"title": title, "cannot": scene.cannot} if scene.cannot else _picture(f"after {title}", scene.after))
    return {
        "story": comparison.story.name if comparison.story else "",
        "told": told(comparison),
        "modes": list(comparison.modes),
        "rows": [asdict(row) for row in rows_of(comparison)],
        "pictures": pictures,
        "ladders": {
            mode: {"lanes": [asdict(lane) for lane in one.columns], "messages": [asdict(message) for message in one.rows]}
            for mode, one in comparison.ladders.items()
        },
        "note": comparison.note,
    }


def as_text(comparison: Comparison) -> str:
    """The numbers, and for each change what it left of each mode's legs."""
    lines = [told(comparison), table(comparison.counts).to_string()]
    for name, outcomes in comparison.survived.iterrows():
        lines += ["", str(name), *(f"  {mode}: {outcome}" for mode, outcome in outcomes.items())]
    costs = [f"cost class of {mode}: {comparison.costs[mode]}" for mode in comparison.modes]
    return "\n".join(filter(None, ["\n".join(lines), "", *costs, comparison.note]))


def as_html(comparison: Comparison) -> str:
    """A table with a column per mode, then who hears whom and the ladder of each, then where the time of the set-up went."""
    story = f"<p style='margin:4px 0 8px'>{escape(told(comparison))}</p>"
    note = f"<p style='{_SOFT}'>{escape(comparison.note)}</p>" if comparison.note else ""
    hears = _side_by_side("Who hears whom", {mode: _matrices(comparison, mode) for mode in comparison.played})
    ladders = _side_by_side("Ladders", {mode: _ladder(mode, ladder) for mode, ladder in comparison.ladders.items()})
    timing = f"{_HEAD}Set-up</h4>{comparison.timing._repr_html_()}"
    return f"<div>{story}{_table(comparison)}{note}{hears}{ladders}{timing}</div>"


def told(comparison: Comparison) -> str:
    """The story in a line."""
    return f"{comparison.story.name}: {' → '.join(comparison.story.lines)}." if comparison.story else ""


def _table(comparison: Comparison) -> str:
    heads = "".join(f"<th scope='col' style='{_CELL}'>{escape(mode)}</th>" for mode in comparison.modes)
    rows = "".join(_line(row.name, row.cells) for row in rows_of(comparison))
    head = f"<thead><tr><td style='{_CELL}'></td>{heads}</tr></thead>"
    return f"<div style='overflow-x:auto'><table style='border-collapse:collapse;margin:0'>{head}<tbody>{rows}</tbody></table></div>"


def _line(name: str, cells: tuple[Cell, ...]) -> str:
    told = "".join(f"<td style='{_CELL};max-width:24em'>{_cell(cell)}</td>" for cell in cells)
    return f"<tr><th scope='row' style='{_CELL};max-width:16em'>{escape(name)}</th>{told}</tr>"


def _cell(cell: Cell) -> str:
    sign, colour = {"broken": ("✗ ", _LOST), "kept": ("✓ ", _KEPT)}.get(cell.kind, ("", ""))
    how = f"<br><small style='{_SOFT}'>{escape(cell.how)}</small>" if cell.how else ""
    if cell.kind == "cannot":
        return f"<span style='{_SOFT}'>{escape(cell.text)}</span>"
    return f"<span style='color:{colour}' aria-hidden='true'>{sign}</span>{escape(cell.text)}{how}"


def _number(value: Any) -> str:
    return "not told" if value != value or value is None else f"{value:g}"


def _outcome(scene: Scene) -> Cell:
    return Cell(scene.outcome, "cannot" if scene.cannot else "broken" if scene.broken else "kept", scene.how)


def _picture(title: str, picture: Picture) -> dict[str, Any]:
    return {"title": title, "parties": list(picture.parties), "hears": [list(row) for row in picture.hears]}


def _side_by_side(title: str, columns: dict[str, str]) -> str:
    parts = "".join(f"<section style='min-width:0'><strong>{escape(mode)}</strong>{part}</section>" for mode, part in columns.items())
    return f"{_HEAD}{escape(title)}</h4><div style='{_GRID}'>{parts}</div>" if columns else ""


def _matrices(comparison: Comparison, mode: str) -> str:
    played, parts = comparison.played[mode], []
    parts.append(matrix_html(played.first.matrix(), "before"))
    for title, scene in zip(comparison.moments, played.scenes, strict=True):
        untouched = f"<div style='{_SOFT};max-width:22em'>{escape(title)}: {escape(scene.cannot)}</div>"
        parts.append(untouched if scene.cannot else matrix_html(scene.after.matrix(), f"after {title}"))
    return f"<div style='display:flex;flex-wrap:wrap;gap:6px 14px'>{''.join(parts)}</div>"


def _ladder(mode: str, ladder: Any) -> str:
    told = f"tabindex='0' role='region' aria-label='Ladder of {escape(mode)}'"
    drawn = f"<div style='width:{_LADDER}px'>{ladder.svg()}</div>"
    return f"<div style='overflow:auto;max-height:380px;border:{_BORDER};margin-top:4px' {told}>{drawn}</div>"
