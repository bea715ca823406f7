"""Made strings of digits, read by every method of `lenet5 read` and by Tesseract: shares read exactly.

    python benchmarks/strings.py --length 5 --count 20 [--tesseract]   strings of test digits: measures
    python benchmarks/strings.py --length 5 --count 20 --tune          of training digits that no reader's network saw

What is tuned, is tuned on the second; benchmarks/fit_strings.py fits the numbers.
"""

import argparse
import io
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np
from PIL import Image

import lenet5
from lenet5.data import datasets
from lenet5.data.datasets import Images
from lenet5.data.made import strings
from lenet5.inference.predictor import Predictor
from lenet5.reading.opening.arrays import Pixels
from lenet5.reading.reader import DEFAULT, DEFAULTS, Reader
from lenet5.reading.recognition.decode import METHODS

TEST_SEED, TUNING_SEED = 1, 77
UNSEEN = range(55_000, 60_000)  # the validation digits of all networks that read
GROUPS = {"apart (+8 to +1)": (8, 6, 4, 2, 1), "touching (0 to -2)": (0, -1, -2), "overlapping (-4, -6)": (-4, -6)}
Right = dict[tuple[str, str, int], list[bool]]  # by reader, condition and spacing


def digits_to_tune_on() -> Images:
    return datasets.load("mnist", "train").cut(UNSEEN.start, UNSEEN.stop, "validation")


def by_reader(image: Pixels, reader: Reader) -> str:
    """Read as `lenet5 read` does. Spaces do not count."""
    return "".join(reader.read(image).text.split())


def by_tesseract(image: Pixels) -> str:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    command = ["tesseract", "-", "-", "--psm", "7", "-c", "tessedit_char_whitelist=0123456789"]
    done = subprocess.run(command, input=content.getvalue(), capture_output=True, check=True)
    return "".join(done.stdout.decode().split())


def readers(model: Predictor, tesseract: bool) -> dict[str, Callable[[Pixels], str]]:
    own = {method: lenet5.load(DEFAULTS[method]) if method in DEFAULTS else model for method in METHODS}
    found: dict[str, Callable[[Pixels], str]] = {
        f"lenet5 read --method {method}": partial(by_reader, reader=Reader(each, method=method))
        for method, each in own.items()
    }
    if tesseract:
        found["tesseract"] = by_tesseract
    return found


def print_shares(name: str, right: Right, conditions: list[str]) -> None:
    print(f"\n{name}: percent read exactly, by condition and spacing\n")
    print("| condition |" + "".join(f" {spacing:+d} |" for spacing in strings.SPACINGS) + " mean |")
    print("|---|" + "--:|" * (len(strings.SPACINGS) + 1))
    for condition in conditions:
        cells = [100 * np.mean(right[name, condition, spacing]) for spacing in strings.SPACINGS]
        print(f"| {condition} |" + "".join(f" {cell:.0f} |" for cell in [*cells, np.mean(cells)]))
    for condition in ["every condition", *conditions]:
        chosen = conditions if condition == "every condition" else [condition]
        sums = [
            [answer for each in chosen for spacing in group for answer in right[name, each, spacing]]
            for group in GROUPS.values()
        ]
        shares = [f"{group} {100 * np.mean(own):.1f} of {len(own)}" for group, own in zip(GROUPS, sums, strict=True)]
        print(f"{condition}: {', '.join(shares)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT, help="for the lattice")
    parser.add_argument("--count", type=int, default=10, help="strings of each spacing and condition")
    parser.add_argument("--length", type=int, help="digits in each; without it 2 to 10")
    parser.add_argument("--conditions", nargs="+", choices=strings.CONDITIONS, default=list(strings.CONDITIONS))
    parser.add_argument("--tune", action="store_true", help="strings of training digits, not of test digits")
    parser.add_argument("--tesseract", action="store_true")
    given = parser.parse_args()
    if given.tesseract and not shutil.which("tesseract"):
        parser.error("tesseract is not installed: apt-get install tesseract-ocr")
    data = digits_to_tune_on() if given.tune else datasets.load("mnist", "test")
    seed = TUNING_SEED if given.tune else TEST_SEED
    each_reader = readers(lenet5.load(given.model), given.tesseract)
    right: Right = defaultdict(list)
    for condition, spacing, number in product(given.conditions, strings.SPACINGS, range(given.count)):
        made = strings.made_string(data, spacing, condition, number, seed=seed, length=given.length)
        for name, read in each_reader.items():
            right[name, condition, spacing].append(read(made.image) == made.label)
    for name in each_reader:
        print_shares(name, right, given.conditions)


if __name__ == "__main__":
    main()
