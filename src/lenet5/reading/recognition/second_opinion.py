"""A second opinion on a number: the lattice and the space displacement network fail on different ones.

The lattice errs where a cut takes a piece of a stroke from one digit and gives it to the next; the network that is slid
along the line never cuts, but sees neighbours in every window. Each gives the numbers in question a posterior, and a
number is weighed by the product of both.
"""

from functools import cache

import numpy as np

from lenet5.inference.predictor import Predictor
from lenet5.models import shipped
from lenet5.reading.constraints import Constraint, anything, pattern
from lenet5.reading.recognition import alignment, sdnn
from lenet5.reading.recognition.lattice import Float, Lattice, Path, best, log_posteriors
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece

# These were found with benchmarks/fit_strings.py, on strings of training digits that no network has seen.
SURE = 0.95  # with this posterior the lattice asks nobody
CANDIDATES = 10
POWER = 0.25  # of the second's posterior: windows a column apart say nearly the same, and are no witnesses each
LEAST = -3.0  # log posterior that the lattice leaves to any number: no cut may have been right


@cache
def second_network(engine: str, device: str) -> Predictor:
    """Return the shipped network that is slid along lines, on an engine and device of these names."""
    return Predictor(shipped.read("space-displacement"), engine=engine, device=device)


def reweighed(
    number: list[Piece], found: Found, lattice: Lattice, weights: Float, constraint: Constraint | None, model: Predictor
) -> tuple[list[Path], list[float]]:
    """Return the numbers in question with their posteriors, the likeliest first: those of both opinions.

    lattice  of the number, with its weights (arcs, 10); there must be a path that fulfils the constraint
    model    the second: a network to be slid
    """
    line = sdnn.line_image(number, found, model.model.architecture.input[1])
    seen = sdnn.evidence(sdnn.at_every_column(line, model), model.class_names)
    other = "".join(str(run.digit) for run in alignment.aligned(seen))
    paths = candidates(lattice, weights, other, constraint)
    numbers = [path.text for path in paths]
    joint = product(log_posteriors(lattice, weights, numbers, constraint), alignment.log_posteriors(seen, numbers))
    order = np.argsort(-joint, kind="stable")
    return [paths[index] for index in order], [float(np.exp(joint[index])) for index in order]


def candidates(lattice: Lattice, weights: Float, other: str, constraint: Constraint | None) -> list[Path]:
    """Return the lattice's best paths, and the best that spells the other opinion, where there is one and it may be."""
    paths = best(lattice, weights, CANDIDATES, constraint)
    if not other or other in {path.text for path in paths} or not (constraint or anything()).allows(other):
        return paths
    return paths + best(lattice, weights, 1, pattern(other))


def product(first: Float, second: Float, power: float = POWER, least: float = LEAST) -> Float:
    """Return the logarithms of both opinions' posterior of each number, which together share 1.

    first   the lattice's, no lower than `least`
    second  the slid network's, weighed by `power`
    """
    if not np.isfinite(second).any():  # the line has too few windows for any of them
        second = np.zeros_like(second)
    joint = np.maximum(first, least) + power * second
    return np.asarray(joint - np.logaddexp.reduce(joint))
