"""Numbers whose digits may touch: pieces in, digits with posteriors out, all arcs of a picture scored at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.inference.predictor import Predictor
from lenet5.reading.constraints import Constraint
from lenet5.reading.cuts import parts
from lenet5.reading.lattice import Float, Lattice, best, lattice, posterior
from lenet5.reading.mnist import mnist_image
from lenet5.reading.page import Answer, Box
from lenet5.reading.pieces import Piece
from lenet5.reading.pipeline import Found

ANSWERS = 3
# How much the parts of an arc's weight count: log probability of the digit; log(sum of exp(scores)), which is low for
# what is unlike any digit; then `lattice.features`. Fitted by: benchmarks/strings.py --model digits --fit 2
WEIGHING = np.array(
    [0.645, 0.255, -2.697, -0.605, -2.484, 0.357, 1.569, -0.945, -3.788, 0.475, -3.985, -0.501]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class NumberDigit:
    """One digit of a number.

    piece    its ink, cut where it touched another
    answers  the three best of the network, the best first; `text` is the lattice's choice, mostly the first of them
    margin   by how much the best score leads the second best
    """

    text: str
    piece: Piece
    box: Box
    answers: tuple[Answer, ...]
    margin: float


@dataclass(frozen=True)
class Alternative:
    """Another reading of the whole number, and its posterior 0..1."""

    text: str
    posterior: float


@dataclass(frozen=True, eq=False)
class NumberReading:
    """A number as the lattice reads it; without digits where no path fulfils the constraint.

    posterior     of the best reading, 0..1
    alternatives  the next best readings
    """

    digits: tuple[NumberDigit, ...]
    posterior: float
    alternatives: tuple[Alternative, ...]

    @property
    def text(self) -> str:
        """The best reading."""
        return "".join(digit.text for digit in self.digits)


def read_number(
    pieces: list[Piece], found: Found, model: Predictor, constraint: Constraint | None = None, n_best: int = 3
) -> NumberReading:
    """Return what one number says.

    pieces      its connected ink, from left to right
    found       the picture they were found in
    constraint  what the number must be like
    n_best      readings, the best among them
    """
    return read_numbers([pieces], found, model, constraint, n_best)[0]


def read_numbers(
    numbers: list[list[Piece]], found: Found, model: Predictor, constraint: Constraint | None = None, n_best: int = 3
) -> list[NumberReading]:
    """Return what the numbers of a picture say; the network runs once, on all arcs of all of them."""
    lattices = [lattice(parts(number, found.height), found.height) for number in numbers]
    scores = model.scores(images(lattices, found))
    result, done = [], 0
    for each in lattices:
        own = scores[done : done + len(each.arcs)]
        done += len(each.arcs)
        result.append(_reading(each, own, model.model.card.class_names, found, constraint, n_best))
    return result


def images(lattices: list[Lattice], found: Found) -> NDArray[np.uint8]:
    """Return every arc as the network sees it, (arcs, 28, 28)."""
    each = [mnist_image(found.patch(arc.piece)) for lattice in lattices for arc in lattice.arcs]
    return np.stack(each) if each else np.empty((0, 28, 28), np.uint8)


def evidence(lattice: Lattice, scores: NDArray[np.float32], columns: list[int]) -> Float:
    """Return (arcs, 10, len(WEIGHING)): what is weighed for each arc and digit. columns: of the digits, in `scores`."""
    wide = scores.astype(np.float64)
    whole = np.logaddexp.reduce(wide[:, columns], axis=1)
    # A class "not a digit" takes its share of the probability, so it needs no term of its own.
    shares = (wide - np.logaddexp.reduce(wide, axis=1)[:, None])[:, columns]
    own = np.array([arc.features for arc in lattice.arcs])
    same = np.column_stack([whole, own])[:, None]
    return np.concatenate([shares[..., None], np.broadcast_to(same, (len(wide), 10, same.shape[2]))], axis=2)


def digit_columns(names: tuple[str, ...]) -> list[int]:
    """Return where the ten digits stand among a model's classes."""
    return [names.index(str(digit)) for digit in range(10)]


def _reading(each: Lattice, scores: NDArray[np.float32], names: tuple[str, ...], found: Found,
             constraint: Constraint | None, n_best: int) -> NumberReading:  # fmt: skip
    weights = evidence(each, scores, digit_columns(names)) @ WEIGHING if each.arcs else np.empty((0, 10))
    paths = best(each, weights, n_best, constraint) if each.arcs else []
    if not paths:
        return NumberReading((), 0.0, ())
    readings = [Alternative(path.text, posterior(each, weights, path.text, constraint)) for path in paths]
    shares, margins = metrics.softmax(scores), metrics.margin(scores)
    digits = []
    for place, text in zip(paths[0].arcs, paths[0].text, strict=True):
        piece = each.arcs[place].piece
        order = np.argsort(-scores[place], kind="stable")[:ANSWERS]
        answers = tuple(Answer(names[index], float(shares[place, index])) for index in order)
        digits.append(NumberDigit(text, piece, found.box([piece]), answers, float(margins[place])))
    return NumberReading(tuple(digits), readings[0].posterior, tuple(readings[1:]))
