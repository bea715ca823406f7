"""Inference with a model: scores, probabilities and predicted classes of images."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lenet5 import metrics
from lenet5.data.batches import Examples
from lenet5.display import Shown
from lenet5.engines import registry
from lenet5.engines.contract import Float
from lenet5.engines.scoring import score_all
from lenet5.inference.mnist_form import mnist_form
from lenet5.models.model import Model


class Predictor(Shown):
    """Inference with one model on one engine and device; see `registry.get`.

    Every method takes images in any form that `mnist_form` accepts, prepares them as the model file says, and uses
    bounded memory for any number of images.
    """

    def __init__(self, model: Model, *, engine: str = registry.AUTO, device: str = registry.AUTO) -> None:
        self.model = model
        self.engine = registry.get(engine, device)
        self._scorer = self.engine.scorer(model.architecture, model.weights)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r})"

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.model.architecture.classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.model.card.class_names

    def scores(self, images: ArrayLike) -> Float:
        """Return the scores (N, classes): large is good."""
        pixels = mnist_form(images)
        if len(pixels) == 0:
            return np.empty((0, self.model.architecture.classes), np.float32)
        return score_all(self._scorer, self._examples(pixels))

    def probabilities(self, images: ArrayLike) -> Float:
        """Return the probabilities (N, classes): the softmax of the scores divided by the card's temperature."""
        return metrics.softmax(self.scores(images) / np.float32(self.temperature))

    @property
    def temperature(self) -> float:
        """The divisor of the scores before the softmax; 1 for a model that was not calibrated."""
        calibration = self.model.card.calibration
        return calibration.temperature if calibration else 1.0

    def predict(self, images: ArrayLike) -> NDArray[np.int64]:
        """Return the class with the highest score for each image: (N,)."""
        best: NDArray[np.int64] = self.scores(images).argmax(axis=1)
        return best

    def activations(self, images: ArrayLike) -> dict[str, Float]:
        """Return the output of every layer, "input" first: name -> (N, maps, H, W) or (N, units)."""
        pixels = mnist_form(images)
        inputs = self._examples(pixels).inputs(np.arange(len(pixels)))
        return {"input": inputs, **self._scorer.activations(inputs)}

    def line_scores(self, line: Float) -> Float:
        """Return the scores (L - W + 1, classes) of the windows that begin at each column of a line.

        line  (S, L) 0..1 where 1 is ink: as high as the network's inputs, padding included, and at least as wide (W)

        Raises ShapeError for another line, ModelError for a network that cannot be slid; see `engines/line.py`.
        """
        preparation = self.model.preparation
        inputs = preparation.background + (preparation.ink - preparation.background) * line[None]
        return self._scorer.line_scores(inputs.astype(np.float32))

    def _examples(self, pixels: NDArray[np.uint8]) -> Examples:
        return Examples(pixels, np.zeros(len(pixels), np.int64), self.model.preparation)
