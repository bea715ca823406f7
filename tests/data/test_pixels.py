import numpy as np

from lenet5.data.pixels import blocks, extent, resampled


def test_the_extent_of_ink_leaves_its_empty_border_out() -> None:
    ink = np.zeros((6, 8), bool)
    ink[1, 5] = ink[3, 2] = True
    assert extent(ink) == (slice(1, 4), slice(2, 6))
    assert ink[extent(np.zeros((6, 8), bool))].shape == (0, 0)


def test_an_image_halved_by_box_has_the_means_of_its_blocks() -> None:
    image = np.arange(24, dtype=np.float32).reshape(4, 6)
    means = blocks(image, 2).mean(axis=(1, 3))
    assert np.allclose(resampled(image, 2, 3, "box"), means)
    assert np.array_equal(means, [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]])
