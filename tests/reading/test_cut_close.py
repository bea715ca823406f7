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


def test_a_digit_that_spans_only_its_pictures_height_is_read(digits: ReadingPredictor, mnist_folder: Path) -> None:
    reader, test = Reader(digits), datasets.load("mnist", "test", mnist_folder)
    for image, label in zip(test.images[:60], test.labels[:60], strict=True):
        if label != 1:  # a 1 between two strips of paper may be the paper between two
            ink = image[extent(image > 128)]
            assert reader.read(np.pad(ink, ((0, 0), (3, 3)))).text == str(label)


def test_background_of_a_digit_cut_to_its_ink_is_no_digit(digits: ReadingPredictor, mnist_folder: Path) -> None:
    reader, test = Reader(digits), datasets.load("mnist", "test", mnist_folder)
    wrong = []
    for image, label in zip(test.images[:100], test.labels[:100], strict=True):
        cut = 255 - image[extent(image > 128)].repeat(3, axis=0).repeat(3, axis=1)
        wrong += [text for text in [reader.read(cut).text] if text not in ("", str(label))]
    assert len(wrong) <= 1, wrong


def test_digits_along_the_edge_of_a_number_cut_to_its_ink_are_read(
    digits: ReadingPredictor, mnist_folder: Path
) -> None:
    reader, test, random = Reader(digits), datasets.load("mnist", "test", mnist_folder), np.random.default_rng(0)
    right = 0
    for _ in range(20):
        chosen = random.integers(0, len(test.labels), 4)
        inks = [image[extent(image > 128)].repeat(2, axis=0).repeat(2, axis=1) for image in test.images[chosen]]
        highest = max(len(ink) for ink in inks)
        number = np.hstack([np.pad(ink, ((highest - len(ink), 0), (4, 4))) for ink in inks])
        right += reader.read(255 - number[extent(number > 128)]).text == "".join(map(str, test.labels[chosen]))
    assert right >= 19, right


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_empty_picture_stays_empty(digits: ReadingPredictor, grey: int) -> None:
    page = Reader(digits).read(np.full((20, 16), grey, np.uint8))
    assert page.text == ""
    assert page.notes == ("the page is empty",)
