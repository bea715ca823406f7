import numpy as np
import pytest

from lenet5.reading.cleaning.strokes import stroke_width
from lenet5.reading.segmentation.pieces import Piece, pen_width


@pytest.mark.parametrize("width", [2, 3, 5, 8, 20])
def test_the_width_of_a_long_bar_is_measured(width: int) -> None:
    bar = np.ones((20 * width, width), bool)
    assert stroke_width(bar) == pytest.approx(width, rel=0.12)  # its ends, and odd widths in whole pixels


def test_a_mask_without_ink_has_no_strokes() -> None:
    assert stroke_width(np.zeros((4, 5), bool)) == 0


def test_the_pen_is_that_of_most_of_the_largest_pieces() -> None:
    widths = [8] * 30 + [2] * 20
    bars = [Piece(0, 100, 0, width, np.ones((100, width), bool)) for width in widths]
    assert pen_width(bars) == stroke_width(bars[0].mask)
    assert pen_width([]) == 0
