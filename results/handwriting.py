"""Keep how well handwriting that no network was trained on is read: results/handwriting.json.

python results/handwriting.py FOLDER [--half development] [--only NAME ...] [--wrong] [--by rapidocr]

FOLDER holds what there is of:

    */labels.csv                    labelled pictures: file, label; "/" parts the lines of a label
    pendigits/pendigits-train.gz    pen strokes, from which strings are drawn

Each source is parted by a hash of file name or writer into two halves. Choices are made on "development"; "held-out"
is only measured. Writers of pen strokes that the networks are trained on are in neither. MNIST's test digits, printed
letters and textures are measured whole. Without options the record is written. `--by rapidocr` reads the same pictures
by an open text recognizer of today (`rapid_ocr.py`), to compare with.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from rapid_ocr import RapidOcr
from scipy import stats
from strokes import Grey, PenDigit, drawn, line, pen_digits, trained_on

from lenet5 import api
from lenet5.data import datasets
from lenet5.data.made import strings
from lenet5.reading.reader import DEFAULT, Reader
from lenet5.reading.score import edit_distance

KEPT = Path(__file__).parent / "handwriting.json"
DEVELOPMENT, HELD_OUT, WHOLE = "development", "held-out", "whole"
Random = np.random.Generator


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture: what shows it in a list, the picture, and what is written in it."""

    name: str
    image: Any
    label: str


def half(name: str) -> str:
    """Return the half that a file or writer belongs to."""
    return HELD_OUT if sha256(name.encode()).digest()[0] % 2 else DEVELOPMENT


def labelled(folder: Path, chosen: str) -> Iterator[Sample]:
    """Yield the pictures of a half."""
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if half(row["file"]) == chosen:
                yield Sample(row["file"], folder / row["file"], row["label"].replace("/", ""))


def one_of(digits: list[PenDigit], random: Random) -> PenDigit:
    """Draw a digit."""
    return digits[int(random.integers(len(digits)))]


def written(digits: list[PenDigit], random: Random, count: int, height: float, pen: float) -> tuple[str, list[Grey]]:
    """Return a number of one writer, and its digits' ink."""
    writer = one_of(digits, random).writer
    chosen = [one_of([each for each in digits if each.writer == writer], random) for _ in range(count)]
    inks = [drawn(each, height * random.uniform(0.85, 1.1), pen) for each in chosen]
    return "".join(str(each.label) for each in chosen), inks


def paper(ink: Grey, random: Random, *, depth: float = 0.85, noise: float = 2.0) -> Grey:
    """Return dark ink on grainy paper."""
    return np.clip(240 - depth * ink + random.normal(0, noise, ink.shape), 0, 255).astype(np.uint8)


def number(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    """Return a number of 3 to 6 digits and its picture: any pen, ink and spacing."""
    height, count = random.uniform(30, 60), int(random.integers(3, 7))
    label, inks = written(digits, random, count, height, height * random.uniform(0.05, 0.16))
    return label, line(inks, round(height * random.uniform(0.1, 0.4)), random, margin=round(height / 2))


def plain_number(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    label, ink = number(digits, random)
    return label, paper(ink, random)


def tablet(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    label, inks = written(digits, random, 1, random.uniform(60, 200), 8)
    return label, 255 - np.pad(inks[0], int(random.integers(20, 80)))


def small_year(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    height = random.uniform(12, 20)
    label, inks = written(digits, random, 4, height, height * random.uniform(0.08, 0.16))
    return label, paper(line(inks, max(2, round(height * 0.25)), random, margin=8), random)


def cut_to_ink(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    label, inks = written(digits, random, 1, random.uniform(28, 90), random.uniform(3, 9))
    return label, paper(inks[0], random)


def tight_number(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    height = random.uniform(25, 40)
    label, inks = written(digits, random, int(random.integers(3, 6)), height, random.uniform(2, 5))
    return label, paper(line(inks, 3, random, margin=int(random.integers(0, 3))), random, noise=4)


def sixteen(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    """Return a digit of 16x16 pixels without a margin, bright on dark, stretched to them as USPS has them."""
    label, inks = written(digits, random, 1, 60, random.uniform(6, 10))
    ink = np.pad(inks[0], ((0, 0), (max(0, (36 - inks[0].shape[1]) // 2),) * 2))
    return label, np.array(Image.fromarray(ink).resize((16, 16), Image.Resampling.BOX))


def boxes(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    """Return a form of four boxes with a digit each."""
    label, inks = written(digits, random, 4, 44, random.uniform(3, 5))
    page = np.zeros((120, 4 * 70 + 40), np.uint8)
    for place, ink in enumerate(inks):
        left, top = 20 + 70 * place, 20
        for corner in (top, top + 78):
            page[corner : corner + 2, left : left + 72] = 170
        for corner in (left, left + 70):
            page[top : top + 80, corner : corner + 2] = 170
        down, right = top + 40 - len(ink) // 2, left + 36 - ink.shape[1] // 2
        part = page[down : down + len(ink), right : right + ink.shape[1]]
        np.maximum(part, ink, out=part)
    return label, paper(page, random)


def desk(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    """Return a number on paper beside which a dark strip of desk is seen; its ink may be pale."""
    label, ink = number(digits, random)
    page = paper(ink, random, depth=random.uniform(0.25, 0.8))
    wide = int(random.integers(len(page) // 4, len(page)))
    dark = random.normal(50, 6, (len(page), wide)).clip(0, 255).astype(np.uint8)
    return label, np.hstack([page, dark] if random.random() < 0.5 else [dark, page])


def ruled(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    """Return a number that stands on a ruled line, which goes through its feet."""
    label, ink = number(digits, random)
    margin = int(np.flatnonzero(ink.any(axis=1))[-1])
    ink[margin - int(random.integers(0, 3)) : margin + 2] = np.maximum(ink[margin - 1 : margin + 1].max() // 2, 120)
    return label, paper(ink, random)


def turned(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    label, ink = number(digits, random)
    return label, paper(np.rot90(ink, int(random.integers(1, 4))), random)


SIGNS = {  # in a box of 1 x 1, lines from point to point
    "+": (((0.1, 0.5), (0.9, 0.5)), ((0.5, 0.15), (0.5, 0.85))),
    "x": (((0.15, 0.2), (0.85, 0.8)), ((0.85, 0.2), (0.15, 0.8))),
    "/": (((0.8, 0.0), (0.2, 1.0)),),
    "-": (((0.1, 0.5), (0.7, 0.5)),),
    ",": (((0.25, 0.95), (0.15, 1.25)),),
    ".": (((0.2, 0.97), (0.21, 0.97)),),
    ":": (((0.2, 0.35), (0.21, 0.35)), ((0.2, 0.85), (0.21, 0.85))),
    "$": (
        (
            (0.5, 0.2),
            (0.42, 0.1),
            (0.27, 0.05),
            (0.1, 0.13),
            (0.05, 0.3),
            (0.15, 0.42),
            (0.4, 0.55),
            (0.5, 0.7),
            (0.43, 0.87),
            (0.27, 0.94),
            (0.1, 0.9),
            (0.03, 0.77),
        ),
        ((0.3, -0.1), (0.25, 1.1)),
    ),
    "%": (
        ((0.2, 0.0), (0.08, 0.06), (0.03, 0.17), (0.1, 0.29), (0.21, 0.3), (0.32, 0.2), (0.31, 0.07), (0.2, 0.0)),
        ((0.75, 0.0), (0.15, 1.0)),
        ((0.7, 0.68), (0.57, 0.74), (0.53, 0.86), (0.6, 0.98), (0.72, 0.99), (0.82, 0.88), (0.8, 0.75), (0.7, 0.68)),
    ),
}


def slash(height: float, lean: float, pen: float, random: Random) -> Grey:
    """Return the ink of a slash, somewhat lower to somewhat higher than the digits."""
    stroke = np.array([[lean * random.uniform(0.85, 1.15), 0.0], [0.0, 1.0]])
    return drawn(PenDigit(0, 0, (stroke,)), height * random.uniform(0.8, 1.25), pen)


def date(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
    """Return a date by one writer: day, month, year of two or four digits."""
    height, pen, year = random.uniform(35, 60), random.uniform(3, 6), int(random.choice([2, 4]))
    lean = random.uniform(0.35, 0.7)  # of both slashes: width by height
    counts = (int(random.integers(1, 3)), int(random.integers(1, 3)), year)
    label, inks = written(digits, random, sum(counts), height, pen)
    first, second = counts[0], counts[0] + counts[1]
    slashes = [slash(height, lean, pen, random) for _ in range(2)]
    inks = [*inks[:first], slashes[0], *inks[first:second], slashes[1], *inks[second:]]
    text = f"{label[:first]}/{label[first:second]}/{label[second:]}"
    return text, paper(line(inks, round(height * 0.25), random, margin=20), random)


def sign(mark: str) -> Callable[[list[PenDigit], Random], tuple[str, Grey]]:
    """Return what draws two digits, a sign and two digits."""

    def draw(digits: list[PenDigit], random: Random) -> tuple[str, Grey]:
        height, pen = random.uniform(35, 60), random.uniform(3, 6)
        label, inks = written(digits, random, 4, height, pen)
        strokes = tuple(np.array(stroke) for stroke in SIGNS[mark])
        every = np.concatenate(strokes)
        size = float(np.ptp(every[:, 1])) * height * 0.8 + pen
        ink = drawn(PenDigit(0, 0, strokes), max(size, np.ptp(every[:, 0]) * height * 0.4 + pen), pen)
        below = round(height * (1 - float(every[:, 1].max())))
        ink = np.pad(ink, ((0, max(0, below)), (0, 0)))
        inks = [np.pad(each, ((0, max(0, -below)), (0, 0))) for each in inks]
        return f"{label[:2]}{mark}{label[2:]}", paper(
            line([*inks[:2], ink, *inks[2:]], round(height * 0.3), random, margin=20), random
        )

    return draw


DRAWN: dict[str, tuple[int, Callable[[list[PenDigit], Random], tuple[str, Grey]]]] = {
    "pen strokes: numbers": (100, plain_number),
    "pen strokes: tablet, 8 px": (150, tablet),
    "pen strokes: cut to the ink": (100, cut_to_ink),
    "pen strokes: tight numbers": (60, tight_number),
    "pen strokes: 16x16": (100, sixteen),
    "pen strokes: four boxes": (40, boxes),
    "pen strokes: years of 12 to 20 px": (60, small_year),
    "pen strokes: dark desk": (60, desk),
    "pen strokes: on a ruled line": (60, ruled),
    "pen strokes: turned": (40, turned),
    "pen strokes: dates": (40, date),
    **{f"pen strokes: sign {mark}": (20, sign(mark)) for mark in SIGNS},
}


def from_strokes(digits: list[PenDigit], name: str, chosen: str) -> Iterator[Sample]:
    count, draw = DRAWN[name]
    random = np.random.default_rng([*sha256(f"{name} {chosen}".encode()).digest()[:4]])
    for place in range(count):
        label, image = draw(digits, random)
        yield Sample(f"{name} {place}", image, label)


def of_mnist() -> Iterator[Sample]:
    """Yield strings of MNIST's test digits, apart and touching, clean and with every condition at once."""
    data = datasets.load("mnist", "test")
    for condition, spacing, place in product(("plain", "all"), (8, 2, 0, -2), range(20)):
        made = strings.made_string(data, spacing, condition, place, seed=1, length=5)
        yield Sample(f"{condition} {spacing:+d} {place}", made.image, made.label)


def without_digits() -> Iterator[Sample]:
    """Yield printed letters and textures: nothing is the right answer."""
    random = np.random.default_rng(0)
    for place in range(20):
        word = Image.new("L", (600, 400), 250)
        letters = "".join(chr(int(code)) for code in random.choice([*b"ACDEFGHKMNPRTUVWXYabdefhkmnrtuvwxy"], 8))
        ImageDraw.Draw(word).text((40, 150), letters, fill=20, font_size=70)
        yield Sample(letters, np.array(word), "")
        yield Sample(f"texture {place}", (random.random((400, 600)) < 0.1 + place / 40).astype(np.uint8) * 255, "")


def sources(folder: Path, chosen: str) -> Iterator[tuple[str, str, Iterator[Sample]]]:
    """Yield each source's name, its half, and its pictures."""
    for labels in sorted(folder.glob("*/labels.csv")):
        yield labels.parent.name, chosen, labelled(labels.parent, chosen)
    strokes = folder / "pendigits" / "pendigits-train.gz"
    if strokes.exists():
        digits = [
            each
            for each in pen_digits(strokes)
            if not trained_on(each.writer) and half(f"writer {each.writer}") == chosen
        ]
        for name in DRAWN:
            yield name, chosen, from_strokes(digits, name, chosen)


def measured(reader: Reader | RapidOcr, samples: Iterator[Sample], *, wrong: bool) -> dict[str, Any]:
    """Read pictures and return the figures; with `wrong` print what is not read exactly.

    Spaces and line ends do not count, and signs only where the label has some. An error is silent where the answer
    has no "?" and the page no note.
    """
    n = exact = silent = edits = symbols = given = 0
    start = time.process_time()
    for sample in samples:
        page = reader.read(sample.image)
        label = sample.label
        answer = "".join(page.text.split())
        if not label or label.isdigit():
            answer = "".join(letter for letter in answer if letter.isdigit())
        n, symbols, given = n + 1, symbols + len(label), given + page.digits
        edits += edit_distance(label, answer)
        if answer == label:
            exact += 1
            continue
        silent += bool(answer) and "?" not in page.text and not page.notes
        if wrong:
            print(f"    {sample.name}: {label} read as {page.text!r} {list(page.notes)}")
    return {
        "n": n,
        "exact": exact,
        "exact_percent": round(100 * exact / n, 2),
        "exact_interval_percent": interval(exact, n),
        "silent_errors": silent,
        "digits_given": given,
        "edits_per_100_digits": round(100 * edits / symbols, 2) if symbols else None,
        "seconds_each": round((time.process_time() - start) / n, 3),
    }


def interval(k: int, n: int) -> list[float]:
    """Return the 95 % interval of Clopper and Pearson (1934) for k of n, in percent."""
    low, high = (
        stats.beta.ppf(0.025, k, n - k + 1) if k else 0.0,
        stats.beta.ppf(0.975, k + 1, n - k) if k < n else 1.0,
    )
    return [round(100 * float(low), 2), round(100 * float(high), 2)]


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=(DEVELOPMENT, HELD_OUT))
    parser.add_argument("--only", nargs="*", default=[""], help="sources whose names hold one of these")
    parser.add_argument("--wrong", action="store_true", help="list what is not read exactly")
    parser.add_argument("--by", choices=("lenet5", "rapidocr"), default="lenet5")
    given = parser.parse_args()
    reader = RapidOcr() if given.by == "rapidocr" else Reader(api.load(DEFAULT, threads=1))
    halves = [given.half] if given.half else [DEVELOPMENT, HELD_OUT]
    every = [each for chosen in halves for each in sources(given.folder, chosen)]
    every += [("MNIST strings", WHOLE, of_mnist()), ("letters and textures", WHOLE, without_digits())]
    record = []
    print("| source | half | n | exact, % (95 %) | silent errors | edits per 100 digits | s each |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for name, part, samples in every:
        if not any(each in name for each in given.only):
            continue
        found = measured(reader, samples, wrong=given.wrong)
        low, high = found["exact_interval_percent"]
        cells = (name, part, found["n"], f"{found['exact_percent']} ({low} to {high})", found["silent_errors"],
                 found["edits_per_100_digits"], found["seconds_each"])  # fmt: skip
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        record.append({"source": name, "half": part, **found})
    if given.by == "lenet5" and not given.half and given.only == [""]:
        KEPT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
