"""LeNet-4 whose last layer is replaced by its training images (1998 paper, section III-C.8).

By their nearest neighbours, or by a linear classifier that is trained anew for every image on those (Bottou and Vapnik
1992).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np

from lenet5.methods.contract import Float, Labels, Pixels
from lenet5.methods.linear import signs, with_bias
from lenet5.methods.neighbours import squared_distances, voted
from lenet5.methods.networks import features, trained
from lenet5.recipes import catalogue
from lenet5.spec.recipe import Recipe

CHUNK = 500  # images that are compared with all the training images at once


@dataclass
class _Features(ABC):
    """LeNet-4 and its 120 features of every training image."""

    seeded = True
    recipe: Recipe = field(default_factory=lambda: catalogue.load("lenet-4"), repr=False)
    prototypes: Float = field(default_factory=lambda: np.empty((0, 0)), repr=False)  # (N, 120)
    labels: Labels = field(default_factory=lambda: np.empty(0, np.int64), repr=False)

    @property
    def multiply_adds(self) -> int:
        return self.recipe.architecture.multiply_adds + int(self.prototypes.size)

    @property
    def memory(self) -> int:
        return self.recipe.architecture.parameters + int(self.prototypes.size)

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        self.network = trained(self.recipe, images, labels, seed)
        by_class = np.argsort(labels, kind="stable")
        self.prototypes, self.labels = features(self.network, self.recipe, images)[by_class], labels[by_class]

    def scores(self, images: Pixels) -> Float:
        samples = features(self.network, self.recipe, images)
        return np.concatenate([self._scores(samples[begin : begin + CHUNK]) for begin in range(0, len(samples), CHUNK)])

    @abstractmethod
    def _scores(self, samples: Float) -> Float: ...


@dataclass
class FeatureNeighbours(_Features):
    """The most frequent class among the k training images whose features are nearest."""

    k: int = 3

    def _scores(self, samples: Float) -> Float:
        return voted(squared_distances(samples, self.prototypes), self.labels, self.k)


@dataclass
class LocalLearning(_Features):
    """A linear classifier of the features, fitted for each image on its nearest training images.

    neighbours  how many
    ridge       weight decay towards the classifier fitted on all training images, in images

    The paper gives neither.
    """

    neighbours: int = 200
    ridge: float = 10.0

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        super().fit(images, labels, seed)
        X, T = with_bias(self.prototypes).astype(np.float64), signs(self.labels)
        self.whole = np.linalg.solve(X.T @ X + self.ridge * np.eye(X.shape[1]), X.T @ T)  # (121, 10)

    def _scores(self, samples: Float) -> Float:
        """With W0 the classifier of all images, minimise |X W - T|^2 + ridge |W - W0|^2 over the neighbours X, T.

        For x the image's features, x W = x W0 + x X' (X X' + ridge)^-1 (T - X W0): one system a image, as large as
        there are neighbours.
        """
        distances = squared_distances(samples, self.prototypes)
        nearest = np.argpartition(distances, self.neighbours - 1, axis=1)[:, : self.neighbours]
        result = np.empty((len(samples), 10))
        for i, chosen in enumerate(nearest):
            x, X = (
                with_bias(samples[i : i + 1]).astype(np.float64),
                with_bias(self.prototypes[chosen]).astype(np.float64),
            )
            left = signs(self.labels[chosen]) - X @ self.whole
            kernel = X @ X.T + self.ridge * np.eye(len(X))
            result[i] = (x @ self.whole + x @ X.T @ np.linalg.solve(kernel, left))[0]
        return result
