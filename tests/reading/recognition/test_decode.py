"""What is cut and what is not."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from lenet5.reading.predictor import ReadingPredictor


def test_a_doubtful_pair_does_not_change_what_stands_apart_from_it(digits: ReadingPredictor, compose) -> None:
    apart = compose("3141592650", first=25)
    touching = compose("3141592650", first=25)
    left, pair = touching[:, :264], touching[:, 264:]  # the second half is pushed into the first, digit upon digit
    pushed = np.full_like(touching, 255)
    pushed[:, :264] = left
    pushed[:, 250 : 250 + pair.shape[1]] = np.minimum(pushed[:, 250 : 250 + pair.shape[1]], pair)
    plain, cut = digits.read(apart), digits.read(pushed)
    assert plain.text == cut.text == "3141592650"
    (whole,), (number,) = plain.numbers, cut.numbers
    assert not whole.alternatives
    assert number.alternatives
    assert all(len(each.text) >= 8 for each in number.alternatives), "alternatives are of the whole number"
    assert [digit.text for digit in number.digits] == list("3141592650")
    for place in (0, 1, 8, 9):
        sure = whole.digits[place].answers[0].probability
        assert number.digits[place].answers[0].probability == pytest.approx(sure, abs=1e-3)


def test_printed_words_are_not_cut_into_digits(digits: ReadingPredictor) -> None:
    for word in ("mountain", "Kehrwert", "MARKET"):
        page = Pillow.new("L", (600, 400), 250)
        ImageDraw.Draw(page).text((40, 150), word, fill=20, font_size=70)
        assert digits.read(page).text == ""


def test_a_texture_is_not_cut_into_strips(digits: ReadingPredictor) -> None:
    texture = (np.random.default_rng(1).random((400, 600)) < 0.55).astype(np.uint8) * 255
    assert digits.read(texture).text == ""
