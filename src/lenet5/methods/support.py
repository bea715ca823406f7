"""Support vector machines with polynomial kernels (1998 paper, section III-C.10).

scikit-learn trains a machine for each of the 45 pairs of classes; those of the paper were ten, one against the rest.
"""

from dataclasses import dataclass, field

import numpy as np
from sklearn.svm import SVC

from lenet5.methods.contract import Float, Labels, Pixels, rows

CACHE_MEGABYTES = 1000
SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # down and right, in pixels


def shifted(images: Pixels, down: int, right: int) -> Pixels:
    """Return images (N, S, S) moved by whole pixels, background moving in."""
    height, width = images.shape[1:]
    result = np.zeros_like(images)
    result[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = images[
        :, max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)
    ]
    return result


@dataclass
class SupportVectors:
    """A polynomial support vector machine.

    degree   of the kernel (1 + x y / m)^degree, where m is the mean squared length of the training images
    penalty  C, of an image on the wrong side
    virtual  train once more on the support vectors and the same moved by one pixel in four directions
             (Schoelkopf, Burges and Vapnik 1996)
    """

    degree: int = 4
    penalty: float = 10.0
    virtual: bool = False
    seeded = False
    machine: SVC | None = field(default=None, repr=False)

    @property
    def multiply_adds(self) -> int:
        return int(self._fitted.support_vectors_.size)

    @property
    def memory(self) -> int:
        return int(self._fitted.support_vectors_.size)

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        self.machine = self._trained(images, labels)
        if self.virtual:
            images, labels = images[self.machine.support_], labels[self.machine.support_]
            moved = [images, *(shifted(images, *shift) for shift in SHIFTS)]
            self.machine = self._trained(np.concatenate(moved), np.tile(labels, len(moved)))

    def scores(self, images: Pixels) -> Float:
        """Return the votes of the 45 machines, plus less than half a vote for how decided they are."""
        result: Float = self._fitted.decision_function(rows(images))
        return result

    def _trained(self, images: Pixels, labels: Labels) -> SVC:
        pixels = rows(images)
        scale = 1 / float((pixels**2).sum(axis=1).mean())
        machine = SVC(
            C=self.penalty, kernel="poly", degree=self.degree, gamma=scale, coef0=1.0, cache_size=CACHE_MEGABYTES
        )
        return machine.fit(pixels, labels)

    @property
    def _fitted(self) -> SVC:
        assert self.machine is not None, "fit comes before scores"
        return self.machine
