"""Signs among what a network of digits takes for no digit, told by a small network of signs."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.inference.predictor import Predictor
from lenet5.models import shipped
from lenet5.spec.digits import NOT_A_SIGN

SURE = 0.9  # with a lower probability it is not named


@cache
def sign_network(engine: str, device: str) -> Predictor:
    """Return the shipped network of signs, on an engine and device of these names."""
    return Predictor(shipped.read("signs"), engine=engine, device=device)


def which_signs(images: NDArray[np.uint8], model: Predictor) -> list[str]:
    """Return for each image (N, 28, 28) of what is no digit the sign that it shows; "" where that is none for sure."""
    shares = metrics.softmax(model.scores(images) / np.float32(model.temperature))
    names = [model.class_names[place] for place in shares.argmax(axis=1)]
    return [
        name if share >= SURE and name != NOT_A_SIGN else ""
        for name, share in zip(names, shares.max(axis=1), strict=True)
    ]
