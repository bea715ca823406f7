"""Made strings of digits, read by `lenet5 read` in both ways, the lattice alone and Tesseract: shares read exactly.

    python benchmarks/strings.py [--count 10] [--length 5] [--tesseract]   strings of test digits: measures
    python benchmarks/strings.py --slide [--sliding MODEL]                 the space displacement network, too
    python benchmarks/strings.py --fit 5                                   strings of training digits: fits the weighing
    python benchmarks/strings.py --fit-slide 20                            the same for the alignment automaton

The first fit is discriminative forward training (LeCun 1998, section VI): it raises the posterior of the right
string, the sum over all paths that spell it, against the sum over all paths. The network stays as it is.
The second tries what a digit's beginning may cost, and prints how many strings are read exactly.
"""

import argparse
import io
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from itertools import product

import numpy as np
from PIL import Image
from scipy.optimize import minimize

import lenet5
from lenet5.data import datasets, strings
from lenet5.data.datasets import Images
from lenet5.inference.predictor import Predictor
from lenet5.reading import sdnn, touching
from lenet5.reading.arrays import Pixels
from lenet5.reading.constraints import pattern
from lenet5.reading.cuts import parts
from lenet5.reading.decode import SLIDING
from lenet5.reading.lattice import Float, Lattice, lattice, shares, total
from lenet5.reading.pieces import Piece
from lenet5.reading.pipeline import Found, find
from lenet5.reading.reader import DEFAULT, DEFAULTS, Reader
from lenet5.reading.source import pictures

SEED = 1
HOPELESS = 15.0  # -log(posterior)
CHANGES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)  # of the alignment automaton: what is tried
DECAY = 0.003  # on the weighing's distance from its start


def found_in(image: Pixels) -> tuple[Found, list[Piece]]:
    """Return what a picture holds, all of its pieces as one number."""
    found = find(next(iter(pictures(image))))
    pieces = [piece for line in found.lines for number in line for piece in number]
    return found, sorted(pieces, key=lambda piece: piece.left)


def by_reader(image: Pixels, reader: Reader) -> str:
    """Read as `lenet5 read` does: sure pieces as they stand, the lattice for other numbers. Spaces do not count."""
    return "".join(reader.read(image).text.split())


def by_lattice(image: Pixels, model: Predictor) -> str:
    found, pieces = found_in(image)
    return touching.read_number(pieces, found, model, n_best=1).text if pieces else ""


def by_tesseract(image: Pixels) -> str:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    command = ["tesseract", "-", "-", "--psm", "7", "-c", "tessedit_char_whitelist=0123456789"]
    done = subprocess.run(command, input=content.getvalue(), capture_output=True, check=True)
    return "".join(done.stdout.decode().split())


def measure(
    data: Images,
    model: Predictor,
    conditions: list[str],
    count: int,
    length: int | None,
    sliding: Predictor | None,
    tesseract: bool,
) -> None:
    reader = Reader(model)
    readers: dict[str, Callable[[Pixels], str]] = {
        "lenet5 read": lambda image: by_reader(image, reader),
        "lattice": lambda image: by_lattice(image, model),
    }
    if sliding:
        slider = Reader(sliding, method=SLIDING)
        readers[f"lenet5 read --method {SLIDING}"] = lambda image: by_reader(image, slider)
    if tesseract:
        readers["tesseract"] = by_tesseract
    right: dict[tuple[str, str, int], list[bool]] = defaultdict(list)
    for condition, spacing, number in product(conditions, strings.SPACINGS, range(count)):
        made = strings.made_string(data, spacing, condition, number, seed=SEED, length=length)
        for name, read in readers.items():
            right[name, condition, spacing].append(read(made.image) == made.label)
    for name in readers:
        print(f"\n{name}: percent read exactly, {count} strings of each\n")
        print("| condition |" + "".join(f" {spacing:+d} |" for spacing in strings.SPACINGS) + " mean |")
        print("|---|" + "--:|" * (len(strings.SPACINGS) + 1))
        for condition in conditions:
            cells = [100 * np.mean(right[name, condition, spacing]) for spacing in strings.SPACINGS]
            print(f"| {condition} |" + "".join(f" {cell:.0f} |" for cell in [*cells, np.mean(cells)]), flush=True)


def fit(data: Images, model: Predictor, count: int) -> None:
    columns = touching.digit_columns(model.model.card.class_names)
    examples: list[tuple[Lattice, Float, str]] = []
    for made in strings.made_strings(data, count=count, seed=SEED):
        found, pieces = found_in(made.image)
        if pieces:
            each = lattice(parts(pieces, found.height), found.height)
            scores = model.scores(touching.images([each], found))
            examples.append((each, touching.evidence(each, scores, columns), made.label))
    start = touching.WEIGHING
    # Strings that no path can spell, or only against all that the network says, teach nothing good.
    usable = [
        one for one in examples if total(one[0], w := one[1] @ start) - total(one[0], w, pattern(one[2])) < HOPELESS
    ]
    print(f"{len(usable)} of {len(examples)} strings have a path", flush=True)

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


def fit_slide(data: Images, model: Predictor, conditions: list[str], count: int) -> None:
    side, names = model.model.architecture.input[1], model.class_names
    examples: list[tuple[Float, str]] = []
    for condition, spacing, number in product(conditions, strings.SPACINGS, range(count)):
        made = strings.made_string(data, spacing, condition, number, seed=SEED, length=5)
        found, pieces = found_in(made.image)
        if pieces:
            scores = sdnn.at_every_column(sdnn.line_image(pieces, found, side), model.model)
            examples.append((sdnn.evidence(scores, names), made.label))
    for change in CHANGES:
        right = [_spelt(seen, change) == label for seen, label in examples]
        print(f"change {change}: {100 * np.mean(right):.1f} % of {len(right)} strings", flush=True)


def _spelt(seen: Float, change: float) -> str:
    return "".join(str(run.digit) for run in sdnn.aligned(seen, change))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--length", type=int)
    parser.add_argument("--conditions", nargs="+", choices=strings.CONDITIONS, default=list(strings.CONDITIONS))
    parser.add_argument("--slide", action="store_true", help="read by the space displacement network, too")
    parser.add_argument("--sliding", default=DEFAULTS[SLIDING], metavar="MODEL", help="the network that is slid")
    parser.add_argument("--tesseract", action="store_true")
    parser.add_argument("--fit", type=int, metavar="COUNT")
    parser.add_argument("--fit-slide", type=int, metavar="COUNT")
    given = parser.parse_args()
    if given.tesseract and not shutil.which("tesseract"):
        parser.error("tesseract is not installed: apt-get install tesseract-ocr")
    if given.fit_slide:
        fit_slide(datasets.load("mnist", "train"), lenet5.load(given.sliding), given.conditions, given.fit_slide)
        return
    model = lenet5.load(given.model)
    if given.fit:
        fit(datasets.load("mnist", "train"), model, given.fit)
    else:
        measure(
            datasets.load("mnist", "test"),
            model,
            given.conditions,
            given.count,
            given.length,
            lenet5.load(given.sliding) if given.slide else None,
            given.tesseract,
        )


if __name__ == "__main__":
    main()
