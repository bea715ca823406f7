"""Support vector machines with polynomial kernels (1998 paper, section III-C.10), one for each class against the rest.

Most images lie far behind the margin and have no part in a machine. So each is trained on a few images, then on its
support vectors and the images on the wrong side of its margin, until there are none (chunking, Vapnik 1982).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from lenet5.methods.contract import CLASSES, Float, Labels, Pixels, UsesEachNumberOnce, rows

Indices = NDArray[np.int64]
SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # down and right, in pixels
FIRST = 5_000  # images that every machine is first trained on
AT_ONCE = 2_000  # most images that join a machine's between two trainings
BLOCK = 2_000  # images whose kernel is computed at once
SLACK = 0.01  # of the margin: an image less far beyond it need not join


def shifted(images: Pixels, down: int, right: int) -> Pixels:
    """Return images (N, S, S) moved by whole pixels, background moving in."""
    height, width = images.shape[1:]
    result = np.zeros_like(images)
    result[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = images[
        :, max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)
    ]
    return result


def unit_rows(images: Pixels) -> Float:
    """Return images as rows of length 1, (N, S * S); an empty one stays 0."""
    pixels = rows(images)
    lengths = np.sqrt((pixels**2).sum(axis=1, keepdims=True))
    result: Float = pixels / np.where(lengths == 0, 1, lengths)
    return result


@dataclass(frozen=True)
class Polynomial:
    """The kernel ((x y + 1) / 2)^degree, which is 1 for an image of length 1 and itself."""

    degree: int

    def __call__(self, x: Float, y: Float) -> Float:
        """Return the kernel of all rows of x with all of y."""
        result: Float = ((x @ y.T + 1) / 2) ** self.degree
        return result

    def slope(self, x: Float, y: Float) -> Float:
        """Return the kernel's derivative with respect to the inner products."""
        result: Float = self.degree / 2 * ((x @ y.T + 1) / 2) ** (self.degree - 1)
        return result


@dataclass(frozen=True)
class Machines:
    """Machines with common vectors: one score is the kernel with each vector times its coefficient, and a constant.

    vectors       (n, D)
    coefficients  (n, machines)
    constants     (machines,)
    """

    kernel: Polynomial
    vectors: Float
    coefficients: Float
    constants: Float

    def scores(self, points: Float) -> Float:
        """Return the scores of points (N, D): (N, machines)."""
        parts = [
            self.kernel(points[begin : begin + BLOCK], self.vectors) @ self.coefficients
            for begin in range(0, len(points), BLOCK)
        ]
        result: Float = np.concatenate(parts) + self.constants
        return result


def trained(
    points: Float, labels: Labels, kernel: Polynomial, penalty: float, *, first: int = FIRST
) -> tuple[Machines, Indices]:
    """Return the ten machines for points (N, D) and their labels, and which points are their vectors.

    penalty  C, of a point on the wrong side of the margin
    first    number of points that every machine is first trained on
    """
    every = np.unique(np.linspace(0, len(points) - 1, min(first, len(points))).astype(np.int64))
    chosen, dual, constants = [every] * CLASSES, np.zeros((len(points), CLASSES)), np.zeros(CLASSES)
    waiting = list(range(CLASSES))
    while waiting:
        for c in waiting:
            dual[:, c] = 0
            dual[chosen[c], c], constants[c] = _solved(points[chosen[c]], labels[chosen[c]] == c, kernel, penalty)
        support = np.flatnonzero(dual.any(axis=1))
        machines = Machines(kernel, points[support], dual[support].astype(points.dtype), constants)
        beyond = 1 - SLACK - np.where(labels[:, None] == np.arange(CLASSES), 1, -1) * machines.scores(points)
        for c in waiting:
            beyond[chosen[c], c] = 0
        worst = {c: _largest(beyond[:, c]) for c in waiting}
        waiting = [c for c in waiting if len(worst[c])]
        for c in waiting:
            chosen[c] = np.union1d(np.flatnonzero(dual[:, c]), worst[c])
    return machines, support


def _largest(values: Float) -> Indices:
    """Return where the largest positive values are."""
    order = np.argsort(-values, kind="stable")[:AT_ONCE]
    result: Indices = order[values[order] > 0]
    return result


def _solved(points: Float, positive: NDArray[np.bool_], kernel: Polynomial, penalty: float) -> tuple[Float, float]:
    """Return each point's coefficient in one machine, and the machine's constant."""
    machine = SVC(C=penalty, kernel="precomputed").fit(kernel(points, points).astype(np.float64), positive)
    coefficients = np.zeros(len(points))
    coefficients[machine.support_] = machine.dual_coef_[0]
    return coefficients, float(machine.intercept_[0])


@dataclass
class SupportVectors(UsesEachNumberOnce):
    """Polynomial support vector machines on images of length 1.

    penalty  C, of an image on the wrong side of the margin
    virtual  train once more on the support vectors and the same moved by one pixel in four directions
             (Schoelkopf, Burges and Vapnik 1996)
    """

    degree: int = 4
    penalty: float = 10.0
    virtual: bool = False
    seeded = False
    machines: Machines | None = field(default=None, repr=False)

    def _numbers(self) -> tuple[Float, ...]:
        return self._fitted.vectors, self._fitted.coefficients

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        kernel = Polynomial(self.degree)
        self.machines, support = trained(unit_rows(images), labels, kernel, self.penalty)
        if self.virtual:
            images, labels = images[support], labels[support]
            moved = [images, *(shifted(images, *shift) for shift in SHIFTS)]
            points = unit_rows(np.concatenate(moved))
            self.machines, _ = trained(points, np.tile(labels, len(moved)), kernel, self.penalty)

    def scores(self, images: Pixels) -> Float:
        return self._fitted.scores(unit_rows(images))

    @property
    def _fitted(self) -> Machines:
        assert self.machines is not None, "fit comes before scores"
        return self.machines
