"""Convolutions of several networks at once, as matrix products.

The patches under the kernels are copied out once (im2col); the forward pass and both gradients are then batched matrix
products, one for each image. PyTorch's own convolution offers only groups for networks side by side, and its
deterministic gradients are slow for the few maps of a LeNet-5.

Letters: M networks, N images, C maps in, K maps out, k side of a kernel, L positions of a kernel in an image.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional


class Convolution(Function):
    """Convolution of each network's kernels with its own images; stride 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
        """(M, N, C, H, W), (M, K, C, k, k) and (M, K) -> (M, N, K, H', W')."""
        M, N, _, H, W = x.shape
        K, k = weight.shape[1], weight.shape[-1]
        columns = patches(x, k, padding)
        ctx.save_for_backward(columns, weight)
        ctx.padding, ctx.shape = padding, x.shape
        each = bias[:, None, :, None].expand(M, N, K, 1).reshape(M * N, K, 1)
        y = torch.baddbmm(each, _for_each_image(weight, N), columns)
        return y.view(M, N, K, H + 2 * padding - k + 1, W + 2 * padding - k + 1)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        """Return the gradients for x, weight and bias."""
        columns, weight = ctx.saved_tensors
        M, N, K = grad_y.shape[:3]
        rows = grad_y.reshape(M * N, K, -1)
        grad_weight = torch.bmm(rows, columns.mT).view(M, N, -1).sum(1).view(weight.shape)
        grad_bias = rows.view(M, N, K, -1).sum((1, 3))
        if not ctx.needs_input_grad[0]:
            return None, grad_weight, grad_bias, None
        grad_columns = torch.bmm(_for_each_image(weight, N).mT, rows)
        return _put_back(grad_columns, ctx.shape, weight.shape[-1], ctx.padding), grad_weight, grad_bias, None


def patches(x: Tensor, k: int, padding: int) -> Tensor:
    """Return the patch under a kernel at each of its positions: (M, N, C, H, W) -> (M N, C k k, L)."""
    if padding:
        x = functional.pad(x, (padding,) * 4)
    windows = x.unfold(3, k, 1).unfold(4, k, 1)  # (M, N, C, H', W', k, k)
    count = windows.shape[0] * windows.shape[1]
    return windows.permute(0, 1, 2, 5, 6, 3, 4).reshape(count, x.shape[2] * k * k, -1)


def _for_each_image(weight: Tensor, N: int) -> Tensor:
    """Repeat each network's kernels for its images: (M, K, C, k, k) -> (M N, K, C k k); no copy for one network."""
    M, K = weight.shape[:2]
    return weight.reshape(M, 1, K, -1).expand(M, N, K, -1).reshape(M * N, K, -1)


def _put_back(columns: Tensor, shape: torch.Size, k: int, padding: int) -> Tensor:
    """Add each patch to the pixels that it was taken from: (M N, C k k, L) -> (M, N, C, H, W)."""
    H, W = shape[-2:]
    x = functional.fold(columns, (H + 2 * padding, W + 2 * padding), k)
    if padding:
        x = x[:, :, padding:-padding, padding:-padding]
    return x.reshape(shape)
