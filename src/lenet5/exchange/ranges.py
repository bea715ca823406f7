"""From a model to a network in integers, with the ranges of its activations measured on training images."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lenet5.data.datasets import load
from lenet5.engines.contract import Float
from lenet5.errors import DataError, ModelError
from lenet5.exchange import integers
from lenet5.exchange.for_export import ready
from lenet5.exchange.integers import IntegerNetwork
from lenet5.inference.mnist_form import mnist_form
from lenet5.inference.predictor import Predictor
from lenet5.models.model import Model

MEASURED = 2_000  # training images
IMAGES_AT_ONCE = 500


class IntegerPredictor(Predictor):
    """Inference with a network in integers, as the program in C computes it."""

    def __init__(self, model: Model, network: IntegerNetwork) -> None:
        super().__init__(model)
        self._integers = network

    def scores(self, images: ArrayLike) -> Float:
        """Return the scores (N, classes) in the float network's unit."""
        return self._integers.scores(mnist_form(images)) * self._integers.step


def in_integers(model: Model, *, weights: str = "int8", data_folder: Path | None = None) -> IntegerNetwork:
    """Return a model in integers, with ranges measured on training images of its own data set.

    weights  "int8" or "int4"

    Raises ModelError for networks that cannot be expressed, and when there are no such images.
    """
    model = ready(model)
    integers.fused(model.architecture.placed)  # a network that cannot be expressed needs no images
    try:
        images = load(model.card.data, "train", data_folder).images
    except DataError as error:
        raise ModelError(f"the ranges of the activations are measured on training images, but {error}") from None
    return integers.build(model, largest_activations(model, images), weights=weights)


def largest_activations(model: Model, images: NDArray[np.uint8]) -> dict[str, float]:
    """Return the largest activation of each layer over at most `MEASURED` images, taken evenly from all."""
    # One engine for every machine: the program does not depend on which engines are there.
    predictor, largest = Predictor(model, engine="numpy"), dict[str, float]()
    images = images[:: -(-len(images) // MEASURED)]
    for at in range(0, len(images), IMAGES_AT_ONCE):
        for name, outputs in predictor.activations(images[at : at + IMAGES_AT_ONCE]).items():
            largest[name] = max(largest.get(name, 0.0), float(outputs.max()))
    return largest
