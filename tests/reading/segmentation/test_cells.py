"""Ruled tables: cells part numbers, the boxes of a form do not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lenet5.data.datasets import load

Image = NDArray[np.uint8]
ROWS = (("27", "305", "6"), ("41", "98", "7"), ("3", "", "152"))
HIGH, BORDER = 80, 30  # px of a row and around the table


@pytest.fixture
def table(mnist_folder):
    """Return a drawer: rows of cells -> (H, W) uint8, dark digits close together between dark lines."""
    data = load("mnist", "test", mnist_folder)

    def draw(rows: tuple[tuple[str, ...], ...], *, wide: int, sides: bool = True, thick: int = 2) -> Image:
        right, bottom = BORDER + wide * len(rows[0]), BORDER + HIGH * len(rows)
        page = np.zeros((bottom + BORDER, right + BORDER), np.uint8)
        for x in range(BORDER if sides else BORDER + wide, right + 1 if sides else right, wide):
            page[BORDER : bottom + thick, x : x + thick] = 200
        for y in range(BORDER, bottom + 1, HIGH):
            page[y : y + thick, BORDER : right + thick] = 200
        index = 0
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                for place, letter in enumerate(text):
                    index += 1
                    digit = np.kron(data.images[data.labels == int(letter)][index], np.ones((2, 2), np.uint8))
                    top, left = BORDER + HIGH * row + 12, BORDER + wide * column + 6 + 44 * place
                    part = page[top : top + 56, left : left + 56]
                    np.maximum(part, digit, out=part)
        return 255 - page

    return draw


@pytest.mark.parametrize(("sides", "thick"), [(True, 2), (False, 2), (True, 1)])
def test_upright_lines_part_numbers_that_stand_close(digits, table, sides: bool, thick: int) -> None:
    page = digits.read(table(ROWS, wide=145, sides=sides, thick=thick))
    seen = [{number.column: number.text for number in line.numbers} for line in page.lines]
    assert seen == [{place: text for place, text in enumerate(row, 1) if text} for row in ROWS]


def test_a_form_with_a_digit_a_box_holds_one_number(digits, table) -> None:
    page = digits.read(table((("2", "7", "3", "0"),), wide=60))
    assert [(number.text, number.column) for number in page.numbers] == [("2730", None)]


def test_a_number_of_two_digits_before_numbers_of_one_is_parted(digits, compose) -> None:
    # Most gaps of the line are those between numbers.
    assert digits.read(compose("12 3 4 5", step=42)).text == "12 3 4 5"


def test_a_number_written_wide_stays_one(digits, compose) -> None:
    assert digits.read(compose("3 1 4 2", step=34)).text == "3142"
