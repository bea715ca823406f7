"""The pieces of numbers -> their digits, each piece of connected ink taken for one digit."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.engines.contract import Float
from lenet5.inference.predictor import Predictor
from lenet5.reading.page import Alternative, Answer, Box, Digit, Rejected
from lenet5.reading.recognition.mnist_form import mnist_image
from lenet5.reading.recognition.which_sign import sign_network, which_signs
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece
from lenet5.spec.digits import NOT_A_DIGIT

ANSWERS = 3


@dataclass(frozen=True)
class Decoded:
    """What became of a number's pieces: its digits, from left to right, and what is none."""

    digits: tuple[Digit, ...]
    rejected: tuple[Rejected, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


# What turns numbers, each its pieces from left to right, into digits. It may cut and join pieces.
Decode = Callable[[list[list[Piece]], Found, Predictor], list[Decoded]]


def by_piece(numbers: list[list[Piece]], found: Found, model: Predictor) -> list[list[Digit | Rejected]]:
    """Return what each piece of each number says, taken for one digit; the network runs once, on all of them."""
    flat = [piece for number in numbers for piece in number]
    images = np.stack([mnist_image(found.patch(piece)) for piece in flat]) if flat else np.empty((0, 28, 28), np.uint8)
    scores = model.scores(images)
    signs = _signs(images, scores, model)
    answers = iter(zip(flat, images, scores, signs, strict=True))
    return [
        [
            _answered(found.box([piece]), image, own, sign, model)
            for piece, image, own, sign in islice(answers, len(number))
        ]
        for number in numbers
    ]


def gathered(answers: list[Digit | Rejected]) -> Decoded:
    """Return a number's answers, parted into digits and what is none."""
    digits = tuple(each for each in answers if isinstance(each, Digit))
    return Decoded(digits, tuple(each for each in answers if isinstance(each, Rejected)))


def _signs(images: NDArray[np.uint8], scores: Float, model: Predictor) -> list[str]:
    """Return for each image the sign that it shows where the model says that it is no digit, "" elsewhere."""
    signs = [""] * len(images)
    none = [place for place, best in enumerate(scores.argmax(axis=1)) if model.class_names[best] == NOT_A_DIGIT]
    if none:
        network = sign_network(model.engine.name, model.engine.device)
        for place, sign in zip(none, which_signs(images[none], network), strict=True):
            signs[place] = sign
    return signs


def _answered(box: Box, image: NDArray[np.uint8], scores: Float, sign: str, model: Predictor) -> Digit | Rejected:
    """Return what a model's scores (classes,) say of an image (28, 28); probabilities are by the card's temperature."""
    names = model.model.card.class_names
    shares = metrics.softmax(scores[None] / np.float32(model.temperature))[0]
    best = np.argsort(-scores, kind="stable")
    if names[best[0]] == NOT_A_DIGIT:
        return Rejected(box, f"{NOT_A_DIGIT} (probability {shares[best[0]]:.3f})", sign)
    answers = tuple(Answer(names[index], float(shares[index])) for index in best[:ANSWERS])
    return Digit(box, answers, float(metrics.margin(scores[None])[0]), image)
