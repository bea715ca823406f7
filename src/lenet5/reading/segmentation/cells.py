"""Cells of ruled tables: upright lines part what stands in a line of writing.

The boxes of a form have upright lines, too, but a digit each: there the line is one number.
"""

from dataclasses import dataclass

from lenet5.reading.cleaning.line_candidates import Rule
from lenet5.reading.segmentation.pieces import Piece

NEAR = 0.5  # heights of the writing between the pieces of one upright line, sideways
SEVERAL = 0.2  # of a table's cells hold more than one piece; with fewer it is a form


@dataclass(frozen=True)
class Upright:
    """An upright line with its gaps: the column of its middle, and the rows from its first to its last ink."""

    middle: float
    top: int
    bottom: int


@dataclass(frozen=True, eq=False)
class Cell:
    """What stands between two upright lines: its column, counted from 1, and its pieces from left to right.

    Without a table it is a whole line of writing, and `column` None.
    """

    column: int | None
    pieces: list[Piece]


def cells(lines: list[list[Piece]], rules: list[Rule], height: float) -> list[list[Cell]]:
    """Return the cells of each line of writing that are not empty.

    rules   the ruling that was taken away
    height  of the writing, px
    """
    uprights = _uprights(rules, height)
    parted = [_parted(line, uprights) for line in lines]
    columns = {column for line in parted for column in line}
    sizes = [len(pieces) for line in parted for pieces in line.values()]
    if len(columns) < 2 or sum(size > 1 for size in sizes) < SEVERAL * len(sizes):
        return [[Cell(None, line)] for line in lines]
    first = 0 if 0 in columns else 1  # nothing stands on the left of a left border
    return [[Cell(column - first + 1, pieces) for column, pieces in line.items()] for line in parted]


def _uprights(rules: list[Rule], height: float) -> list[Upright]:
    """Return the upright lines from left to right; pieces one below another are one."""
    found: list[Upright] = []
    for rule in sorted((rule for rule in rules if not rule.level), key=lambda rule: rule.left + rule.right):
        middle = (rule.left + rule.right) / 2
        if found and middle - found[-1].middle <= NEAR * height:
            last = found.pop()
            found.append(Upright(last.middle, min(last.top, rule.top), max(last.bottom, rule.bottom)))
        else:
            found.append(Upright(middle, rule.top, rule.bottom))
    return found


def _parted(line: list[Piece], uprights: list[Upright]) -> dict[int, list[Piece]]:
    """Return the pieces of a line by how many upright lines they have on their left."""
    result: dict[int, list[Piece]] = {}
    for piece in line:
        middle, centre = (piece.left + piece.right) / 2, (piece.top + piece.bottom) / 2
        column = sum(each.middle < middle and each.top <= centre <= each.bottom for each in uprights)
        result.setdefault(column, []).append(piece)
    return result
