"""Digits drawn of pen strokes and templates: MNIST's form, the same every time, readable."""

import numpy as np
import pytest

from lenet5 import api
from lenet5.data.made import pens, stroke_templates, writers
from lenet5.data.made.pens import POINTS, Paths, path


def one(*strokes: list[list[float]]) -> Paths:
    points, down = path([np.array(stroke) for stroke in strokes])
    return Paths(points[None], down[None], np.zeros(1, np.int64))


def test_the_pen_is_up_between_strokes_only() -> None:
    plus = one([[0, 5], [10, 5]], [[5, 0], [5, 10]])
    assert plus.points.shape == (1, POINTS, 2)
    assert (~plus.down).sum() == 1
    before, after = plus.points[0][np.flatnonzero(~plus.down[0])[0] + np.array([0, 1])]
    assert before.tolist() == [10, 5]
    assert after.tolist() == [5, 0]


def test_a_tap_of_the_pen_is_a_dot() -> None:
    image = pens.written(one([[3, 3]]), np.random.default_rng(0))[0]
    assert 0 < (image > 100).sum() < 30


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    paths = writers.paths()
    chosen = paths.some(np.random.default_rng(1).permutation(len(paths.labels))[:600])
    return pens.written(chosen, np.random.default_rng(2)), chosen.labels


def test_the_16_writers_wrote_every_digit_alike_often() -> None:
    counts = np.bincount(writers.paths().labels)
    assert len(counts) == 10
    assert counts.min() > 350


def test_drawn_digits_fill_mnists_box_in_the_middle(drawn) -> None:
    images, _ = drawn
    ink = images > 60
    high, wide = ink.any(axis=2).sum(axis=1), ink.any(axis=1).sum(axis=1)
    longer = np.maximum(high, wide)
    assert np.percentile(longer, [1, 99]).tolist() == pytest.approx([20, 21], abs=1)
    rows = (images.sum(axis=2) @ np.arange(28)) / images.sum(axis=(1, 2))
    assert np.percentile(np.abs(rows - 13.5), 99) < 1.5  # a stroke drawn twice weighs twice


def test_drawn_digits_are_readable_by_a_network_of_mnist(drawn) -> None:
    images, labels = drawn
    assert (api.load("modern").predict(images) == labels).mean() > 0.8


def test_drawing_is_the_same_for_one_seed() -> None:
    paths = stroke_templates.shaped(stroke_templates.DIGITS, 50, np.random.default_rng(3))
    again = stroke_templates.shaped(stroke_templates.DIGITS, 50, np.random.default_rng(3))
    first, second = (pens.written(each, np.random.default_rng(4)) for each in (paths, again))
    assert first.tobytes() == second.tobytes()
    assert set(paths.labels.tolist()) == {0, 1, 3, 4, 7, 8, 9}
