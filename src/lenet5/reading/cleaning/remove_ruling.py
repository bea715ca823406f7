"""Ruled lines and boxes: found, taken away, and the strokes that they crossed repaired."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.reading.cleaning.binarization import Mask
from lenet5.reading.cleaning.feet import feet
from lenet5.reading.cleaning.line_candidates import EVERYWHERE, ROUGH, Rule, straight

LONG = 2.2  # heights of the writing: least length of a horizontal ruled line
TALL = 2.5  # heights of the writing: least length of a vertical ruled line
SPAN = 0.8  # of the picture's height: least length of a vertical ruled line; a shorter one may be a 1
REST = 2.0  # least ink beside a vertical ruled line, in multiples of its own; with less, it may be a 1 cut close
THICK = 0.3  # of the writing's height: what is thicker is no ruling
BROKEN = 0.6  # of the writing's height: a shorter piece of a box's side may be a stroke
SLACK = 1.5  # px that a line may be beside itself


def without_rules(mask: Mask) -> tuple[Mask, Mask, list[Rule]]:
    """Return the mask without ruling, what was taken away, and the lines that this was.

    mask  (H, W), level to a degree or so
    """
    candidates = [(rule, where) for level in (True, False) for rule, where in straight(mask, level=level)]
    if not candidates:
        return mask, np.zeros_like(mask), []
    height = _height_of_the_rest(mask, [where for _, where in candidates], [rule for rule, _ in candidates])
    written = float(mask.sum() - sum(where.sum() for _, where in candidates))
    rules = [rule for rule, _ in candidates]
    chosen = _ruling(rules, _bars(mask, candidates), height, mask.shape, written)
    ruling = [pair for pair, wanted in zip(candidates, chosen, strict=True) if wanted]
    by_direction = {}
    for level in (True, False):
        taken = by_direction[level] = np.zeros_like(mask)
        strokes = mask.copy()  # where two lines of the ruling cross there is no stroke
        for rule, where in ruling:
            if rule.level != level:
                strokes[rule.top : rule.bottom, rule.left : rule.right] &= ~where
        for rule, where in ruling:
            if rule.level == level:
                taken[rule.top : rule.bottom, rule.left : rule.right] |= _uncrossed(strokes, rule, where)
                taken[_continued(strokes, rule, where)] = True
    every = by_direction[True] | by_direction[False]
    every &= ~feet(mask & ~every, by_direction[True], height)
    return mask & ~every, every, [rule for rule, _ in ruling]


def _height_of_the_rest(mask: Mask, pieces: list[Mask], rules: list[Rule]) -> float:
    """Return the height of the writing when all straight pieces are away: of half of its ink, at least that high."""
    rest = mask.copy()
    for rule, where in zip(rules, pieces, strict=True):
        view = rest[rule.top : rule.bottom, rule.left : rule.right]
        view &= ~_uncrossed(mask, rule, where)
    # What a line cut through is one again.
    gap = 2 * max(1, round(max(rule.thickness for rule in rules) / 2)) + 1
    joined = ndimage.binary_closing(np.pad(rest, gap), np.ones((gap + 2, 1)))[gap:-gap, gap:-gap] | rest
    labels, count = ndimage.label(joined, EVERYWHERE)
    if not count:
        return 0.0
    heights = np.array([place[0].stop - place[0].start for place in ndimage.find_objects(labels, count)])
    ink = np.bincount(labels[rest], minlength=count + 1)[1:]
    order = np.argsort(heights)
    return float(heights[order][np.searchsorted(np.cumsum(ink[order]), ink.sum() / 2)])


def _bars(mask: Mask, candidates: list[tuple[Rule, Mask]]) -> list[bool]:
    """Return which level pieces may be the bar of a digit: the ink that they belong to is higher than they are long.

    So may a dash that is shorter than other ink is high, and no piece of a broken line. The sides of a narrow box are
    so, too, but there are two of them, one below the other.
    """
    labels, count = ndimage.label(mask, EVERYWHERE)
    places = ndimage.find_objects(labels, count)
    rules = [rule for rule, _ in candidates]
    tallest = max(place[0].stop - place[0].start for place in places)
    result = []
    for rule, where in candidates:
        own = places[int(labels[rule.top : rule.bottom, rule.left : rule.right][where][0]) - 1][0]
        short = rule.level and rule.length < own.stop - own.start
        alone = rule.level and rule.length < tallest and not any(_in_rows_of(rule, other) for other in rules)
        dash = alone and own.stop - own.start <= 2 * rule.thickness
        result.append((short or dash) and not any(_above(rule, other) for other in rules))
    return result


def _in_rows_of(a: Rule, b: Rule) -> bool:
    """Whether two level pieces share rows, as the pieces of one broken line do."""
    return b.level and a is not b and a.top < b.bottom + b.thickness and b.top < a.bottom + a.thickness


def _above(a: Rule, b: Rule) -> bool:
    """Whether two level pieces begin and end in the same columns, one above the other."""
    near = 2 + a.thickness + b.thickness
    return b.level and a is not b and abs(a.left - b.left) <= near and abs(a.right - b.right) <= near


def _ruling(rules: list[Rule], bars: list[bool], height: float, page: tuple[int, ...], written: float) -> list[bool]:
    """Return which straight pieces are ruling: those far longer than the writing is high, and the sides of boxes.

    bars     those that are not
    height   of the writing, px
    page     height and width of the picture, px
    written  pixels of ink that is in no straight piece
    """
    levels = [
        rule
        for rule, bar in zip(rules, bars, strict=True)
        if rule.level and not bar and rule.length >= _least(height, page[1]) and _thin(rule, height)
    ]
    return [
        rule in levels if rule.level else _thin(rule, height) and _upright(rule, levels, height, page[0], written)
        for rule in rules
    ]


def _thin(rule: Rule, height: float) -> bool:
    return rule.thickness <= max(3.0, THICK * height)


def _upright(rule: Rule, levels: list[Rule], height: float, page: int, written: float) -> bool:
    """Whether an upright piece is ruling: a margin's line, the side of a box, what parts a comb."""
    if _margin(rule, height, page, written):
        return True
    if rule.length >= height:
        ends = [any(_meets(rule, level, end, height) for level in levels) for end in (rule.top, rule.bottom)]
        crossed = sum(_crosses(rule, level) for level in levels)
        if all(ends) or (crossed >= 2 and rule.length >= _least(height, page)):
            return True
    # A side that is broken.
    return rule.length >= BROKEN * height and any(_corner(rule, level) for level in levels)


def _least(height: float, side: int) -> float:
    """Return how long a line is at least; on a page without other ink, which may be empty, SPAN of its side."""
    return LONG * height or SPAN * side


def _crosses(upright: Rule, level: Rule) -> bool:
    """Whether a level line goes through an upright one."""
    middle = (upright.left + upright.right) / 2
    return level.left <= middle <= level.right and upright.top < level.top and level.bottom < upright.bottom


def _margin(upright: Rule, height: float, page: int, written: float) -> bool:
    """Whether an upright piece that stands free is ruling, such as a margin's line, and no stroke of a 1."""
    long = bool(height) and upright.length >= max(TALL * height, SPAN * page)
    return long and written >= REST * upright.length * upright.thickness


def _meets(upright: Rule, level: Rule, end: int, height: float) -> bool:
    """Whether an upright piece ends on a level one, or where that goes on, for a pale line is broken."""
    near = 2 + level.thickness
    return (
        level.top - near <= end <= level.bottom + near
        and level.left - height <= (upright.left + upright.right) / 2 <= level.right + height
    )


def _corner(upright: Rule, level: Rule) -> bool:
    """Whether an upright and a level piece meet where both end."""
    near, middle = 2 + level.thickness, (upright.left + upright.right) / 2
    return (
        min(abs(middle - level.left), abs(middle - level.right)) <= near
        and min(abs(upright.top - level.bottom), abs(upright.bottom - level.top)) <= near
    )


def _continued(mask: Mask, rule: Rule, where: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of what lies on a line's continuation, as thin as it, with nothing above and below.

    mask  the picture without the lines that cross this one

    Only a band along the line is looked at: squared paper has hundreds of lines, each across the whole page.
    """
    lying, pixels = (mask, where) if rule.level else (mask.T, where.T)
    top, left = (rule.top, rule.left) if rule.level else (rule.left, rule.top)
    inside_rows, inside_columns = np.nonzero(pixels)
    slope, start = np.polyfit(inside_columns + left, inside_rows + top, 1)
    half, columns = rule.thickness / 2 + SLACK, np.arange(lying.shape[1])
    centre, reach = slope * columns + start, int(half) + 3
    rows = np.floor(centre).astype(np.int64) + np.arange(-reach, reach + 1)[:, None]  # (2 reach + 1, W)
    away = np.abs(rows - centre)
    ink = _ink_at(lying, rows, columns)
    near, beside = away <= half, (away > half) & (away <= half + 2)
    free = ~(ink & beside).any(axis=0)
    own = _ink_at(pixels, rows - top, columns - left)
    rough = (ink & near & ~own).sum(axis=0) <= ROUGH
    free[left : left + pixels.shape[1]] &= rough[left : left + pixels.shape[1]]
    band, along = np.nonzero(ink & near & free)
    across = rows[band, along]
    return (across, along) if rule.level else (along, across)


def _uncrossed(mask: Mask, rule: Rule, where: Mask) -> Mask:
    """Return the pixels of a line that no stroke crosses: those with ink beyond it on one side at most."""
    lying = mask if rule.level else mask.T
    pixels = where if rule.level else where.T
    top, left = (rule.top, rule.left) if rule.level else (rule.left, rule.top)
    columns = np.arange(pixels.shape[1])
    has = pixels.any(axis=0)
    first = np.where(has, pixels.argmax(axis=0), 0) + top
    last = np.where(has, pixels.shape[0] - 1 - pixels[::-1].argmax(axis=0), 0) + top
    reach = max(2, round(rule.thickness / 2) + 1)
    above = _ink_at(lying, first - reach, columns + left) & _ink_at(lying, first - reach - 1, columns + left)
    below = _ink_at(lying, last + reach, columns + left) & _ink_at(lying, last + reach + 1, columns + left)
    # A stroke that comes in slanting leaves the line a little further on.
    wide = 2 * max(1, round(rule.thickness)) + 1
    crossed = ndimage.maximum_filter1d(above, wide) & ndimage.maximum_filter1d(below, wide)
    free = pixels & ~crossed
    result: Mask = free if rule.level else free.T
    return result


def _ink_at(mask: Mask, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Look pixels up; outside there is no ink."""
    inside = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    found: NDArray[np.bool_] = (
        inside & mask[np.clip(rows, 0, mask.shape[0] - 1), np.clip(columns, 0, mask.shape[1] - 1)]
    )
    return found
