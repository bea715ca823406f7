"""Numbers to train on: made of training digits and pen strokes, segmented as `lenet5 read` does.

The segmentation does not depend on the network, so each lattice is made once, and its images are scored again and
again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet5.data.datasets import Images
from lenet5.data.made import pens, strings, writers
from lenet5.data.made.strings import MadeString
from lenet5.reading.opening.pictures import pictures
from lenet5.reading.pipeline import find
from lenet5.reading.recognition.by_lattice import images
from lenet5.reading.recognition.lattice import Lattice, lattice
from lenet5.reading.segmentation.cuts import parts
from lenet5.seeds import stream

SPACINGS = (4, 2, 1, 0, -1, -2, -4)  # of the digits' boxes, in pixels of MNIST: apart, touching, overlapping
DRAWN = 3  # how often each digit of the writers is drawn, every time with another pen


@dataclass(frozen=True, eq=False)
class Example:
    """A number's lattice, its arcs as the network sees them, (arcs, 28, 28) uint8, and what the number is."""

    lattice: Lattice
    images: NDArray[np.uint8]
    label: str


def examples(mnist: Images, count: int, seed: int) -> Iterator[Example]:
    """Yield numbers of two to ten digits under the conditions of `data/made/strings.py`, `count` pictures in all.

    mnist  the digits of every second picture; those of the others are drawn from pen strokes

    Pictures in which no number is found yield nothing.
    """
    random = stream(seed, "lattices")
    sources = (mnist, by_pen(random))
    for number in range(count):
        spacing, condition = int(random.choice(SPACINGS)), str(random.choice(strings.CONDITIONS))
        made = strings.made_string(sources[number % 2], spacing, condition, number, seed=seed)
        if (example := segmented(made)) is not None:
            yield example


def segmented(made: MadeString) -> Example | None:
    """Return a picture's number as a lattice; None where no ink is found."""
    found = find(next(iter(pictures(made.image))))
    pieces = sorted((piece for line in found.lines for each in line for piece in each), key=lambda piece: piece.left)
    if not pieces:
        return None
    own = lattice(parts(pieces, found.height), found.height)
    return Example(own, images([own], found), made.label)


def by_pen(random: np.random.Generator) -> Images:
    """Return the digits of 16 writers, each drawn `DRAWN` times."""
    paths = writers.paths()
    every = paths.some(np.tile(np.arange(len(paths.labels)), DRAWN))
    return Images("pen-strokes", "train", pens.written(every, random), every.labels, tuple("0123456789"))
