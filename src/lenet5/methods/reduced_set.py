"""Support vector machines with fewer, fitted vectors (Burges 1996; 1998 paper, section III-C.10)."""

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from sklearn.cluster import KMeans

from lenet5.methods.contract import CLASSES, Float, Labels, Pixels, UsesEachNumberOnce
from lenet5.methods.support import Machines, Polynomial, SupportVectors, unit_rows

RIDGE = 1e-6  # added to the kernel of the vectors with themselves, whose diagonal is about 1


@dataclass
class ReducedSet(UsesEachNumberOnce):
    """Ten polynomial support vector machines, each with its own few vectors, which need not be images.

    A machine is a function in the kernel's feature space. The vectors, and their coefficients, are those for which the
    distance from it is smallest; they start as the centres of its support vectors on either side.

    vectors  of each machine: 10 x 83 x 784 pixels are the 650,000 multiply-adds of the paper
    steps    of L-BFGS
    """

    degree: int = 5
    penalty: float = 10.0
    vectors: int = 83
    steps: int = 200
    seeded = True
    machines: list[Machines] = field(default_factory=list, repr=False)

    def _numbers(self) -> tuple[Float, ...]:
        return tuple(array for each in self.machines for array in (each.vectors, each.coefficients))

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        whole = SupportVectors(self.degree, self.penalty)
        whole.fit(images, labels, seed)
        assert whole.machines is not None
        self.machines = [self._reduced(whole.machines, c, seed) for c in range(CLASSES)]

    def scores(self, images: Pixels) -> Float:
        points = unit_rows(images)
        return np.concatenate([each.scores(points) for each in self.machines], axis=1)

    def _reduced(self, machines: Machines, c: int, seed: int) -> Machines:
        """Return the machine of one class, alone, with fewer vectors; its mean over the support vectors is kept."""
        used = machines.coefficients[:, c] != 0
        support, coefficients = machines.vectors[used].astype(float), machines.coefficients[used, c].astype(float)
        vectors = fitted(machines.kernel, support, coefficients, self._centres(support, coefficients, seed), self.steps)
        _, own = distance(machines.kernel, support, coefficients, vectors)
        lost = machines.kernel(support, support) @ coefficients - machines.kernel(support, vectors) @ own
        return Machines(machines.kernel, vectors, own[:, None], machines.constants[c : c + 1] + lost.mean())

    def _centres(self, support: Float, coefficients: Float, seed: int) -> Float:
        """Return centres of the support vectors of either sign, which weigh the same in all."""
        sides = [support[coefficients > 0], support[coefficients < 0]]
        counts = [min(self.vectors // 2, len(sides[0])), min(self.vectors - self.vectors // 2, len(sides[1]))]
        return np.concatenate(
            [
                KMeans(count, n_init=1, max_iter=20, random_state=seed).fit(side).cluster_centers_
                for side, count in zip(sides, counts, strict=True)
            ]
        )


def distance(kernel: Polynomial, support: Float, coefficients: Float, vectors: Float) -> tuple[float, Float]:
    """Return the square of the least distance of `vectors` from a machine, less a constant, and their coefficients."""
    products = kernel(vectors, support) @ coefficients
    own: Float = cho_solve(cho_factor(kernel(vectors, vectors) + RIDGE * np.eye(len(vectors))), products)
    return -float(products @ own), own


def fitted(kernel: Polynomial, support: Float, coefficients: Float, start: Float, steps: int) -> Float:
    """Return the vectors, as many as `start` has, nearest to a machine."""

    def value_and_gradient(flat: Float) -> tuple[float, Float]:
        vectors = flat.reshape(start.shape)
        value, own = distance(kernel, support, coefficients, vectors)
        # The coefficients are the best ones, so their change with the vectors does not count.
        among = (own[:, None] * own * kernel.slope(vectors, vectors)) @ vectors
        across = (own[:, None] * coefficients * kernel.slope(vectors, support)) @ support
        return value, (2 * (among - across)).ravel()

    found = minimize(value_and_gradient, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": steps})
    result: Float = found.x.reshape(start.shape)
    return result
