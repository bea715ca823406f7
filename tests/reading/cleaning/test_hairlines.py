"""Thin straight lines go, strokes stay."""

import numpy as np

from lenet5.reading.cleaning.hairlines import without_hairlines

PEN = 8.0  # px


def page() -> np.ndarray:
    """Three bars, 8 pixels wide and 40 high, as strokes."""
    mask = np.zeros((80, 160), bool)
    for left in (40, 80, 120):
        mask[20:60, left : left + 8] = True
    return mask


def test_a_stub_of_a_box_goes_and_no_stroke_does() -> None:
    mask = page()
    mask[10:70, 20:22] = True  # an upright side, two pixels wide,
    mask[10:12, 20:70] = True  # and a piece of the upper one
    left, taken = without_hairlines(mask, PEN, 40.0)
    assert np.array_equal(left, page())
    assert taken.sum() == mask.sum() - page().sum()


def test_a_short_thin_bar_stays() -> None:
    mask = page()
    mask[40:42, 48:68] = True  # half as long as the writing is high
    assert np.array_equal(without_hairlines(mask, PEN, 40.0)[0], mask)


def test_thin_writing_is_no_ruling() -> None:
    mask = np.zeros((80, 160), bool)
    for left in range(20, 140, 20):
        mask[20:60, left : left + 2] = True
    mask[20:60, 150:158] = True
    assert np.array_equal(without_hairlines(mask, PEN, 40.0)[0], mask)
