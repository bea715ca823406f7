"""Paper with a printed pattern, and dithered pictures."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from lenet5.reading.fine_pattern import NOTE


def patterned(page: np.ndarray, every: int, dark: int, slope: int = 6, thick: int = 1) -> np.ndarray:
    """Print fine lines on paper, one row of `slope` columns down, as on cheques."""
    rows, columns = np.indices(page.shape)
    line = (slope * rows + columns) % (slope * every) < slope * thick
    return np.where(line, np.minimum(page, dark), page).astype(np.uint8)


def test_a_number_on_a_fine_pattern_is_read_and_the_pattern_told(digits, compose) -> None:
    page = digits.read(patterned(compose("2739", step=24, scale=1, border=8), 2, 130))
    assert page.text == "2739"
    assert NOTE in page.notes


@pytest.mark.parametrize(("every", "slope", "thick"), [(4, 3, 1), (6, 20, 2)])
def test_a_thin_pen_on_a_fine_pattern_is_read(digits, compose, every: int, slope: int, thick: int) -> None:
    writing = ndimage.grey_dilation(compose("2739", step=40, border=16), (3, 3))
    assert digits.read(patterned(writing, every, 130, slope, thick)).text == "2739"


@pytest.mark.parametrize("dark", [60, 100])
def test_a_dithered_picture_of_two_colours_is_read(digits, compose, dark: int) -> None:
    grey = dark + (235 - dark) / 255 * compose("2739", step=40)
    page = digits.read(Image.fromarray(grey.astype(np.uint8)).convert("1"))
    assert page.text == "2739"
    assert NOTE in page.notes


@pytest.mark.parametrize(("every", "dark"), [(3, 175), (4, 150), (5, 175)])
def test_a_fine_pattern_without_writing_holds_no_digit(digits, every: int, dark: int) -> None:
    for size in ((44, 100), (80, 170)):
        assert not digits.read(patterned(np.full(size, 225, np.uint8), every, dark)).digits
