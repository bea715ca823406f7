"""Batch normalisation (Ioffe and Szegedy 2015): each map gets mean 0 and variance 1 over the batch.

    x^ = (x - mean) / sqrt(variance + VARIANCE_FLOOR),    y = weight x^ + bias

Mean and variance are those of the batch in training, and running averages otherwise.
"""

import numpy as np

from lenet5.engines.contract import Float, Weights
from lenet5.spec.layers import RUNNING_SHARE, VARIANCE_FLOOR


class BatchNormalization:
    """Batch normalisation of C maps or C units."""

    def __init__(self, weight: Float, bias: Float, mean: Float, variance: Float) -> None:
        self.parameters: Weights = {"weight": weight, "bias": bias}
        self.gradients: Weights = {}
        self.curvatures: Weights = {}
        self.mean, self.variance = mean, variance
        self.training = False
        self._batch_mean, self._batch_variance, self._count = mean, variance, 0

    def forward(self, x: Float) -> Float:
        """(N, C, H, W) or (N, C) -> the same."""
        self._axes = (0, 2, 3)[: x.ndim - 1]
        if self.training:
            self._count = x.size // x.shape[1]
            self._batch_mean, self._batch_variance = x.mean(axis=self._axes), x.var(axis=self._axes)
        mean, variance = (self._batch_mean, self._batch_variance) if self.training else (self.mean, self.variance)
        self._scale = 1 / np.sqrt(variance + VARIANCE_FLOOR)
        self._normal = (x - self._wide(mean, x)) * self._wide(self._scale, x)
        y: Float = self._wide(self.parameters["weight"], x) * self._normal + self._wide(self.parameters["bias"], x)
        return y

    def backward(self, grad_y: Float) -> Float:
        """The gradient through the batch's statistics, too: its components along shift and scale of a map cancel."""
        x_hat, axes = self._normal, self._axes
        self.gradients = {"weight": (grad_y * x_hat).sum(axis=axes), "bias": grad_y.sum(axis=axes)}
        shift, stretch = (self._wide(self.gradients[name] / self._count, x_hat) for name in ("bias", "weight"))
        grad_x: Float = self._wide(self.parameters["weight"] * self._scale, x_hat) * (grad_y - shift - x_hat * stretch)
        return grad_x

    def keep_statistics(self) -> None:
        """Update the running statistics with the last batch, using the unbiased variance (divided by n - 1)."""
        of_sample = self._batch_variance * self._count / max(self._count - 1, 1)
        for running, batch in ((self.mean, self._batch_mean), (self.variance, of_sample)):
            running += RUNNING_SHARE * (batch - running)

    def curvature(self, curv_y: Float) -> Float:
        """Not defined, because an image's outputs depend on the whole batch; the network raises EngineError first."""
        raise NotImplementedError

    def _wide(self, values: Float, x: Float) -> Float:
        """Reshape one value for each map so that it broadcasts over x."""
        return values.reshape(-1, *[1] * (x.ndim - 2))
