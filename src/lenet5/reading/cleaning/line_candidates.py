"""Straight pieces of ink that may be ruled lines."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lenet5.data.pixels import extent
from lenet5.reading.cleaning.binarization import Mask

SHARE = 1 / 5  # of the picture's side: no shorter run of ink is looked at
LEAST_RUN = 20  # px
ROUGH = 1  # px that a line may be thicker in places
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


def straight(mask: Mask, *, level: bool) -> list[tuple[Rule, Mask]]:
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
        if not where.any():
            continue
        where = _without_strokes(where)
        columns = where.any(axis=0)
        rows, across = _tight(place, where)
        where = where[rows.start - place[0].start : rows.stop - place[0].start,
                      across.start - place[1].start : across.stop - place[1].start]  # fmt: skip
        thickness = float(where.sum() / columns.sum())
        box = (rows.start, rows.stop, across.start, across.stop)
        rule = Rule(*box, thickness, True) if level else Rule(box[2], box[3], box[0], box[1], thickness, False)
        if rule.length >= 6 * thickness:
            found.append((rule, where if level else where.T))
    return found


def _without_strokes(where: Mask) -> Mask:
    """Return a piece without the strokes that run along it, such as the base of a 2 on a line: it is thicker there."""
    columns, rows = np.flatnonzero(where.any(axis=0)), np.arange(len(where))[:, None]
    thick = where.sum(axis=0)[columns]
    usual = float(np.median(thick))
    thin = thick <= usual + ROUGH
    middles = (rows * where).sum(axis=0)[columns] / thick
    middle = np.interp(np.arange(where.shape[1]), columns[thin], middles[thin])
    result = where.copy()
    result[:, columns[~thin]] &= (np.abs(rows - middle) <= usual / 2)[:, columns[~thin]]
    return result


def _tight(place: tuple[slice, slice], where: Mask) -> tuple[slice, slice]:
    """Return the rows and columns of the picture that a piece takes, without an empty border."""
    rows, columns = extent(where)
    top, left = place[0].start, place[1].start
    return slice(top + rows.start, top + rows.stop), slice(left + columns.start, left + columns.stop)


def _opened(mask: Mask, run: int) -> Mask:
    """Keep the level runs of at least `run` pixels."""
    sums = np.cumsum(mask, axis=1, dtype=np.int32)
    sums = np.pad(sums, ((0, 0), (1, 0)))
    begins = sums[:, run:] - sums[:, :-run] == run  # (H, W - run + 1)
    padded = np.pad(np.cumsum(begins, axis=1, dtype=np.int32), ((0, 0), (run, run - 1)), mode="edge")
    padded[:, :run] = 0
    inside: Mask = padded[:, run:] - padded[:, : mask.shape[1]] > 0
    return inside
