"""The set "digit-neighbours": what a window sees that is slid along a line of digits, made from MNIST.

A space displacement network answers for every window of a line (LeCun 1998, section VII), and must be trained on what
these hold: a digit with its neighbours, two halves of digits, a line's end, nothing. Each image is such a window,
28x28, of a line of five digits about 20 pixels high. Its class is the digit whose box has its middle within 2 columns
of the window's, for windows are 4 columns apart; where there is none, "not a digit". Made in memory, by one seed, the
same every time. Its parts are those of the rough digits.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.data.distort import moved
from lenet5.data.made.degrade import restroked, seen_badly
from lenet5.data.made.not_digits import Digits
from lenet5.seeds import stream
from lenet5.spec.digits import NOT_A_DIGIT_LABEL, SIDE

Pixels = NDArray[np.uint8]
Random = np.random.Generator
SEED = 1998
COUNTS = {"train": 960_000, "validation": 10_000, "test": 10_000}
CHUNK = 4000
MEMBERS, OWN = 5, 2  # digits of a line, and the place of the one that the window is put on
NEAR = 2.0  # columns that a digit's middle may lie aside
FAINT = 30  # less ink does not widen a digit's box
AIMED = 0.55  # of the windows are put on a digit, the others anywhere
PRESENT = (0.2, 0.15, 0.65)  # how often no, one or two digits stand on a side: lines end
DEGRADED = 0.3  # of the windows are blurred, pale, grainy, or have up to 14 % of their pixels inverted


def made_of(images: Pixels, labels: NDArray[np.int64], part: str) -> tuple[Pixels, NDArray[np.int64]]:
    """Return the windows and labels of a part, made of the digits that belong to it."""
    random = stream(SEED, f"digit neighbours, {part}")
    # Half of the digits as MNIST has them, half written with other pens.
    pens = [restroked(images[begin : begin + CHUNK], random) for begin in range(0, len(images), CHUNK)]
    digits = Digits(np.concatenate([images, *pens]), np.concatenate([labels, labels]))
    whole = [windows(digits, min(CHUNK, COUNTS[part] - begin), random) for begin in range(0, COUNTS[part], CHUNK)]
    return np.concatenate([seen for seen, _ in whole]), np.concatenate([truth for _, truth in whole])


def windows(digits: Digits, count: int, random: Random) -> tuple[Pixels, NDArray[np.int64]]:
    """Return `count` windows, each of a line of its own, and their classes."""
    chosen = random.integers(len(digits.images), size=(MEMBERS, count))
    written = _written(digits.images[chosen], random)
    first, width = _boxes(written)
    left = _placed(width, random)
    there = np.ones((MEMBERS, count), bool)
    before, after = random.choice(3, (2, count), p=PRESENT)
    for place in range(MEMBERS):
        there[place] = (OWN - place <= before) & (place - OWN <= after)
    seen = np.zeros((count, SIDE, SIDE), np.uint8)
    for place in range(MEMBERS):
        shown = _shifted(written[place], left[place] - first[place])
        shown[~there[place]] = 0
        np.maximum(seen, shown, out=seen)
    degraded = random.random(count) < DEGRADED
    seen[degraded] = seen_badly(seen[degraded], random)
    aside = np.where(there, np.abs(left + width / 2 - SIDE / 2), np.inf)
    nearest = aside.argmin(axis=0)
    truth = digits.labels[np.take_along_axis(chosen, nearest[None], axis=0)[0]]
    return seen, np.where(aside.min(axis=0) <= NEAR, truth, NOT_A_DIGIT_LABEL)


def _written(images: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """Return digits, (MEMBERS, N, 28, 28), as one hand writes a line: of nearly one size and slant, nearly level."""
    N = images.shape[1]
    size, slant, down = random.uniform(0.88, 1.12, N), random.uniform(-0.35, 0.35, N), random.uniform(-2, 2, N)
    uneven = random.uniform(0, 0.18, N)

    def each(amount: float) -> NDArray[np.float64]:
        return random.uniform(-amount, amount, (MEMBERS, N))

    shapes = {
        "scaling": size * (1 + uneven * each(1)) - 1,
        "shearing": slant + each(0.08),
        "down": down + each(1.2),
        "rotation": each(6),
        "squeezing": each(0.08),
    }
    flat = {kind: amounts.ravel() for kind, amounts in shapes.items()}
    return moved(images.reshape(-1, SIDE, SIDE), **flat).reshape(images.shape)


def _boxes(written: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first column and the width of each digit's ink, both (MEMBERS, N)."""
    columns: NDArray[np.bool_] = np.any(written > FAINT, axis=-2)
    first = columns.argmax(axis=-1)
    return first, SIDE - columns[..., ::-1].argmax(axis=-1) - first


def _placed(width: NDArray[np.int64], random: Random) -> NDArray[np.int64]:
    """Return the window's column at which each digit's box begins, (MEMBERS, N)."""
    N = width.shape[1]
    # Of the middle digit, from the window's: near, or far enough for the window to lie anywhere between two.
    aside = np.where(random.random(N) < AIMED, random.uniform(-2.5, 2.5, N), random.uniform(-16, 16, N))
    gap = random.uniform(-6.5, 8.5, N)  # columns between two boxes; < 0 overlap
    gaps = np.rint(gap + random.uniform(-1, 1, (MEMBERS, N))).astype(np.int64)
    left = np.empty_like(width)
    left[OWN] = np.rint(SIDE / 2 + aside - width[OWN] / 2)
    for place in range(OWN + 1, MEMBERS):
        left[place] = left[place - 1] + width[place - 1] + gaps[place]
    for place in range(OWN - 1, -1, -1):
        left[place] = left[place + 1] - gaps[place] - width[place]
    return left


def _shifted(images: Pixels, right: NDArray[np.int64]) -> Pixels:
    """Return images (N, 28, 28) moved by whole columns; what leaves the window is lost."""
    source = np.arange(SIDE) - right[:, None]
    inside = (source >= 0) & (source < SIDE)
    moved_there: Pixels = np.take_along_axis(images, source.clip(0, SIDE - 1)[:, None, :], axis=2) * inside[:, None, :]
    return moved_there
