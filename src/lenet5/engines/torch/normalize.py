"""Batch normalisation and dropout, the two layers that behave differently in training and in inference."""

import torch
from torch import Tensor
from torch.nn import functional

from lenet5.engines.dropout_mask import GOLDEN, threshold
from lenet5.spec.layers import RUNNING_SHARE, VARIANCE_FLOOR

LOW_32_BITS = 0xFFFFFFFF


class BatchNormalization:
    """Batch normalisation, as in the numpy engine.

    training  use the statistics of the batch instead of the running ones
    keeps     in training, update the running statistics with each batch
    """

    def __init__(self, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
        """Take weight, bias and running statistics, (M, C) each; the statistics are updated in place."""
        self.weight, self.bias, self.mean, self.variance = weight, bias, mean.view(-1), variance.view(-1)
        self.training = self.keeps = False

    def __call__(self, x: Tensor) -> Tensor:
        """(M, N, C, H, W) or (M, N, C) -> the same; computed as one normalisation of the M C maps of all networks."""
        running = self.keeps or not self.training
        M, N, C = x.shape[:3]
        maps = x.transpose(0, 1).reshape(N, M * C, *x.shape[3:])
        if self.training and maps.numel() == M * C:
            return self._of_one_number(maps).view(N, M, C, *x.shape[3:]).transpose(0, 1)
        y = functional.batch_norm(
            maps,
            self.mean if running else None,
            self.variance if running else None,
            self.weight.reshape(-1),
            self.bias.reshape(-1),
            self.training,
            RUNNING_SHARE,
            VARIANCE_FLOOR,
        )
        return y.view(N, M, C, *x.shape[3:]).transpose(0, 1)

    def _of_one_number(self, maps: Tensor) -> Tensor:
        """Normalise maps of a single number in training, which PyTorch rejects: without its mean such a map is 0."""
        if self.keeps:
            with torch.no_grad():
                self.mean += RUNNING_SHARE * (maps.flatten() - self.mean)
                self.variance -= RUNNING_SHARE * self.variance
        shape = (-1, *[1] * (maps.dim() - 2))
        return (maps - maps) * self.weight.reshape(shape) + self.bias.reshape(shape)


class Dropout:
    """Set a fraction `share` of the units to 0, by the masks of `engines/dropout_mask.py`.

    keys    (M,) int64: the 32-bit key of each network's epoch
    images  (M, N) int64: the index of each image in that epoch; None turns dropout off
    """

    def __init__(self, share: float, number: int) -> None:
        self.share, self.number = share, number
        self.keys: Tensor | None = None
        self.images: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """(M, N, C, H, W) or (M, N, C) -> the same."""
        if self.images is None or self.keys is None:
            return x
        stays = kept(self.keys, self.number, self.images, x[0, 0].numel(), self.share)
        return x * stays.view(x.shape) / (1 - self.share)


def kept(keys: Tensor, layer: int, images: Tensor, units: int, share: float) -> Tensor:
    """Return the dropout mask (M, N, units): `dropout_mask.kept` on the device, so that each captured step draws it."""
    places = torch.arange(units, device=images.device) * int(GOLDEN)
    of_layer = mixed((keys + layer * int(GOLDEN)) & LOW_32_BITS)
    of_image = mixed(images ^ of_layer[:, None])
    return (mixed((of_image[:, :, None] + places) & LOW_32_BITS) >> 8) >= threshold(share)


def mixed(words: Tensor) -> Tensor:
    """Return `dropout_mask.mixed` of 32-bit words in int64; overflow is harmless, as only the low 32 bits are used."""
    words = ((words ^ (words >> 16)) * 0x7FEB352D) & LOW_32_BITS
    words = ((words ^ (words >> 15)) * 0x846CA68B) & LOW_32_BITS
    return words ^ (words >> 16)
