"""Dropout (Srivastava et al. 2014): in training, random units are set to 0 and the others scaled up."""

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Float
from lenet5.engines.dropout_mask import kept
from lenet5.engines.numpy.layer import WithoutWeights


class Dropout(WithoutWeights):
    """Set a fraction `share` of the units to 0 in training; the mask comes from `engines/dropout_mask.py`.

    number  index of the layer in the architecture
    """

    def __init__(self, share: float, number: int) -> None:
        super().__init__()
        self.share, self.number = share, number
        self.images: NDArray[np.int64] | None = None  # the batch's indices; None: dropout is off
        self.key = 0

    def forward(self, x: Float) -> Float:
        """(N, C, H, W) or (N, C) -> the same."""
        self._factor = np.ones((), x.dtype)
        if self.images is not None:
            stays = kept(self.key, self.number, self.images, x[0].size, self.share).reshape(x.shape)
            self._factor = stays.astype(x.dtype) / x.dtype.type(1 - self.share)
        return x * self._factor

    def backward(self, grad_y: Float) -> Float:
        """The gradient through the same mask and scale."""
        return grad_y * self._factor

    def curvature(self, curv_y: Float) -> Float:
        """The same with the factor squared."""
        return curv_y * self._factor**2
