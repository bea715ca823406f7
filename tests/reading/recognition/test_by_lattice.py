from typing import Any

import numpy as np
import pytest

import lenet5
from lenet5.data.datasets import Images
from lenet5.data.made import strings
from lenet5.inference.predictor import Predictor
from lenet5.reading.constraints import parse
from lenet5.reading.opening.pictures import pictures
from lenet5.reading.pipeline import find
from lenet5.reading.recognition.by_lattice import NumberReading, read_numbers
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece


def read_number(pieces: list[Piece], found: Found, *rest: Any, **options: Any) -> NumberReading:
    return read_numbers([pieces], found, *rest, **options)[0]


@pytest.fixture(scope="module")
def model() -> Predictor:
    return lenet5.load("modern")


def number_of(image: np.ndarray) -> tuple[list[Piece], Found]:
    found = find(next(iter(pictures(image))))
    return sorted((p for line in found.lines for number in line for p in number), key=lambda p: p.left), found


@pytest.fixture(scope="module")
def apart() -> tuple[list[Piece], Found]:
    """The number 507, drawn of plain strokes: a five, a ring and a seven, 40 pixels high."""
    image = np.full((88, 160), 255, np.uint8)
    image[24:29, 24:48] = image[24:44, 24:29] = image[40:45, 24:48] = image[40:64, 43:48] = image[59:64, 24:48] = 0
    y, x = np.mgrid[:88, :160]
    ring = np.hypot((x - 76) / 13, (y - 44) / 20)
    image[(ring <= 1) & (ring >= 0.7)] = 0
    image[24:29, 104:130] = 0
    for row in range(24, 64):
        left = 127 - (row - 24) // 2
        image[row, left - 2 : left + 3] = 0
    return number_of(image)


def test_digits_apart_are_read_with_their_boxes(apart: tuple[list[Piece], Found], model: Predictor) -> None:
    reading = read_number(*apart, model)
    assert reading.text == "507"
    assert [digit.box.left for digit in reading.digits] == pytest.approx([24, 63, 104], abs=3)  # soft edges
    assert reading.digits[0].answers[0].text == "5"


def test_posteriors_are_ordered_and_share_1(apart: tuple[list[Piece], Found], model: Predictor) -> None:
    reading = read_number(*apart, model, n_best=4)
    all_of_them = [reading.posterior, *(each.posterior for each in reading.alternatives)]
    assert len(all_of_them) == 4
    assert all_of_them[0] == max(all_of_them)
    assert sum(all_of_them) <= 1


def test_a_constraint_changes_the_reading(apart: tuple[list[Piece], Found], model: Predictor) -> None:
    assert read_number(*apart, model, parse("pattern #0#")).text == "507"
    assert read_number(*apart, model, parse("pattern #06")).text[1:] == "06"


def test_no_digits_where_nothing_fulfils_the_constraint(apart: tuple[list[Piece], Found], model: Predictor) -> None:
    reading = read_number(*apart, model, parse("length 90"))
    assert (reading.text, reading.posterior, reading.alternatives) == ("", 0.0, ())


def test_several_numbers_read_as_each_alone(apart: tuple[list[Piece], Found], model: Predictor) -> None:
    pieces, found = apart
    together = read_numbers([pieces[:1], [], pieces[1:]], found, model)
    assert [each.text for each in together] == [
        read_number(part, found, model).text for part in (pieces[:1], [], pieces[1:])
    ]


def test_touching_digits_of_mnist_are_read(model: Predictor) -> None:
    from lenet5.data import datasets

    try:
        data: Images = datasets.load("mnist", "train")
    except lenet5.Lenet5Error:
        pytest.skip("mnist is not at hand")
    texts = []
    for number in range(10):
        made = strings.made_string(data, 0, "plain", number, seed=5, length=3)
        texts.append((made.label, read_number(*number_of(made.image), model).text))
    assert sum(label == text for label, text in texts) >= 6, texts
