"""Ruled lines and boxes: found, taken away, and the strokes that they crossed repaired."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.reading.binarise import Mask

SHARE = 1 / 5  # of the picture's side: no shorter run of ink is looked at
LEAST_RUN = 20  # px
LONG = 2.2  # times the writing's height: a level line so long is no stroke
TALL = 2.5  # the same for an upright line: a 1 is as tall as the writing
THICK = 0.2  # of the writing's height: what is thicker is no ruling
EVERYWHERE = np.ones((3, 3))


@dataclass(frozen=True)
class Rule:
    """One straight piece of ink: the rows and columns that it takes, ends excluded, and its thickness in pixels."""

    top: int
    bottom: int
    left: int
    right: int
    thickness: float
    level: bool

    @property
    def length(self) -> int:
        """In pixels."""
        return self.right - self.left if self.level else self.bottom - self.top


def without_rules(mask: Mask) -> tuple[Mask, Mask, int]:
    """Return the mask without ruling, what was taken away, and how many lines that were.

    mask  (H, W), level to a degree or so
    """
    candidates = [(rule, where) for level in (True, False) for rule, where in _straight(mask, level=level)]
    if not candidates:
        return mask, np.zeros_like(mask), 0
    height = _height_of_the_rest(mask, [where for _, where in candidates], [rule for rule, _ in candidates])
    chosen = _ruling([rule for rule, _ in candidates], height)
    taken = np.zeros_like(mask)
    for (rule, where), wanted in zip(candidates, chosen, strict=True):
        if wanted:
            view = taken[rule.top : rule.bottom, rule.left : rule.right]
            view |= _uncrossed(mask, rule, where)
    return mask & ~taken, taken, sum(chosen)


def _straight(mask: Mask, *, level: bool) -> list[tuple[Rule, Mask]]:
    """Return the straight pieces, each with its pixels inside its rows and columns."""
    lying = mask if level else mask.T
    run = max(LEAST_RUN, round(lying.shape[1] * SHARE))
    if lying.shape[1] < run:
        return []
    # Ink spread by a pixel up and down: a line that is a little off level, or rough, is still one run.
    spread = ndimage.maximum_filter1d(lying, 3, axis=0)
    core = _opened(spread, run) & lying
    # A line that falls by a pixel every few columns is many short runs one below another: joined, they are one.
    labels, count = ndimage.label(ndimage.maximum_filter1d(core, 9, axis=1), EVERYWHERE)
    found = []
    for index, place in enumerate(ndimage.find_objects(labels, count), 1):
        where = (labels[place] == index) & lying[place]
        columns = where.any(axis=0)
        if not columns.any():
            continue
        rows, across = _tight(place, where)
        where = where[rows.start - place[0].start : rows.stop - place[0].start,
                      across.start - place[1].start : across.stop - place[1].start]  # fmt: skip
        thickness = float(where.sum() / columns.sum())
        box = (rows.start, rows.stop, across.start, across.stop)
        rule = Rule(*box, thickness, True) if level else Rule(box[2], box[3], box[0], box[1], thickness, False)
        if rule.length >= 6 * thickness:
            found.append((rule, where if level else where.T))
    return found


def _tight(place: tuple[slice, slice], where: Mask) -> tuple[slice, slice]:
    """Return the rows and columns of the picture that a piece takes, without an empty border."""
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    top, left = place[0].start, place[1].start
    return slice(top + int(rows[0]), top + int(rows[-1]) + 1), slice(left + int(columns[0]), left + int(columns[-1]) + 1)


def _opened(mask: Mask, run: int) -> Mask:
    """Keep the level runs of at least so many pixels."""
    sums = np.cumsum(mask, axis=1, dtype=np.int32)
    sums = np.pad(sums, ((0, 0), (1, 0)))
    begins = sums[:, run:] - sums[:, :-run] == run  # (H, W - run + 1)
    padded = np.pad(np.cumsum(begins, axis=1, dtype=np.int32), ((0, 0), (run, run - 1)), mode="edge")
    padded[:, :run] = 0
    inside: Mask = padded[:, run:] - padded[:, : mask.shape[1]] > 0
    return inside


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


def _ruling(rules: list[Rule], height: float) -> list[bool]:
    """Return which straight pieces are ruling: those far longer than the writing is high, and the sides of boxes."""
    if not height:
        return [False] * len(rules)
    thin = [rule.thickness <= max(3.0, THICK * height) for rule in rules]
    chosen = [ok and rule.length >= (LONG if rule.level else TALL) * height for rule, ok in zip(rules, thin, strict=True)]
    for index, rule in enumerate(rules):  # the upright sides of boxes, and what parts a comb
        if not rule.level and thin[index] and rule.length >= height:
            ends = [any(_meets(rule, other, end) for other, is_rule in zip(rules, chosen, strict=True) if is_rule)
                    for end in (rule.top, rule.bottom)]  # fmt: skip
            chosen[index] = chosen[index] or all(ends)
    return [bool(each) for each in chosen]


def _meets(upright: Rule, level: Rule, end: int) -> bool:
    """Whether an upright piece ends on a level one."""
    near = 2 + level.thickness
    return (
        level.level
        and level.top - near <= end <= level.bottom + near
        and level.left - near <= (upright.left + upright.right) / 2 <= level.right + near
    )


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
    return free if rule.level else free.T


def _ink_at(mask: Mask, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Look pixels up; outside there is no ink."""
    inside = (rows >= 0) & (rows < mask.shape[0])
    found: NDArray[np.bool_] = inside & mask[np.clip(rows, 0, mask.shape[0] - 1), columns]
    return found
