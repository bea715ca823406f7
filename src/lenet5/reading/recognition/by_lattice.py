"""Numbers whose digits may touch: pieces in, digits with posteriors out, all arcs of a picture scored at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.inference.predictor import Predictor
from lenet5.reading.constraints import Constraint
from lenet5.reading.page import Alternative, Answer, Digit
from lenet5.reading.recognition.lattice import CUT_ENDS, Float, Lattice, Path, best, lattice, log_posteriors
from lenet5.reading.recognition.mnist_form import mnist_image
from lenet5.reading.recognition.second_opinion import SURE, reweighed
from lenet5.reading.segmentation.cuts import parts
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece
from lenet5.spec.digits import NOT_A_DIGIT

ANSWERS = 3
# What is no digit with a higher probability is not given, however well it fits the number; ink that a cut parted looks
# odd, and is given up to a higher one.
NONE, NONE_CUT = 0.9, 0.99
# How much the parts of an arc's weight count: log probability of the digit; log(sum of exp(scores)), which is low for
# what is unlike any digit; then `lattice.features`. Fitted by: benchmarks/fit_strings.py
WEIGHING = np.array(
    [0.556, 0.288, -3.587, -0.969, -4.617, 1.096, 3.139, -1.306, -3.877, 1.184, -3.843, -0.825]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class NumberReading:
    """One reading of a number; without digits where no path fulfils the constraint.

    digits        the best reading; a digit's first answer is the one chosen, mostly the network's best, too
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


# Whether the second network is asked about a doubtful reading: the number's place among those read, and the reading.
Ask = Callable[[int, NumberReading], bool]


def read_numbers(
    numbers: list[list[Piece]], found: Found, model: Predictor, constraint: Constraint | None = None, *,
    n_best: int = 3, second: Predictor | None = None, ask: Ask | None = None,
) -> list[NumberReading]:  # fmt: skip
    """Return the readings of a picture's numbers. The network runs once, on all arcs of all numbers.

    numbers     the connected ink of each, from left to right
    found       the picture they were found in
    constraint  what every number must be like
    n_best      readings of a number, the best among them
    second      a network slid along a number where the lattice is in doubt, see `second_opinion.py`
    ask         which doubtful numbers it is asked about; all without it
    """
    lattices = [lattice(parts(number, found.height), found.height) for number in numbers]
    seen = images(lattices, found)
    scores = model.scores(seen)
    result, done = [], 0
    for place, (number, each) in enumerate(zip(numbers, lattices, strict=True)):
        own = slice(done, done + len(each.arcs))
        done += len(each.arcs)
        weights = evidence(each, scores[own], digit_columns(model.class_names)) @ WEIGHING if each.arcs else np.empty(0)
        paths = best(each, weights, n_best, constraint) if each.arcs else []
        if not paths:
            result.append(NumberReading((), 0.0, ()))
            continue
        shares = np.exp(log_posteriors(each, weights, [path.text for path in paths], constraint)).tolist()
        reading = _reading(paths, shares, n_best, each, seen[own], scores[own], model, found)
        if second and reading.posterior < SURE and (ask is None or ask(place, reading)):
            paths, shares = reweighed(number, found, each, weights, constraint, second)
            reading = _reading(paths, shares, n_best, each, seen[own], scores[own], model, found)
        result.append(reading)
    return result


def _reading(paths: list[Path], shares: list[float], n_best: int, lattice: Lattice, seen: NDArray[np.uint8],
             scores: NDArray[np.float32], model: Predictor, found: Found) -> NumberReading:  # fmt: skip
    """Return the reading of paths with their posteriors, the likeliest first."""
    others = zip(paths[1:n_best], shares[1:n_best], strict=True)
    alternatives = tuple(Alternative(path.text, share) for path, share in others)
    return NumberReading(_digits(paths[0], lattice, seen, scores, model, found), shares[0], alternatives)


def images(lattices: list[Lattice], found: Found) -> NDArray[np.uint8]:
    """Return every arc as the network sees it, (arcs, 28, 28)."""
    each = [mnist_image(found.patch(arc.piece)) for lattice in lattices for arc in lattice.arcs]
    return np.stack(each) if each else np.empty((0, 28, 28), np.uint8)


def evidence(lattice: Lattice, scores: NDArray[np.float32], columns: list[int]) -> Float:
    """Return (arcs, len(columns), len(WEIGHING)): what is weighed for each arc and class of `columns`."""
    wide = scores.astype(np.float64)
    whole = np.logaddexp.reduce(wide[:, columns], axis=1)
    # A class "not a digit" takes its share of the probability, so it needs no term of its own.
    shares = metrics.log_softmax(wide)[:, columns]
    own = np.array([arc.features for arc in lattice.arcs])
    same = np.column_stack([whole, own])[:, None]
    return np.concatenate([shares[..., None], np.broadcast_to(same, (*shares.shape, same.shape[2]))], axis=2)


def digit_columns(names: tuple[str, ...]) -> list[int]:
    """Return where the ten digits stand among a model's classes."""
    return [names.index(str(digit)) for digit in range(10)]


def _digits(path: Path, lattice: Lattice, seen: NDArray[np.uint8], scores: NDArray[np.float32], model: Predictor,
            found: Found) -> tuple[Digit, ...]:  # fmt: skip
    """Return the digits of a path; seen and scores are those of the lattice's arcs."""
    names = model.class_names
    shares, margins = metrics.softmax(scores / np.float32(model.temperature)), metrics.margin(scores)
    digits = []
    for place, text in zip(path.arcs, path.text, strict=True):
        others = [index for index in np.argsort(-scores[place], kind="stable") if names[index] != text]
        order = [names.index(text), *others[: ANSWERS - 1]]
        answers = tuple(Answer(names[index], float(shares[place, index])) for index in order)
        box = found.box([lattice.arcs[place].piece])
        none = float(shares[place, names.index(NOT_A_DIGIT)]) if NOT_A_DIGIT in names else 0.0
        whole = not lattice.arcs[place].features[CUT_ENDS]
        why = f"{NOT_A_DIGIT} (probability {none:.3f})" if none > (NONE if whole else NONE_CUT) else ""
        digits.append(Digit(box, answers, float(margins[place]), seen[place], why))
    return tuple(digits)
