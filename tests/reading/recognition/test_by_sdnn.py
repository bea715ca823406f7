"""Numbers read by the space displacement network, as `lenet5 read --method space-displacement` does."""

from pathlib import Path

import numpy as np
import pytest

from lenet5 import api
from lenet5.data.datasets import load
from lenet5.data.made import strings
from lenet5.errors import ModelError, ReadingError
from lenet5.reading.constraints import parse
from lenet5.reading.reader import Reader
from lenet5.reading.recognition.decode import SLIDING


@pytest.fixture(scope="module")
def sliding() -> Reader:
    return Reader(api.load("space-displacement"), method=SLIDING)


def share_right(reader: Reader, mnist_folder: Path, spacing: int) -> float:
    """Return the share of ten strings of five training digits that are read exactly."""
    data = load("mnist", "train", mnist_folder)
    made = [strings.made_string(data, spacing, "plain", number, seed=5, length=5) for number in range(10)]
    return float(np.mean(["".join(reader.read(each.image).text.split()) == each.label for each in made]))


def test_digits_that_overlap_are_read_where_no_cut_is_right(sliding: Reader, mnist_folder: Path) -> None:
    assert share_right(sliding, mnist_folder, 2) >= 0.7
    assert share_right(sliding, mnist_folder, -4) >= 0.5


def test_each_digit_has_its_box_its_answers_and_its_window(sliding: Reader, compose) -> None:
    page = sliding.read(compose("314", "592"))
    assert page.text == "314\n592"
    for line in page.lines:
        (number,) = line.numbers
        assert number.box.left == number.digits[0].box.left
        assert number.box.right == number.digits[-1].box.right
        for one, other in zip(number.digits[:-1], number.digits[1:], strict=True):
            assert one.box.left < one.box.right <= other.box.left
        for digit in number.digits:
            assert digit.image.shape == (28, 28)
            assert digit.image[:, 10:18].max() > 200, "its ink is in the middle of its window"
            assert len(digit.answers) == 3
            assert digit.answers[0].probability > 0.5 > digit.answers[1].probability


def test_the_method_of_single_digits_and_the_slid_one_agree_on_digits_apart(sliding: Reader, digits, compose) -> None:
    page = compose("27 41", step=60)
    boxes = [[digit.box for number in reader.read(page).numbers for digit in number.digits]
             for reader in (sliding, Reader(digits))]  # fmt: skip
    assert len(boxes[0]) == 4
    for one, other in zip(*boxes, strict=True):
        assert max(abs(one.left - other.left), abs(one.right - other.right)) <= 6


def test_white_paper_is_nothing(sliding: Reader) -> None:
    assert sliding.model.class_names[int(sliding.model.predict(np.zeros((28, 28), np.uint8))[0])] == "not a digit"


def test_a_constraint_and_an_unknown_method_are_refused() -> None:
    model = api.load("space-displacement")
    with pytest.raises(ReadingError, match=r"cannot hold to length 4\.\.4; leave that out, or take combined"):
        Reader(model, method=SLIDING, constraint=parse("length 4"))
    with pytest.raises(ReadingError, match='no method "slide"; there are combined, lattice, space-displacement'):
        Reader(model, method="slide")


def test_a_network_that_pads_inside_cannot_be_slid(compose) -> None:
    with pytest.raises(ModelError, match=r"pads|rows are left"):
        Reader(api.load("archaeology"), method=SLIDING).read(compose("31"))
