"""Gaussian units and a linear classifier (1998 paper, section III-C.5)."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.cluster import KMeans

from lenet5.methods.contract import CLASSES, Float, Labels, Pixels, UsesEachNumberOnce, rows
from lenet5.methods.linear import moments, signs, solved, with_bias
from lenet5.methods.neighbours import squared_distances


@dataclass
class Radial(UsesEachNumberOnce):
    """1,000 Gaussian units, 100 for each class placed by k-means, and least squares with a ridge on their outputs.

    width  variance of the Gaussians, in mean squared distances of the training images from their nearest centre
    ridge  relative to the mean diagonal of the least-squares system

    The paper gives neither; both were chosen on 5,000 training images kept apart.
    """

    units: int = 1000
    width: float = 2.0
    ridge: float = 1e-6
    seeded = True
    centres: Float = field(default_factory=lambda: np.empty((0, 0)), repr=False)  # (units, pixels)
    variance: float = 1.0
    weights: Float = field(default_factory=lambda: np.empty((0, 0)), repr=False)  # (units + 1, 10)

    def _numbers(self) -> tuple[Float, ...]:
        return self.centres, self.weights

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        pixels = rows(images)
        each = self.units // CLASSES
        groups = [
            KMeans(each, n_init=1, max_iter=30, random_state=seed).fit(pixels[labels == c]) for c in range(CLASSES)
        ]
        self.centres = np.concatenate([group.cluster_centers_ for group in groups])
        self.variance = self.width * sum(group.inertia_ for group in groups) / len(pixels)
        self.weights = solved(*moments(self._outputs(images), signs(labels)), self.ridge)

    def scores(self, images: Pixels) -> Float:
        return with_bias(self._outputs(images)) @ self.weights

    def _outputs(self, images: Pixels) -> Float:
        result: Float = np.exp(-squared_distances(rows(images), self.centres) / (2 * self.variance))
        return result
