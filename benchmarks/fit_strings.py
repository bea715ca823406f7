"""Fit the weights of reading numbers on made strings of training digits that no reader's network saw.

    python benchmarks/fit_strings.py weighing   what counts how much in the lattice (reading/recognition/by_lattice.py)
    python benchmarks/fit_strings.py change     what a digit's beginning costs (reading/recognition/alignment.py)
    python benchmarks/fit_strings.py second     how the two opinions are joined (reading/recognition/second_opinion.py)

The first is discriminative forward training (LeCun 1998, section VI): it raises the posterior of the right string, the
sum over all paths that spell it, against the sum over all paths. The other two are tables of what was tried, with how
many strings each reads exactly. The networks stay as they are.
"""

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy.optimize import minimize
from strings import TUNING_SEED, digits_to_tune_on

import lenet5
from lenet5.data.made import strings
from lenet5.inference.predictor import Predictor
from lenet5.lattice_training.train import HOPELESS
from lenet5.reading.constraints import pattern
from lenet5.reading.opening.pictures import pictures
from lenet5.reading.pipeline import find
from lenet5.reading.reader import DEFAULT, DEFAULTS
from lenet5.reading.recognition import alignment, by_lattice, sdnn, second_opinion
from lenet5.reading.recognition.decode import SLIDING
from lenet5.reading.recognition.lattice import Float, Lattice, lattice, log_posteriors, shares, total
from lenet5.reading.segmentation.cuts import parts
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece

DECAY = 0.003  # on the weighing's distance from its start
CHANGES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
POWERS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.6)
LEASTS = (-1.0, -2.0, -3.0, -4.0, -5.0, -7.0)


def examples(count: int) -> Iterator[tuple[str, Found, list[Piece]]]:
    """Yield (label, what the picture holds, its pieces): half of the strings with five digits, half with two to ten."""
    unseen = digits_to_tune_on()
    for condition, spacing, place in product(strings.CONDITIONS, strings.SPACINGS, range(count)):
        made = strings.made_string(unseen, spacing, condition, place, seed=TUNING_SEED, length=5 if place % 2 else None)
        found = find(next(iter(pictures(made.image))))
        pieces = [piece for line in found.lines for number in line for piece in number]
        if pieces:
            yield made.label, found, sorted(pieces, key=lambda piece: piece.left)


def in_lattice(found: Found, pieces: list[Piece], model: Predictor) -> tuple[Lattice, Float]:
    """Return a number's lattice and what is weighed for each arc and digit."""
    own = lattice(parts(pieces, found.height), found.height)
    scores = model.scores(by_lattice.images([own], found))
    return own, by_lattice.evidence(own, scores, by_lattice.digit_columns(model.class_names))


def fit_weighing(model: Predictor, count: int) -> None:
    known = [(*in_lattice(found, pieces, model), label) for label, found, pieces in examples(count)]
    start = by_lattice.WEIGHING
    # Strings that no path can spell, or only against all that the network says, teach nothing good.
    usable = [one for one in known if total(one[0], w := one[1] @ start) - total(one[0], w, pattern(one[2])) < HOPELESS]
    print(f"{len(usable)} of {len(known)} strings have a path", flush=True)

    def loss(weighing: Float) -> tuple[float, Float]:
        """Return the mean of -log(posterior of the right string), and its gradient."""
        value, slope = DECAY * float(np.square(weighing - start).sum()), 2 * DECAY * (weighing - start)
        for each, seen, label in usable:
            weights, right = seen @ weighing, pattern(label)
            value += (total(each, weights) - total(each, weights, right)) / len(usable)
            apart = shares(each, weights) - shares(each, weights, right)
            slope += np.tensordot(apart, seen, 2) / len(usable)
        return value, slope

    def report(weighing: Float) -> None:
        print(np.array2string(weighing, precision=3, separator=", "), flush=True)

    print(f"{loss(start)[0]:.4f} at the start", flush=True)
    done = minimize(loss, start, jac=True, method="L-BFGS-B", callback=report, options={"maxiter": 25})
    print(f"{done.fun:.4f} at the end")


def fit_change(sliding: Predictor, count: int) -> None:
    known = [(label, slid_evidence(found, pieces, sliding)) for label, found, pieces in examples(count)]
    for change in CHANGES:
        right = sum(_spelt(seen, change) == label for label, seen in known)
        print(f"change {change}: {right} of {len(known)} strings", flush=True)


def slid_evidence(found: Found, pieces: list[Piece], sliding: Predictor) -> Float:
    line = sdnn.line_image(pieces, found, sliding.model.architecture.input[1])
    return sdnn.evidence(sdnn.at_every_column(line, sliding), sliding.class_names)


def _spelt(seen: Float, change: float = alignment.CHANGE) -> str:
    return "".join(str(run.digit) for run in alignment.aligned(seen, change))


def fit_second(model: Predictor, sliding: Predictor, count: int) -> None:
    opinions: list[tuple[list[bool], Float, Float]] = []
    for label, found, pieces in examples(count):
        own, terms = in_lattice(found, pieces, model)
        weights, seen = terms @ by_lattice.WEIGHING, slid_evidence(found, pieces, sliding)
        numbers = [path.text for path in second_opinion.candidates(own, weights, _spelt(seen), None)]
        opinions.append(
            (
                [number == label for number in numbers],
                log_posteriors(own, weights, numbers),
                alignment.log_posteriors(seen, numbers),
            )
        )
    print(f"the right number is among the candidates for {sum(any(each[0]) for each in opinions)} of {len(opinions)}")
    print("least \\ power" + "".join(f"{power:7.2f}" for power in POWERS))
    for least in LEASTS:
        counts = [sum(_chosen(*each, power, least) for each in opinions) for power in POWERS]
        print(f"{least:13.1f}" + "".join(f"{right:7d}" for right in counts), flush=True)


def _chosen(is_right: list[bool], first: Float, other: Float, power: float, least: float) -> bool:
    """Whether the right number is the likeliest; where the lattice is sure, it asks nobody."""
    if first[0] >= np.log(second_opinion.SURE):
        return is_right[0]
    return is_right[int(np.argmax(second_opinion.product(first, other, power, least)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["weighing", "change", "second"])
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--sliding", default=DEFAULTS[SLIDING], metavar="MODEL", help="the network that is slid")
    parser.add_argument("--count", type=int, default=16, help="strings of each spacing and condition")
    given = parser.parse_args()
    model, sliding = lenet5.load(given.model), lenet5.load(given.sliding)
    if given.what == "weighing":
        fit_weighing(model, given.count)
    elif given.what == "change":
        fit_change(sliding, given.count)
    else:
        fit_second(model, sliding, given.count)


if __name__ == "__main__":
    main()
