"""Images of any size and polarity -> MNIST's form: (N, 28, 28) uint8, ink bright on a dark background."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lenet5.data.prepare import resized
from lenet5.spec.digits import SIDE

PADDED = SIDE + 4  # images that come with the two lines of padding that LeNet-5 adds
MIDDLE_GREY = 127.5

Bytes = NDArray[np.uint8]


def is_dark_on_light(images: Sequence[Bytes]) -> bool:
    """Return whether the border of most images is bright: ink on paper, in place of MNIST's white on black."""
    return float(np.median([_border(image).mean() for image in images])) > MIDDLE_GREY


def brought_to_form(images: Sequence[Bytes], *, inverted: bool) -> Bytes:
    """Return images (H, W) of any size as (N, 28, 28).

    28x28 stays as it is. 32x32 with two empty lines all around is MNIST's form with LeNet-5's padding, which is taken
    off. All else is made square with its background and stretched.
    """
    by_shape: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, image in enumerate(images):
        by_shape[image.shape].append(index)
    formed = np.empty((len(images), SIDE, SIDE), np.uint8)
    for shape, indices in by_shape.items():
        if shape == (SIDE, SIDE):
            for index in indices:  # no second copy of a large set
                formed[index] = 255 - images[index] if inverted else images[index]
            continue
        same = np.stack([images[index] for index in indices])
        formed[indices] = _fitted(255 - same if inverted else same)
    return formed


def _fitted(images: Bytes) -> Bytes:
    """Return images (N, H, W) of one size as (N, 28, 28)."""
    height, width = images.shape[1:]
    if height == width == PADDED and not _frame(images).any():
        return images[:, 2:-2, 2:-2]
    side = max(height, width)
    backgrounds = np.median([_border(image) for image in images], axis=1).astype(np.float32)
    square = np.broadcast_to(backgrounds[:, None, None], (len(images), side, side)).copy()
    top, left = (side - height) // 2, (side - width) // 2
    square[:, top : top + height, left : left + width] = images
    shrunk = side // SIDE
    if shrunk > 1:  # each pixel must count, so blocks are averaged before the bilinear step
        blocks = side // shrunk * shrunk
        square = square[:, :blocks, :blocks].reshape(len(images), blocks // shrunk, shrunk, -1, shrunk).mean((2, 4))
    return np.rint(resized(square, SIDE)).clip(0, 255).astype(np.uint8)


def _border(image: Bytes) -> Bytes:
    return np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])


def _frame(images: Bytes) -> Bytes:
    """Return the pixels of the two outermost lines on each side."""
    inside = np.zeros(images.shape[1:], bool)
    inside[2:-2, 2:-2] = True
    return images[:, ~inside]
