"""Nearest neighbours by tangent distance: small distortions cost nothing (Simard, LeCun and Denker 1993).

Each image spans a plane of its small translations, rotation, scaling, two hyperbolic deformations and thickness; the
distance between two images is that of their planes. It is computed for the candidates that are nearest by Euclidean
distance alone, as the 1998 paper does (section III-C.9).
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter

from lenet5.methods.contract import CLASSES, Float, Labels, Pixels, rows
from lenet5.methods.neighbours import squared_distances

CHUNK = 100  # images whose candidates are compared at once
TANGENTS = 7


def tangents(images: Float) -> Float:
    """Return orthonormal rows that span each image's small distortions: (N, S, S) -> (N, 7, S * S)."""
    size = images.shape[1]
    down, right = np.gradient(images, axis=(1, 2))
    middle = (size - 1) / 2
    y, x = np.meshgrid(np.arange(size) - middle, np.arange(size) - middle, indexing="ij")
    fields = (
        right,
        down,
        y * right - x * down,  # rotation
        x * right + y * down,  # scaling
        x * right - y * down,  # parallel hyperbolic
        y * right + x * down,  # diagonal hyperbolic
        right**2 + down**2,  # thickness
    )
    spanning = np.stack([each.reshape(len(images), -1) for each in fields], axis=2)  # (N, pixels, 7)
    basis: Float = np.linalg.qr(spanning)[0].transpose(0, 2, 1).astype(np.float32)
    return basis


def tangent_distances(image: Float, own: Float, others: Float, planes: Float) -> Float:
    """Return the squared distances (M,) from an image's plane to those of M others.

    image, own      (D,) and the orthonormal basis of its plane (T, D)
    others, planes  (M, D) and their bases (M, T, D)

    With A and B the two bases and e the difference, the nearest points lie along u and v with
    (I - CC') u = A e - C B e and v = C' u - B e, where C = A B'; what is left is e - A'u + B'v.
    """
    difference = image - others  # (M, D)
    along_own, along = difference @ own.T, np.einsum("mtd,md->mt", planes, difference)
    cross = np.einsum("td,msd->mts", own, planes, optimize=True)  # (M, T, T)
    ridge = 1e-4 * np.eye(len(own), dtype=np.float32)  # planes may share a direction
    system = (1 + 1e-4) * np.eye(len(own), dtype=np.float32) - cross @ cross.transpose(0, 2, 1) + ridge
    u = np.linalg.solve(system, (along_own - np.einsum("mts,ms->mt", cross, along))[..., None])[..., 0]
    v = np.einsum("mts,mt->ms", cross, u) - along
    left = difference - u @ own + np.einsum("ms,msd->md", v, planes)
    result: Float = (left**2).sum(axis=1)
    return result


@dataclass
class TangentDistance:
    """The class of the training image with the smallest tangent distance.

    candidates  training images that Euclidean distance proposes
    smoothing   standard deviation in pixels of the Gaussian that makes the images differentiable
    """

    candidates: int = 100
    smoothing: float = 0.5
    seeded = False
    prototypes: Float = field(default_factory=lambda: np.empty((0, 0)), repr=False)  # (N, pixels), smoothed
    planes: Float = field(default_factory=lambda: np.empty((0, 0, 0)), repr=False)  # (N, 7, pixels)
    labels: Labels = field(default_factory=lambda: np.empty(0, np.int64), repr=False)

    @property
    def multiply_adds(self) -> int:
        """Euclidean distances to all, then for each candidate the products of the planes and what is left."""
        pixels = int(self.prototypes.shape[1])
        return int(self.prototypes.size) + self.candidates * pixels * (TANGENTS**2 + 4 * TANGENTS)

    @property
    def memory(self) -> int:
        """The images; their planes are computed when they are needed, or kept as 7 times as many numbers."""
        return self.prototypes.size

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        smooth = self._smoothed(images)
        self.prototypes, self.labels = smooth.reshape(len(images), -1), labels
        self.planes = np.empty((len(images), TANGENTS, self.prototypes.shape[1]), np.float16)
        for begin in range(0, len(images), 5000):
            self.planes[begin : begin + 5000] = tangents(smooth[begin : begin + 5000])

    def scores(self, images: Pixels) -> Float:
        """Return minus the tangent distance of each class's nearest candidate; of a class without any, of the last."""
        smooth = self._smoothed(images)
        samples, planes = smooth.reshape(len(images), -1), tangents(smooth)
        result = np.empty((len(images), CLASSES))
        for begin in range(0, len(images), CHUNK):
            euclidean = squared_distances(samples[begin : begin + CHUNK], self.prototypes)
            nearest = np.argpartition(euclidean, self.candidates - 1, axis=1)[:, : self.candidates]
            for i, chosen in enumerate(nearest, start=begin):
                near = self.prototypes[chosen], self.planes[chosen].astype(np.float32)
                distances = np.sqrt(tangent_distances(samples[i], planes[i], *near))
                result[i] = -distances.max()
                np.maximum.at(result[i], self.labels[chosen], -distances)
        return result

    def _smoothed(self, images: Pixels) -> Float:
        size = images.shape[1]
        smooth: Float = gaussian_filter(rows(images).reshape(-1, size, size), (0, self.smoothing, self.smoothing))
        return smooth
