"""Each layer of an architecture as a function of its input, for M networks side by side.

The first axis of inputs and weights counts networks; a single network has M = 1. The operations are PyTorch's, except
average pooling on the CPU (`pool.py`) and convolution (`convolution.py`).
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from lenet5.engines.connection_table import connection_mask
from lenet5.engines.torch.convolution import Convolution
from lenet5.engines.torch.normalize import BatchNormalization, Dropout
from lenet5.engines.torch.pool import AveragePool
from lenet5.spec import layers as plan
from lenet5.spec import paper
from lenet5.spec.architecture import Architecture, PlacedLayer

Function = Callable[[Tensor], Tensor]


def convolution(x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """Return (M, N, K, H', W') for (M, N, C, H, W), (M, K, C, k, k) and (M, K)."""
    y: Tensor
    if len(weight) == 1 and x.device.type != "cuda":
        y = functional.conv2d(x.squeeze(0), weight.squeeze(0), bias.squeeze(0), padding=padding).unsqueeze(0)
    else:
        y = Convolution.apply(x, weight, bias, padding)  # type: ignore[no-untyped-call]
    return y


def dense(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return (M, N, K) for (M, N, C), (M, K, C) and (M, K)."""
    if len(weight) == 1:
        return functional.linear(x.squeeze(0), weight.squeeze(0), bias.squeeze(0)).unsqueeze(0)
    return torch.baddbmm(bias[:, None], x, weight.mT)


def scaled_tanh(x: Tensor) -> Tensor:
    """Return A tanh(S x) (1998 paper, equation 6)."""
    return paper.SQUASH_AMPLITUDE * torch.tanh(paper.SQUASH_SLOPE * x)


def subsample(x: Tensor, coefficient: Tensor, bias: Tensor, size: int) -> Tensor:
    """Return the sum of each square, times a coefficient, plus a bias, (M, C) each."""
    return coefficient[:, None, :, None, None] * square_sums(x, size) + bias[:, None, :, None, None]


def square_sums(x: Tensor, size: int) -> Tensor:
    """Add up the pixels of each square: (M, N, C, H, W) -> (M, N, C, H/size, W/size)."""
    return pooled(partial(functional.avg_pool2d, kernel_size=size, divisor_override=1), x)


def pooled(pool: Function, x: Tensor) -> Tensor:
    """Apply a function of (N, C, H, W) to the images of all networks."""
    y = pool(x.flatten(0, 1))
    return y.view(*x.shape[:2], *y.shape[1:])


def rbf(x: Tensor, codes: Tensor, factor: float) -> Tensor:
    """Return minus `factor` times the squared distance of x (M, N, C) from each code (K, C): (M, N, K)."""
    return -factor * (x[:, :, None] - codes).square().sum(3)


ACTIVATIONS: dict[str, Function] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "scaled_tanh": scaled_tanh,
}


def function_for(placed: PlacedLayer, weights: Mapping[str, Tensor], device: torch.device, number: int = 0) -> Function:
    """Return one layer as a function from its input (M, N, ...) to its output (M, N, ...).

    number   index of the layer in its network, which decides the dropout mask
    weights  the tensors (M, ...) that the function reads at every call, by their names in the architecture
    """
    own = [weights[name] for name in placed.parameter_shapes]
    match placed.layer:
        case plan.Convolution(padding=padding):
            weight, bias = own
            table = connection_mask(placed)
            if table is None:
                return partial(convolution, weight=weight, bias=bias, padding=padding)
            # The product keeps the weights of missing connections at 0: their gradient is 0, too.
            mask = torch.tensor(table, dtype=weight.dtype, device=device)[:, :, None, None]
            return lambda x: convolution(x, weight * mask, bias, padding)
        case plan.Subsample(size=size):
            coefficient, bias = own
            return partial(subsample, coefficient=coefficient, bias=bias, size=size)
        case plan.Dense():
            weight, bias = own
            return partial(dense, weight=weight, bias=bias)
        case plan.Rbf(factor=factor):
            codes = torch.tensor(paper.codes(), dtype=torch.get_default_dtype(), device=device)
            return lambda x: rbf(x, codes.to(x.dtype), factor)
        case plan.AveragePool(size=size):
            if device.type == "cpu":
                return partial(pooled, lambda x: AveragePool.apply(x, size))  # type: ignore[no-untyped-call]
            return partial(pooled, partial(functional.avg_pool2d, kernel_size=size))
        case plan.MaxPool(size=size):
            return partial(pooled, partial(functional.max_pool2d, kernel_size=size))
        case plan.BatchNormalization():
            return BatchNormalization(*own)
        case plan.Dropout(share=share):
            return Dropout(share, number)
        case plan.Activation(function=function):
            return ACTIVATIONS[function]
        case plan.Flatten():
            return partial(torch.flatten, start_dim=2)


def functions(architecture: Architecture, arrays: Mapping[str, Tensor], device: torch.device) -> dict[str, Function]:
    """Return the layers of networks with these weights (M, ...), by name."""
    return {placed.name: function_for(placed, arrays, device, i) for i, placed in enumerate(architecture.placed)}
