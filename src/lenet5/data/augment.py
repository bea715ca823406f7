"""Changed copies of images for training. What changes is drawn elsewhere, so nothing here is random."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray


def flipped(
    images: NDArray[np.uint8], which: NDArray[np.bool_], direction: Literal["horizontal", "vertical"]
) -> NDArray[np.uint8]:
    """Return the images with some of them mirrored.

    images     (N, H, W)
    which      (N,) True for an image to mirror
    direction  "horizontal" swaps left and right, "vertical" swaps top and bottom
    """
    axis = 2 if direction == "horizontal" else 1
    return np.where(which[:, None, None], np.flip(images, axis), images)
