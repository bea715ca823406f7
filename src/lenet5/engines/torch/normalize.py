"""Batch normalisation and dropout: the two layers that do something else in training than in use."""

import torch
from torch import Tensor
from torch.nn import functional

from lenet5.engines.chance import GOLDEN, threshold
from lenet5.spec.layers import RUNNING_SHARE, VARIANCE_FLOOR

LOW_32_BITS = 0xFFFFFFFF


class BatchNormalization:
    """Over a batch in training, where `keeps` lets the batch into the running statistics; see the numpy engine."""

    def __init__(self, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
        """Take weight, bias and running statistics, (M, C) each; the statistics are updated in place."""
        self.weight, self.bias, self.mean, self.variance = weight, bias, mean.view(-1), variance.view(-1)
        self.training = self.keeps = False

    def __call__(self, x: Tensor) -> Tensor:
        """(M, N, C, H, W) or (M, N, C) -> the same: the maps of all networks are maps side by side."""
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
        """Normalise maps of one number each in training, which PyTorch refuses: mean taken away, 0 is left."""
        if self.keeps:
            with torch.no_grad():
                self.mean += RUNNING_SHARE * (maps.flatten() - self.mean)
                self.variance -= RUNNING_SHARE * self.variance
        shape = (-1, *[1] * (maps.dim() - 2))
        return (maps - maps) * self.weight.reshape(shape) + self.bias.reshape(shape)


class Dropout:
    """Leave out so large a `share` of the units, as `engines/chance.py` decides; without `images` none.

    keys    (M,) int64: the 32 bits of each network's epoch
    images  (M, N) int64: each image's number in that epoch
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
    """Return which units stay, (M, N, units): `chance.kept` on the device, so that a captured step can draw anew."""
    places = torch.arange(units, device=images.device) * int(GOLDEN)
    of_layer = mixed((keys + layer * int(GOLDEN)) & LOW_32_BITS)
    of_image = mixed(images ^ of_layer[:, None])
    return (mixed((of_image[:, :, None] + places) & LOW_32_BITS) >> 8) >= threshold(share)


def mixed(words: Tensor) -> Tensor:
    """Return `chance.mixed` of 32-bit words in int64; a product that overflows keeps its low bits, which count."""
    words = ((words ^ (words >> 16)) * 0x7FEB352D) & LOW_32_BITS
    words = ((words ^ (words >> 15)) * 0x846CA68B) & LOW_32_BITS
    return words ^ (words >> 16)
