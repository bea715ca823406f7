"""The set "rough-digits": MNIST's digits as photographs, scans and screens give them, and what is no digit.

Made in memory, by one seed, the same every time: nothing is fetched and nothing is kept. About a quarter of its images
belongs to an eleventh class, "not a digit". Its parts are "train" (of MNIST's first 55,000 training digits, of pen
strokes and of stroke templates), "validation" (of MNIST's other 5,000) and "test" (of MNIST's test digits).
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.data.distort import moved
from lenet5.data.made import pens, stroke_templates, writers
from lenet5.data.made.degrade import restroked, seen_badly, with_dirt
from lenet5.data.made.not_digits import Digits, not_digits
from lenet5.data.made.printed_characters import TYPEFACES, glyph
from lenet5.seeds import stream
from lenet5.spec.digits import NOT_A_DIGIT_LABEL, SIDE

Pixels = NDArray[np.uint8]
SEED = 1998
CHUNK = 4000
FAR = 0.5  # of the images
KEPT_OF = 12  # the last twelfth of MNIST's training digits is for "validation"
# Part: whether it holds the digits unchanged, how many degraded copies of each, how many of each printed digit, and how
# many images that are no digit.
SHAPES = {"train": (True, 4, 60, 150_000), "validation": (False, 1, 0, 2_500), "test": (False, 1, 0, 5_000)}
# Only of "train": how often each digit of a pen is drawn, how many templates are, how many signs.
DRAWN, TEMPLATES, SIGNS = 24, 40_000, 10_000
CLEAN = 0.25  # of what a pen drew is not roughened


def made_of(images: Pixels, labels: NDArray[np.int64], part: str) -> tuple[Pixels, NDArray[np.int64]]:
    """Return the images and labels of a part, made of the digits that belong to it."""
    random = stream(SEED, f"rough digits, {part}")
    as_they_are, times, each_printed, others = SHAPES[part]
    clean, clean_truth = ([images], [labels]) if as_they_are else ([], [])
    digits, truth = [images] * times, [labels] * times
    if each_printed:
        printed = [(number, face) for number in range(10) for face in TYPEFACES] * each_printed
        digits.append(np.stack([glyph(str(number), face) for number, face in printed]))
        truth.append(np.array([number for number, _ in printed]))
    source = Digits(images, labels)
    if part == "train":
        pen, pen_truth = by_pen(stream(SEED, "digits by pen"))
        edge = round(CLEAN * len(pen))
        clean, clean_truth = [*clean, pen[:edge]], [*clean_truth, pen_truth[:edge]]
        own = pen_truth[edge:] != NOT_A_DIGIT_LABEL
        digits, truth = [*digits, pen[edge:]], [*truth, pen_truth[edge:]]
        source = Digits(np.concatenate([images, pen[edge:][own]]), np.concatenate([labels, pen_truth[edge:][own]]))
    degraded = roughened(np.concatenate(digits), random, far=FAR)
    # What is no digit is always as large as a digit: a reader's preparation makes it so.
    strange = roughened(not_digits(source, others, random), random, far=0.0)
    marks = [*clean_truth, *truth, np.full(others, NOT_A_DIGIT_LABEL)]
    return np.concatenate([*clean, degraded, strange]), np.concatenate(marks).astype(np.int64)


def by_pen(random: np.random.Generator) -> tuple[Pixels, NDArray[np.int64]]:
    """Return digits drawn of pen strokes and of templates, and signs that are none, in random order."""
    real = writers.paths()
    every = [
        real.some(np.tile(np.arange(len(real.labels)), DRAWN)),
        stroke_templates.shaped(stroke_templates.DIGITS, TEMPLATES, random),
        stroke_templates.shaped(stroke_templates.SIGNS, SIGNS, random),
    ]
    labels = np.concatenate([paths.labels for paths in every])
    order = random.permutation(len(labels))
    return np.concatenate([pens.written(paths, random) for paths in every])[order], labels[order]


def roughened(images: Pixels, random: np.random.Generator, *, far: float) -> Pixels:
    """Return images written with other pens, and then put far from where a reader puts them, or seen badly.

    far  the share of the first. Not both: a small digit under heavy noise can be read by nobody.
    """
    result = np.empty_like(images)
    for begin in range(0, len(images), CHUNK):  # some thousand at a time, so that memory stays bounded
        strokes = restroked(images[begin : begin + CHUNK], random)
        away = random.random(len(strokes)) < far
        chunk = placed(strokes, away, random)
        chunk[~away] = seen_badly(with_dirt(chunk[~away], np.roll(strokes, 1, axis=0)[~away], random), random)
        result[begin : begin + CHUNK] = chunk
    return result


def placed(images: Pixels, far: NDArray[np.bool_], random: np.random.Generator) -> Pixels:
    """Return images in other sizes, slants and places: nearly as a reader prepares them, or `far` from it."""
    N = len(images)
    scale = np.where(far, np.exp(random.uniform(np.log(0.46), np.log(1.44), N)), random.uniform(0.9, 1.08, N))
    # Px that a digit may move. Of those far away, half stay near the middle, a quarter goes up, down or aside alone.
    room = np.where(far, np.clip(SIDE / 2 - 10 * scale, 2.5, None), 1.5)
    way = random.choice(4, N, p=[0.5, 0.15, 0.1, 0.25])
    across, along = (np.where(far & (way != stays) & (way != 0), room, 1.5) for stays in (1, 2))
    return moved(
        images,
        scaling=scale - 1,
        right=_edgy(N, random) * across,
        down=_edgy(N, random) * along,
        rotation=_edgy(N, random) * np.where(far, 32, 12),
        shearing=random.uniform(-1, 1, N) * np.where(far, 0.35, 0.2),
        squeezing=random.uniform(-1, 1, N) * 0.1,
    )


def _edgy(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return numbers in -1..1, more often near the ends: what is far from the middle is what is hard."""
    evenly = random.uniform(-1, 1, count)
    return np.asarray(np.sign(evenly) * np.abs(evenly) ** 0.6)
