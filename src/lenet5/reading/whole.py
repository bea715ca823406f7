"""The pieces of one number -> its digits, each piece of connected ink taken for one digit."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.engines.contract import Float
from lenet5.inference.predictor import Predictor
from lenet5.reading.mnist import mnist_image
from lenet5.reading.page import Answer, Box, Digit, Rejected
from lenet5.reading.pieces import Piece
from lenet5.reading.pipeline import Found

NOT_A_DIGIT = "not a digit"  # the class of a model that tells digits from everything else
ANSWERS = 3

# What turns the pieces of one number, from left to right, into its digits, in the same order. It may cut and join
# pieces; a piece that is no digit comes back as Rejected.
Decode = Callable[[list[Piece], Found, Predictor], list[Digit | Rejected]]


def whole(pieces: list[Piece], found: Found, model: Predictor) -> list[Digit | Rejected]:
    """Return one answer for each piece: digits that touch are one piece, and read as one digit."""
    images = np.stack([mnist_image(found.patch(piece)) for piece in pieces])
    scores = model.scores(images)
    return [
        answered(found.box([piece]), image, row, model)
        for piece, image, row in zip(pieces, images, scores, strict=True)
    ]


def answered(box: Box, image: NDArray[np.uint8], scores: Float, model: Predictor) -> Digit | Rejected:
    """Return what a model's scores (classes,) say of an image (28, 28); probabilities are by the card's temperature."""
    names = model.model.card.class_names
    shares = metrics.softmax(scores[None] / np.float32(model.temperature))[0]
    best = np.argsort(-scores, kind="stable")
    if names[best[0]] == NOT_A_DIGIT:
        return Rejected(box, f"{NOT_A_DIGIT} (probability {shares[best[0]]:.3f})")
    answers = tuple(Answer(names[index], float(shares[index])) for index in best[:ANSWERS])
    return Digit(box, answers, float(metrics.margin(scores[None])[0]), image)
