"""Each layer of an architecture as a function of its input.

PyTorch's own operations, but for average pooling on the CPU, which `pool.py` writes out.
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from lenet5.engines.torch.pool import AveragePool
from lenet5.spec import layers as plan
from lenet5.spec.architecture import PlacedLayer

Function = Callable[[Tensor], Tensor]
SQUASH: dict[str, Function] = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


def function_for(placed: PlacedLayer, weights: Mapping[str, Tensor], device: torch.device) -> Function:
    """Return one layer as a function from its input (N, ...) to its output (N, ...).

    weights  the tensors that the function reads at every call, by their names in the architecture
    """
    match placed.layer:
        case plan.Convolution(padding=padding):
            weight, bias = weights[f"{placed.name}.weight"], weights[f"{placed.name}.bias"]
            return partial(functional.conv2d, weight=weight, bias=bias, padding=padding)
        case plan.Dense():
            weight, bias = weights[f"{placed.name}.weight"], weights[f"{placed.name}.bias"]
            return partial(functional.linear, weight=weight, bias=bias)
        case plan.AveragePool(size=size):
            if device.type == "cpu":
                return lambda x: AveragePool.apply(x, size)  # type: ignore[no-untyped-call]
            return partial(functional.avg_pool2d, kernel_size=size)
        case plan.MaxPool(size=size):
            return partial(functional.max_pool2d, kernel_size=size)
        case plan.Activation(function=function):
            return SQUASH[function]
        case plan.Flatten():
            return partial(torch.flatten, start_dim=1)
