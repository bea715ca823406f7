"""Images that are not digits, generated from digits: pairs, pieces, letters, textures, blanks.

Every function returns `count` images, (count, 28, 28) uint8, 0 = background, in the size that a reader's preparation
would give them: the longer side about 20 pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.data.distort import moved
from lenet5.data.made.printed_characters import printed
from lenet5.spec.digits import BOX, SIDE

Pixels = NDArray[np.uint8]
Random = np.random.Generator
# Not the letters that are written as digits are: O and 0, l and 1, S and 5, Z and 2, B and 8, G and 6, g q y and 9.
LETTERS = "ACEFHKLMNPRTUVWXadefhkmnprtuvwx" + "+-=%&#@*<>~^"
TURNED = (2, 3)  # lying on their sides these are no digits; a 7 or a 4 may be


@dataclass(frozen=True, eq=False)
class Digits:
    """What everything here is made of: images (N, 28, 28) uint8, and labels (N,)."""

    images: Pixels
    labels: NDArray[np.int64]

    def some(self, count: int, random: Random) -> Pixels:
        """Return `count` of them, drawn at random."""
        return self.images[random.integers(len(self.images), size=count)]


def pairs(digits: Digits, count: int, random: Random) -> Pixels:
    """Two digits side by side, apart or touching; one of four has a third."""
    members = [digits.some(count, random) for _ in range(3)]
    there = [np.ones(count, bool), np.ones(count, bool), random.random(count) < 0.25]
    widths = np.stack([np.where(here, _extent(each)[0], 0) for each, here in zip(members, there, strict=True)])
    gaps = random.uniform(-4, 4, count)
    total = widths.sum(axis=0) + gaps * (1 + there[2])
    scale = np.minimum(BOX / total, 1.0)
    result, left = np.zeros_like(members[0]), -total / 2
    for each, here, width in zip(members, there, widths, strict=True):
        shown = moved(each, scaling=scale - 1, right=scale * (left + width / 2))
        shown[~here] = 0
        np.maximum(result, shown, out=result)
        left = left + width + gaps
    return result


def one_and_a_piece(digits: Digits, count: int, random: Random) -> Pixels:
    """A digit with a good part of its neighbour, as a cut in the wrong place leaves it."""
    digit, other = (digits.some(count, random) for _ in range(2))
    side = random.choice([-1.0, 1.0], count)
    part = _cut(other, random, keep_left=side > 0, low=0.35, high=0.7)
    wide = _extent(digit)[0] / 2 + _extent(part)[0] / 2 + random.uniform(-2, 2, count)
    scale = np.minimum(BOX / (2 * wide), 1.0)
    apart = scale * wide / 2
    one = moved(digit, scaling=scale - 1, right=-side * apart)
    two = moved(part, scaling=scale - 1, right=side * apart - scale * _middle(part)[0])
    both: Pixels = np.maximum(one, two)
    return both


def pieces(digits: Digits, count: int, random: Random) -> Pixels:
    """A part of a digit, cut off by a steep line, as large as a digit. None as narrow as a 1."""
    found: list[Pixels] = []
    left = count
    while left > 0:
        chosen = digits.some(2 * count, random)
        part = _cut(chosen, random, keep_left=random.random(2 * count) < 0.5, low=0.25, high=0.55)
        width, height = _extent(part)
        wide = width > 0.45 * height
        part, width, height = part[wide], width[wide], height[wide]
        scale = BOX / np.maximum(width, height)
        x, y = _middle(part)
        found.append(moved(part, scaling=scale - 1, right=-scale * x, down=-scale * y)[:left])
        left -= len(found[-1])
    return np.concatenate(found)


def letters(_: Digits, count: int, random: Random) -> Pixels:
    """Printed letters and signs that are no digit's double."""
    return printed(LETTERS, count, random)


def lying(digits: Digits, count: int, random: Random) -> Pixels:
    """Digits turned by 90 degrees."""
    chosen = digits.images[random.choice(np.flatnonzero(np.isin(digits.labels, TURNED)), count)]
    left = random.random(count) < 0.5
    turned: Pixels = np.where(left[:, None, None], np.rot90(chosen, 1, (1, 2)), np.rot90(chosen, 3, (1, 2)))
    return turned


def textures(_: Digits, count: int, random: Random) -> Pixels:
    """Grain, fibres, stripes, blots: noise smoothed more or less, one way or both, as it is or by a threshold."""
    grain = random.standard_normal((count, SIDE, SIDE))
    kind = random.integers(5, size=count)
    for index, sigma in enumerate(((0.7, 0.7), (2.0, 2.0), (4.0, 4.0), (0.5, 6.0), (6.0, 0.5))):
        grain[kind == index] = ndimage.gaussian_filter(grain[kind == index], (0, *sigma))
    grain -= grain.min(axis=(1, 2), keepdims=True)
    grain /= grain.max(axis=(1, 2), keepdims=True)
    sharp = random.random((count, 1, 1)) < 0.6
    threshold = random.uniform(0.45, 0.8, (count, 1, 1))
    spread = np.where(sharp, grain > threshold, grain * random.uniform(0.3, 1, (count, 1, 1)))
    image: Pixels = np.rint(255 * spread).astype(np.uint8)
    return image


def blanks(_: Digits, count: int, random: Random) -> Pixels:
    """Nothing, specks, or a ruled line."""
    result = np.zeros((count, SIDE, SIDE), np.uint8)
    for image in result:
        kind = random.integers(4)
        if kind == 1:
            image[tuple(random.integers(0, SIDE, (2, int(random.integers(1, 8)))))] = 255
        elif kind == 2:
            at, thick = random.integers(2, SIDE - 4), random.integers(1, 3)
            image[at : at + thick] = random.integers(100, 256)
        elif kind == 3:
            x, y, size = *random.integers(4, SIDE - 8, 2), random.integers(2, 6)
            image[y : y + size, x : x + size] = random.integers(100, 256)
    return result


Maker = Callable[[Digits, int, Random], Pixels]
KINDS_OF: tuple[tuple[Maker, float], ...] = (
    (pairs, 0.25), (one_and_a_piece, 0.12), (pieces, 0.25), (letters, 0.2), (lying, 0.05), (textures, 0.09),
    (blanks, 0.04),
)  # fmt: skip


def not_digits(digits: Digits, count: int, random: Random) -> Pixels:
    """Return images of every kind, in their shares."""
    counts = [round(share * count) for _, share in KINDS_OF]
    counts[0] += count - sum(counts)
    made = [make(digits, each, random) for (make, _), each in zip(KINDS_OF, counts, strict=True)]
    return np.concatenate(made)


def _extent(images: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return width and height of the box around the ink, each (N,); 1 where there is none."""
    ink = images > 60
    return _length(np.any(ink, axis=1)), _length(np.any(ink, axis=2))


def _length(there: NDArray[np.bool_]) -> NDArray[np.float64]:
    first, last = there.argmax(axis=1), there.shape[1] - there[:, ::-1].argmax(axis=1)
    return np.where(there.any(axis=1), last - first, 1).astype(np.float64)


def _middle(images: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the centre of mass lies, seen from the middle of the image: x and y, each (N,)."""
    values = images.astype(np.float64)
    total = np.maximum(values.sum(axis=(1, 2)), 1)
    across = np.arange(SIDE) - (SIDE - 1) / 2
    return values.sum(axis=1) @ across / total, values.sum(axis=2) @ across / total


def _cut(images: Pixels, random: Random, *, keep_left: NDArray[np.bool_], low: float, high: float) -> Pixels:
    """Return what lies on one side of a steep line that leaves a share `low` to `high` of the digit's width."""
    N = len(images)
    columns: NDArray[np.bool_] = np.any(images > 60, axis=1)
    first = columns.argmax(axis=1).astype(np.float64)
    width = _length(columns)
    share = random.uniform(low, high, N)
    at = np.where(keep_left, first + share * width, first + (1 - share) * width)
    lean = random.uniform(-0.5, 0.5, N)
    across = np.arange(SIDE)
    edge = at[:, None] + lean[:, None] * (across - (SIDE - 1) / 2)  # (N, rows)
    left = across[None, None, :] < edge[:, :, None]
    kept: Pixels = np.where(left == keep_left[:, None, None], images, 0)
    return kept
