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
from lenet5.reading.page import Alternative, Answer, Digit
from lenet5.reading.pieces import Piece
from lenet5.reading.pipeline import Found

ANSWERS = 3
# How much the parts of an arc's weight count: log probability of the digit; log(sum of exp(scores)), which is low for
# what is unlike any digit; then `lattice.features`. Fitted by: benchmarks/strings.py --fit 5
WEIGHING = np.array(
    [0.674, 0.287, -3.687, -1.254, -4.256, 0.644, 2.480, -1.396, -3.839, 1.239, -3.889, -0.969]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class NumberReading:
    """A number as the lattice reads it; without digits where no path fulfils the constraint.

    digits        the best reading; a digit's first answer is the lattice's choice, mostly the network's best, too
    posterior     of the best reading, 0..1
    alternatives  the next best readings
    """

    digits: tuple[Digit, ...]
    posterior: float
    alternatives: tuple[Alternative, ...]

    @property
    def text(self) -> str:
        """The best reading."""
        return "".join(digit.answers[0].text for digit in self.digits)


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
    seen = images(lattices, found)
    scores = model.scores(seen)
    result, done = [], 0
    for each in lattices:
        own = slice(done, done + len(each.arcs))
        done += len(each.arcs)
        result.append(_reading(each, seen[own], scores[own], model, found, constraint, n_best))
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


def _reading(each: Lattice, seen: NDArray[np.uint8], scores: NDArray[np.float32], model: Predictor, found: Found,
             constraint: Constraint | None, n_best: int) -> NumberReading:  # fmt: skip
    names = model.class_names
    weights = evidence(each, scores, digit_columns(names)) @ WEIGHING if each.arcs else np.empty((0, 10))
    paths = best(each, weights, n_best, constraint) if each.arcs else []
    if not paths:
        return NumberReading((), 0.0, ())
    readings = [Alternative(path.text, posterior(each, weights, path.text, constraint)) for path in paths]
    shares, margins = metrics.softmax(scores / np.float32(model.temperature)), metrics.margin(scores)
    digits = []
    for place, text in zip(paths[0].arcs, paths[0].text, strict=True):
        others = [index for index in np.argsort(-scores[place], kind="stable") if names[index] != text]
        order = [names.index(text), *others[: ANSWERS - 1]]
        answers = tuple(Answer(names[index], float(shares[place, index])) for index in order)
        box = found.box([each.arcs[place].piece])
        digits.append(Digit(box, answers, float(margins[place]), seen[place]))
    return NumberReading(tuple(digits), readings[0].posterior, tuple(readings[1:]))
