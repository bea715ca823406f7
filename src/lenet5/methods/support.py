"""Support vector machines with polynomial kernels (1998 paper, section III-C.10).

scikit-learn trains a machine for each of the 45 pairs of classes; those of the paper were ten, one against the rest.
"""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from sklearn.svm import SVC

from lenet5.methods.contract import Float, Labels, Pixels, UsesEachNumberOnce, rows
from lenet5.methods.linear import votes_of

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
class SupportVectors(UsesEachNumberOnce):
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

    def _numbers(self) -> tuple[Float, ...]:
        return (self._fitted.support_vectors_,)

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


@dataclass
class ReducedSet(SupportVectors):
    """A support vector machine whose sums over support vectors are replaced by sums over fewer of them (after Burges).

    vectors  how many are kept: 829 x 784 pixels are the 650,000 multiply-adds of the paper

    Burges (1996) moves the kept vectors, too; here they are chosen among the support vectors, each the one that the
    others chosen so far represent worst (pivoted Cholesky), and their coefficients are those of the nearest function.
    """

    degree: int = 5
    vectors: int = 829
    chosen: Float = field(default_factory=lambda: np.empty((0, 0)), repr=False)  # (vectors, pixels)
    coefficients: Float = field(default_factory=lambda: np.empty((0, 0)), repr=False)  # (vectors, 45)

    def _numbers(self) -> tuple[Float, ...]:
        return (self.chosen,)

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        super().fit(images, labels, seed)
        vectors = self._fitted.support_vectors_.astype(np.float64)
        kept = self._worst_represented(vectors)
        self.chosen = vectors[kept]
        among, across = self._kernel(self.chosen, self.chosen), self._kernel(self.chosen, vectors)
        ridge = 1e-8 * np.trace(among) / len(among) * np.eye(len(among))
        self.coefficients = np.linalg.solve(among + ridge, across @ pair_coefficients(self._fitted))

    def scores(self, images: Pixels) -> Float:
        decisions = self._kernel(rows(images).astype(np.float64), self.chosen) @ self.coefficients
        return votes_of(decisions + self._fitted.intercept_)

    def _kernel(self, a: Float, b: Float) -> Float:
        result: Float = (self._fitted.gamma * (a @ b.T) + 1) ** self.degree
        return result

    def _worst_represented(self, vectors: Float) -> list[int]:
        """Return which of the vectors (N, D) are kept, in the order of the choice."""
        left = (self._fitted.gamma * (vectors**2).sum(axis=1) + 1) ** self.degree  # of each vector's square, (N,)
        columns = np.zeros((len(vectors), min(self.vectors, len(vectors))))
        kept: list[int] = []
        for step in range(columns.shape[1]):
            worst = int(left.argmax())
            kept.append(worst)
            column = self._kernel(vectors, vectors[worst : worst + 1])[:, 0] - columns[:, :step] @ columns[worst, :step]
            columns[:, step] = column / np.sqrt(left[worst])
            left = np.maximum(left - columns[:, step] ** 2, 0)
        return kept


def pair_coefficients(machine: SVC) -> Float:
    """Return each support vector's coefficient in each of the machines for two classes: (vectors, 45).

    The machine for classes i < j has row j - 1 of `dual_coef_` for the vectors of i, and row i for those of j.
    """
    counts = machine.n_support_
    ends = np.cumsum(counts)
    of_class = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
    result = np.zeros((len(machine.support_vectors_), len(counts) * (len(counts) - 1) // 2))
    for pair, (i, j) in enumerate(combinations(range(len(counts)), 2)):
        result[of_class[i], pair] = machine.dual_coef_[j - 1, of_class[i]]
        result[of_class[j], pair] = machine.dual_coef_[i, of_class[j]]
    return result
