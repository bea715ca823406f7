"""Mirrored images."""

import numpy as np

from lenet5.data.augment import flipped

IMAGES = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], np.uint8)


def test_horizontal_swaps_left_and_right() -> None:
    assert flipped(IMAGES, np.array([True, True]), "horizontal")[0].tolist() == [[2, 1], [4, 3]]


def test_vertical_swaps_top_and_bottom() -> None:
    assert flipped(IMAGES, np.array([True, True]), "vertical")[0].tolist() == [[3, 4], [1, 2]]


def test_only_the_chosen_images_change_and_the_originals_stay() -> None:
    before = IMAGES.copy()
    mirrored = flipped(IMAGES, np.array([False, True]), "horizontal")
    assert mirrored[0].tolist() == [[1, 2], [3, 4]]
    assert mirrored[1].tolist() == [[6, 5], [8, 7]]
    assert mirrored.dtype == np.uint8
    assert np.array_equal(IMAGES, before)
