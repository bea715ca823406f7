"""Numbers to train on: made of training digits and pen strokes, segmented as `lenet5 read` does; and what is none.

The segmentation does not depend on the network, so each lattice is made once, and its images are scored again and
again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet5.data.datasets import Images
from lenet5.data.made import not_digits, pens, strings, writers
from lenet5.data.made.not_digits import Digits
from lenet5.data.made.strings import MadeString
from lenet5.lattice_training.gradient import NOTHING
from lenet5.reading.opening.pictures import pictures
from lenet5.reading.pipeline import find
from lenet5.reading.recognition.by_lattice import images
from lenet5.reading.recognition.lattice import Lattice, lattice
from lenet5.reading.segmentation.cuts import parts
from lenet5.seeds import stream
from lenet5.spec.digits import NOT_A_DIGIT, SIDE

SPACINGS = (4, 2, 1, 0, -1, -2, -4)  # of the digits' boxes, in pixels of MNIST: apart, touching, overlapping
DRAWN = 3  # how often each digit of the writers is drawn, every time with another pen
CHARACTERS = 3000  # letters, and textures as large, of which words and strips are composed


@dataclass(frozen=True, eq=False)
class Example:
    """A number's lattice, its arcs as the network sees them, (arcs, 28, 28) uint8, and what the number is.

    label  the digits; `NOTHING` for a word or a texture
    marks  digits or letters
    """

    lattice: Lattice
    images: NDArray[np.uint8]
    label: str
    marks: int


def numbers(mnist: Images, count: int, seed: int) -> Iterator[Example]:
    """Yield numbers of two to ten digits under the conditions of `data/made/strings.py`, `count` pictures in all.

    mnist  the digits of every second picture; those of the others are drawn from pen strokes

    Pictures in which no number is found yield nothing.
    """
    random = stream(seed, "lattices")
    for made in _composed((mnist, by_pen(random)), count, seed, random):
        if (example := segmented(made.image, made.label, len(made.digits))) is not None:
            yield example


def words(count: int, seed: int) -> Iterator[Example]:
    """Yield words of printed letters and, every fourth picture, a strip of texture, under the same conditions."""
    random = stream(seed, "lattices without digits")
    nothing = Digits(np.empty((0, SIDE, SIDE), np.uint8), np.empty(0, np.int64))  # neither is made of digits
    letters, textures = (
        _of_no_class(make(nothing, CHARACTERS, random)) for make in (not_digits.letters, not_digits.textures)
    )
    for made in _composed((letters, letters, letters, textures), count, seed, random):
        if (example := segmented(made.image, NOTHING, len(made.digits))) is not None:
            yield example


def _composed(sources: Sequence[Images], count: int, seed: int, random: np.random.Generator) -> Iterator[MadeString]:
    """Yield `count` pictures, of one source after the other."""
    for number in range(count):
        spacing, condition = int(random.choice(SPACINGS)), str(random.choice(strings.CONDITIONS))
        yield strings.made_string(sources[number % len(sources)], spacing, condition, number, seed=seed)


def _of_no_class(images: NDArray[np.uint8]) -> Images:
    return Images("characters", "train", images, np.zeros(len(images), np.int64), (NOT_A_DIGIT,))


def segmented(image: NDArray[np.uint8], label: str, marks: int) -> Example | None:
    """Return what a picture (H, W) holds as one lattice; None where no ink is found."""
    found = find(next(iter(pictures(image))))
    pieces = sorted((piece for line in found.lines for each in line for piece in each), key=lambda piece: piece.left)
    if not pieces:
        return None
    own = lattice(parts(pieces, found.height), found.height)
    return Example(own, images([own], found), label, marks)


def by_pen(random: np.random.Generator) -> Images:
    """Return the digits of 16 writers, each drawn `DRAWN` times."""
    paths = writers.paths()
    every = paths.some(np.tile(np.arange(len(paths.labels)), DRAWN))
    return Images("pen-strokes", "train", pens.written(every, random), every.labels, tuple("0123456789"))
