"""Paper with a printed pattern, and dithered pictures."""

import numpy as np
import pytest
from PIL import Image

from lenet5.reading.fine_pattern import NOTE


def patterned(page: np.ndarray, every: int, dark: int) -> np.ndarray:
    """Print fine lines on paper, one pixel thick and nearly level, as on cheques."""
    rows, columns = np.indices(page.shape)
    return np.where((6 * rows + columns) % (6 * every) < 6, np.minimum(page, dark), page).astype(np.uint8)


def test_a_number_on_a_fine_pattern_is_read_and_the_pattern_told(digits, compose) -> None:
    page = digits.read(patterned(compose("2739", step=24, scale=1, border=8), 2, 130))
    assert page.text == "2739"
    assert NOTE in page.notes


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
