"""The set "signs": plus, times, dollar and percent signs, by pen and printed, and what is no sign.

`digits` knows signs only as "not a digit"; a network of these classes tells which one it is. Made in memory of MNIST's
digits, by one seed, the same every time. Its parts are those of the rough digits.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.data.made import not_digits, pens, stroke_templates
from lenet5.data.made.not_digits import Digits
from lenet5.data.made.printed_characters import TYPEFACES, printed
from lenet5.data.made.rough_digits import roughened
from lenet5.seeds import stream
from lenet5.spec.digits import SIGNS

Pixels = NDArray[np.uint8]
SEED = 1998
# In the order of `spec.digits.SIGNS`.
SHAPES = (stroke_templates.plus, stroke_templates.times, stroke_templates.dollar, stroke_templates.percent)
PRINTED = ("+", "\N{MULTIPLICATION SIGN}", "$", "%")
FACES = tuple(name for name in TYPEFACES if not name.startswith("cm"))  # Computer Modern has no multiplication sign
LETTERS = "ACEFHKLMNPRUVWadefhkmnpruvw" + "=&#@*<>~^"  # not t and T, which are pluses, and x and X
# Of a part: how many of each sign are drawn, how many printed, and about how many images are no sign.
COUNTS = {"train": (6_000, 1_000, 50_000), "validation": (400, 60, 3_200), "test": (400, 60, 3_200)}
KINDS_OF = (
    (Digits.some, 0.2), (not_digits.pairs, 0.15), (not_digits.one_and_a_piece, 0.1), (not_digits.pieces, 0.2),
    (not_digits.lying, 0.05), (not_digits.textures, 0.08), (not_digits.blanks, 0.02),
)  # fmt: skip
LETTERED = 0.2


def made_of(images: Pixels, labels: NDArray[np.int64], part: str) -> tuple[Pixels, NDArray[np.int64]]:
    """Return the images and labels of a part, made of the digits that belong to it."""
    random = stream(SEED, f"signs, {part}")
    each, each_printed, others = COUNTS[part]
    drawn = [
        pens.written(stroke_templates.shaped(((shape, place, 1.0),), each, random), random)
        for place, shape in enumerate(SHAPES)
    ]
    typed = [printed(sign, each_printed, random, FACES) for sign in PRINTED]
    none = _no_signs(Digits(images, labels), others, random)
    counts = [*map(len, drawn), *map(len, typed), len(none)]
    truth = np.repeat([*range(len(SIGNS)), *range(len(SIGNS)), len(SIGNS)], counts)
    return roughened(np.concatenate([*drawn, *typed, none]), random, far=0.0), truth


def _no_signs(digits: Digits, count: int, random: np.random.Generator) -> Pixels:
    """Return digits, and what is neither digit nor sign, about `count` in all."""
    kinds = [make(digits, round(share * count), random) for make, share in KINDS_OF]
    return np.concatenate([*kinds, printed(LETTERS, round(LETTERED * count), random)])
