"""A fixed suite of corrupted test images, similar to MNIST-C (Mu and Gilmer 2019) but generated locally.

Each corruption changes every image of a set. Its random numbers come from a fixed seed, so the suite is the same for
every model and machine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.data.datasets import Images
from lenet5.data.distort import moved
from lenet5.seeds import stream

Pixels = NDArray[np.uint8]
SEED = 1998
UNCHANGED = "not corrupted"


@dataclass(frozen=True)
class Corruption:
    """A corruption: images (N, 28, 28) uint8, 0 = background, and a random generator -> corrupted images."""

    name: str
    degrade: Callable[[Pixels, np.random.Generator], Pixels]


def corrupted(data: Images) -> Iterator[tuple[str, Images]]:
    """Yield the unchanged set, then the set under each corruption in turn."""
    yield UNCHANGED, data
    for corruption in SUITE:
        degraded = corruption.degrade(np.asarray(data.images), stream(SEED, corruption.name))
        yield corruption.name, replace(data, images=degraded)


def _moved(**most: float) -> Callable[[Pixels, np.random.Generator], Pixels]:
    """Distort each image by plus or minus the given amplitudes; for the kinds see `data.distort.affine`."""

    def degrade(images: Pixels, random: np.random.Generator) -> Pixels:
        return moved(images, **{kind: ends * random.choice([-1, 1], len(images)) for kind, ends in most.items()})

    return degrade


def _small_and_moved(images: Pixels, random: np.random.Generator) -> Pixels:
    """Scale by 0.71, to a height of 14 pixels, and move up or down by 7, to the border of the image of 28 pixels."""
    return moved(images, scaling=0.5**0.5 - 1, down=7 * random.choice([-1, 1], len(images)))


def _scaled(factor: float) -> Callable[[Pixels, np.random.Generator], Pixels]:
    return lambda images, _: moved(images, scaling=factor - 1)


def _thicker(images: Pixels, _: np.random.Generator) -> Pixels:
    spread: Pixels = ndimage.maximum_filter(images, footprint=_cross()[None])
    return spread


def _thinner(images: Pixels, _: np.random.Generator) -> Pixels:
    worn: Pixels = ndimage.minimum_filter(images, footprint=np.ones((1, 2, 2)))
    return worn


def _cross() -> NDArray[np.bool_]:
    return ndimage.generate_binary_structure(2, 1)  # type: ignore[no-any-return]


def _blurred(images: Pixels, _: np.random.Generator) -> Pixels:
    soft: Pixels = ndimage.gaussian_filter(images, (0, 1.2, 1.2))
    return soft


def _noisy(images: Pixels, random: np.random.Generator) -> Pixels:
    return (images + random.normal(0, 50, images.shape)).round().clip(0, 255).astype(np.uint8)


def _inverted(share: float) -> Callable[[Pixels, np.random.Generator], Pixels]:
    def degrade(images: Pixels, random: np.random.Generator) -> Pixels:
        turned: Pixels = np.where(random.random(images.shape) < share, 255 - images, images)
        return turned

    return degrade


def _faint(images: Pixels, _: np.random.Generator) -> Pixels:
    return (images * 0.4).round().astype(np.uint8)


def _broken(images: Pixels, random: np.random.Generator) -> Pixels:
    """Erase a horizontal or vertical line, two pixels wide, in the middle third."""
    degraded = images.copy()
    at, across = random.integers(10, 17, len(images)), random.random(len(images)) < 0.5
    for image, place, lies in zip(degraded, at, across, strict=True):
        (image if lies else image.T)[place : place + 2] = 0
    return degraded


def _at_the_border(images: Pixels, random: np.random.Generator) -> Pixels:
    """Add the four middle columns of the next image of the set at the left or right border."""
    degraded = images.copy()
    left = random.random(len(images)) < 0.5
    neighbours = np.roll(images, 1, axis=0)
    degraded[left, :, :4] = np.maximum(degraded[left, :, :4], neighbours[left, :, 12:16])
    degraded[~left, :, -4:] = np.maximum(degraded[~left, :, -4:], neighbours[~left, :, 12:16])
    return degraded


SUITE = (
    Corruption("moved by 2 pixels", _moved(right=2, down=2)),
    Corruption("moved by 4 pixels", _moved(right=4, down=4)),
    Corruption("turned by 15 degrees", _moved(rotation=15)),
    Corruption("turned by 30 degrees", _moved(rotation=30)),
    Corruption("slanted by a third", _moved(shearing=1 / 3)),
    Corruption("half as large", _scaled(0.5)),
    Corruption("0.71 as large", _scaled(0.5**0.5)),
    Corruption("0.71 as large, moved by half its height", _small_and_moved),
    Corruption("1.3 times as large", _scaled(1.3)),
    Corruption("1.41 times as large", _scaled(2**0.5)),
    Corruption("thicker strokes", _thicker),
    Corruption("thinner strokes", _thinner),
    Corruption("blurred", _blurred),
    Corruption("noise of 50 levels", _noisy),
    Corruption("5 % of the pixels inverted", _inverted(0.05)),
    Corruption("10 % of the pixels inverted", _inverted(0.10)),
    Corruption("ink of 40 %", _faint),
    Corruption("strokes broken", _broken),
    Corruption("a neighbour at the border", _at_the_border),
)
