"""The suite of corrupted images: fixed, complete, and as hard as its names say."""

import hashlib

import numpy as np
import pytest

from lenet5.data.datasets import Images
from lenet5.inference.corruptions import SUITE, UNCHANGED, corrupted


@pytest.fixture
def data(random: np.random.Generator) -> Images:
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 6:22, 11:17] = 200  # a bar, thick enough to be thinned
    images[:, 9:12, 8:20] = 255
    return Images("made", "test", images, np.arange(40) % 10, tuple("0123456789"))


def degraded(data: Images) -> dict[str, np.ndarray]:
    return {name: np.asarray(images.images) for name, images in corrupted(data)}


def test_every_corruption_changes_every_image_and_nothing_else(data: Images) -> None:
    before = hashlib.sha256(data.images.tobytes()).hexdigest()
    for name, images in corrupted(data):
        assert images.images.shape == (40, 28, 28), name
        assert images.images.dtype == np.uint8
        assert np.array_equal(images.labels, data.labels)
        if name != UNCHANGED and name != "strokes broken":
            assert (images.images != data.images).any(axis=(1, 2)).all(), name
    assert hashlib.sha256(data.images.tobytes()).hexdigest() == before


def test_the_suite_is_the_same_every_time(data: Images) -> None:
    first, second = degraded(data), degraded(data)
    assert list(first) == [UNCHANGED, *(corruption.name for corruption in SUITE)]
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_they_do_what_they_say(data: Images) -> None:
    made = degraded(data)
    ink = {name: images.astype(float).sum() for name, images in made.items()}
    assert ink["thicker strokes"] > 1.2 * ink[UNCHANGED] > 1.2 * 1.2 * ink["thinner strokes"]
    assert ink["half as large"] == pytest.approx(ink[UNCHANGED] / 4, rel=0.1)
    assert ink["ink of 40 %"] == pytest.approx(0.4 * ink[UNCHANGED], rel=0.01)
    flipped = (made["10 % of the pixels inverted"] != made[UNCHANGED]).mean()
    assert flipped == pytest.approx(0.1, abs=0.01)
    centres = [np.average(np.arange(28), weights=image.sum(axis=1)) for image in made["moved by 4 pixels"]]
    before = np.average(np.arange(28), weights=made[UNCHANGED][0].sum(axis=1))
    assert np.abs(np.array(centres) - before) == pytest.approx(4, abs=0.1)
