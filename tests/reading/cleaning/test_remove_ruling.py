"""Ruling goes, strokes stay."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.reading.cleaning.remove_ruling import without_rules
from lenet5.reading.segmentation.layout import lines
from lenet5.reading.segmentation.pieces import Piece
from lenet5.reading.segmentation.shapes import no_digit

Mask = NDArray[np.bool_]


def five(height: int, left: int, top: int, mask: Mask) -> None:
    """Draw a 5 of straight strokes: a bar above, nearly as long as the digit is high."""
    wide, thick = round(0.7 * height), max(2, height // 12)
    middle = top + height // 2
    for rows, columns in (
        ((top, top + thick), (left, left + wide)), ((top, middle), (left, left + thick)),
        ((middle, middle + thick), (left, left + wide)), ((middle, top + height), (left + wide - thick, left + wide)),
        ((top + height - thick, top + height), (left, left + wide)),
    ):  # fmt: skip
        mask[slice(*rows), slice(*columns)] = True


def fives(shape: tuple[int, int], height: int, count: int) -> Mask:
    mask = np.zeros(shape, bool)
    for place in range(count):
        five(height, 30 + place * height, (shape[0] - height) // 2, mask)
    return mask


def test_the_bar_of_a_digit_cut_close_is_no_ruled_line() -> None:
    # Taken at its word this is all straight lines; what is left beside them is far lower than the digit.
    mask = np.zeros((80, 80), bool)
    mask[10:12, 15:59] = True
    mask[12:70, 15:18] = True
    for step in range(12):
        mask[40 + step : 43 + step, 18 + 3 * step : 22 + 3 * step] = True
    left, _, rules = without_rules(mask)
    assert not rules
    assert (left == mask).all()


def test_a_line_goes_on_beyond_its_breaks() -> None:
    written = fives((100, 400), 40, 6)
    ruled = written.copy()
    ruled[76:79, 5:250] = True
    ruled[76:79, 258:270] = True  # shorter than what is looked for by itself
    ruled[76:79, 300:395] = True
    left, _, _ = without_rules(ruled)
    assert (left == written).all()


def test_a_box_with_broken_sides_goes() -> None:
    written = fives((110, 300), 40, 5)
    boxed = written.copy()
    for row in (15, 95):
        boxed[row : row + 2, 10:280] = True
    boxed[15:97, 10:12] = True
    boxed[15:60, 278:280] = True  # the right side ends half way down,
    boxed[95:97, 200:240] = False  # and the lower one has a gap
    left, _, _ = without_rules(boxed)
    assert (left == written).all()


def test_a_digit_in_two_parts_does_not_begin_a_second_line() -> None:
    def piece(top: int, bottom: int, left: int, right: int) -> Piece:
        return Piece(top, bottom, left, right, np.ones((bottom - top, right - left), bool))

    upper, lower = piece(10, 32, 0, 14), piece(30, 52, 2, 16)
    others = [piece(10, 50, 30, 50), piece(12, 52, 60, 80), piece(11, 51, 90, 110), piece(10, 50, 120, 140)]
    assert [len(line) for line in lines([upper, lower, *others])] == [6]
    below = [piece(70, 110, 30, 50), piece(70, 110, 60, 80)]
    assert [len(line) for line in lines([*others, *below])] == [4, 2]


def test_squared_paper_goes_and_the_digits_stay() -> None:
    written = fives((700, 900), 60, 12)
    ruled = written.copy()
    for place in range(5, 900, 20):
        ruled[place : place + 1] = True
        ruled[:, place : place + 1] = True
    left, _, rules = without_rules(ruled)
    assert len(rules) == 35 + 45
    assert (left & ~written).sum() < 0.01 * written.sum()
    assert (written & ~left).sum() < 0.05 * written.sum()


def test_a_mesh_is_no_digit() -> None:
    mesh = np.zeros((100, 100), bool)
    mesh[::10] = mesh[:, ::10] = True
    assert no_digit(Piece(50, 150, 50, 150, mesh), 100, (200, 200)) == "a mesh"


def on_a_line(*, line: int) -> tuple[Mask, Mask]:
    """Return two 0s and a bar with a stem, as of a 2, that end in a ruled line, and the same without the line."""
    rows, columns = np.mgrid[:200, :260]
    written = np.zeros((200, 260), bool)
    for middle in (60, 130):
        away = np.hypot((rows - 55) / 20, (columns - middle) / 14)
        written |= (away > 0.78) & (away < 1)
    written[70:75, 170:230] = True  # longer than a fifth of the picture: taken for line itself
    written |= (np.abs(columns - 170 - 0.4 * (75 - rows)) < 3) & (rows >= 35) & (rows < 74)
    mask = written.copy()
    mask[75 - line :][:line] = True
    return mask, written


@pytest.mark.parametrize("line", [2, 3])
def test_digits_that_end_in_a_ruled_line_keep_their_lower_ends(line: int) -> None:
    mask, written = on_a_line(line=line)
    left, _, rules = without_rules(mask)
    assert len(rules) == 1
    assert ndimage.label(~left)[1] == ndimage.label(~written)[1] == 3, "the 0s are closed"
    assert (left[70:75, 180:225].sum(axis=0) >= 3).all(), "of 5 pixels"
    assert not left[:, [*range(40), *range(85, 110)]].any(), "the line is gone between them"


def test_a_ruled_line_through_a_0_does_not_make_it_an_8() -> None:
    rows, columns = np.mgrid[:200, :260]
    away = np.hypot((rows - 55) / 20, (columns - 60) / 14)
    mask = (away > 0.78) & (away < 1)
    mask[54:57] = True
    left, _, _ = without_rules(mask)
    assert ndimage.label(~left)[1] == 2
