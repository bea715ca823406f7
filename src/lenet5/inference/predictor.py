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
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Sgd


class Predictor(Shown):
    """Inference with one model on one engine and device; see `registry.get`.

    Every method takes images in any form that `mnist_form` accepts, prepares them as the model file says, and uses
    bounded memory for any number of images.
    """

    def __init__(self, model: Model, *, engine: str = registry.AUTO, device: str = registry.AUTO) -> None:
        self.model = model
        # Networks are always built for training, too; the objective and the optimiser are not used here.
        self._network = registry.get(engine, device).build(
            model.architecture, model.weights, Objective(), Sgd(learning_rate=1.0)
        )

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
        return score_all(self._network, self._examples(pixels))

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
        return {"input": inputs, **self._network.activations(inputs)}

    def _examples(self, pixels: NDArray[np.uint8]) -> Examples:
        return Examples(pixels, np.zeros(len(pixels), np.int64), self.model.preparation)
