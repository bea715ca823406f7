"""The deslanted and the reduced MNIST: shapes drawn by hand, and the real digits."""

from pathlib import Path

import numpy as np

from lenet5.data.datasets import load
from lenet5.data.standard import deslanted, reduced, slants


def stroke(lean: float) -> np.ndarray:
    """A stroke three pixels wide and 16 high, that leans `lean` columns to the right per line upwards."""
    image = np.zeros((1, 28, 28), np.uint8)
    for row in range(6, 22):
        middle = round(13.5 + lean * (13.5 - row))
        image[0, row, middle - 1 : middle + 2] = 255
    return image


def test_the_slant_of_a_stroke_is_how_far_it_leans() -> None:
    assert np.allclose(slants(stroke(0.5)), 0.5, atol=0.03)  # columns are whole
    assert np.allclose(slants(stroke(-0.25)), -0.25, atol=0.03)


def test_a_deslanted_stroke_stands_upright() -> None:
    columns = np.flatnonzero(deslanted(stroke(0.5))[0].max(axis=0) > 127)
    assert columns.min() >= 11
    assert columns.max() <= 16


def test_deslanted_digits_lie_in_the_middle_20x20() -> None:
    outside = np.ones((28, 28), bool)
    outside[4:24, 4:24] = False
    assert not deslanted(np.full((1, 28, 28), 255, np.uint8))[:, outside].any()


def test_a_blank_image_stays_blank() -> None:
    blank = np.zeros((2, 28, 28), np.uint8)
    assert not deslanted(blank).any()
    assert not reduced(blank).any()


def test_a_square_of_20_becomes_one_of_16() -> None:
    square = np.zeros((1, 28, 28), np.uint8)
    square[:, 4:24, 4:24] = 255
    ink = reduced(square)[0] > 127
    assert ink[6:22, 6:22].all()
    assert ink.sum() == 16 * 16


def test_both_sets_have_the_labels_of_mnist(mnist_folder: Path) -> None:
    regular = load("mnist", "test", mnist_folder)
    for name in ("mnist-deslanted", "mnist-16x16"):
        assert (load(name, "test", mnist_folder).labels == regular.labels).all()
    upright = load("mnist-deslanted", "test", mnist_folder).images
    assert np.abs(slants(upright)).mean() < 0.2 * np.abs(slants(regular.images)).mean()
