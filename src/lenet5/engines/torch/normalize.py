"""Batch normalisation and dropout: the two layers that do something else in training than in use."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lenet5.engines.chance import kept
from lenet5.spec.layers import RUNNING_SHARE, VARIANCE_FLOOR


class BatchNormalization:
    """Over a batch in training, where `keep_statistics` lets the batch into the running ones; see the numpy engine."""

    def __init__(self, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
        self.weight, self.bias, self.mean, self.variance = weight, bias, mean, variance
        self.training = self.keeps = False

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, H, W) or (N, C) -> the same."""
        running = self.keeps or not self.training
        return functional.batch_norm(
            x,
            self.mean if running else None,
            self.variance if running else None,
            self.weight,
            self.bias,
            self.training,
            RUNNING_SHARE,
            VARIANCE_FLOOR,
        )


class Dropout:
    """Leave out so large a `share` of the units, decided by `engines/chance.py`; without `images` none."""

    def __init__(self, share: float, number: int) -> None:
        self.share, self.number = share, number
        self.images: Tensor | None = None
        self.key = 0

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, H, W) or (N, C) -> the same."""
        if self.images is None:
            return x
        images = self.images.cpu().numpy().astype(np.int64)
        stays = kept(self.key, self.number, images, x[0].numel(), self.share)
        return x * torch.from_numpy(stays).to(x.device, x.dtype).view(x.shape) / (1 - self.share)
