"""Digits cut out along their ink, without any paper around them."""

from pathlib import Path

import numpy as np
import pytest

from lenet5.data import datasets
from lenet5.data.pixels import extent
from lenet5.reading.cut_close import NOTE
from lenet5.reading.predictor import ReadingPredictor
from lenet5.reading.reader import Reader


@pytest.mark.parametrize("bright", [True, False])
def test_a_digit_cut_to_its_ink_is_read_of_either_polarity(
    digits: ReadingPredictor, mnist_folder: Path, bright: bool
) -> None:
    reader, test = Reader(digits), datasets.load("mnist", "test", mnist_folder)
    right = noted = 0
    for image, label in zip(test.images[:40], test.labels[:40], strict=True):
        cut = image[extent(image > 128)].repeat(2, axis=0).repeat(2, axis=1)
        page = reader.read(cut if bright else 255 - cut)
        right += page.text == str(label)
        noted += NOTE in page.notes
        for digit in (digit for number in page.numbers for digit in number.digits):
            assert 0 <= digit.box.left < digit.box.right <= page.width == cut.shape[1]
            assert 0 <= digit.box.top < digit.box.bottom <= page.height == cut.shape[0]
    assert right >= 37, right
    assert noted


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_empty_picture_stays_empty(digits: ReadingPredictor, grey: int) -> None:
    page = Reader(digits).read(np.full((20, 16), grey, np.uint8))
    assert page.text == ""
    assert page.notes == ("the page is empty",)
