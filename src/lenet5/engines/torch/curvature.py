"""Back-propagation of second derivatives through a layer (1998 paper, equations 23 to 27).

Only the diagonal, in the Gauss-Newton approximation: second derivatives propagate like gradients, but by squared
slopes. For a layer of products they are therefore PyTorch's gradients of the same layer with squared weights and a
squared input.
"""

import torch
from torch import Tensor

from lenet5.engines.torch.layers import function_for, square_sums
from lenet5.spec import layers as plan
from lenet5.spec.architecture import PlacedLayer


def layer_curvature(
    placed: PlacedLayer, x: Tensor, curv_y: Tensor, weights: dict[str, Tensor], at_rbf: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the second derivatives for the layer's input and for each of its weights, for one network.

    x       (1, N, ...) the layer's input       curv_y  (1, N, ...) the second derivatives for its output
    weights (1, ...) each
    at_rbf  the constant for every input of an rbf layer, whatever curv_y is
    """
    match placed.layer:
        case plan.Rbf():
            return torch.full_like(x, at_rbf), {}
        case plan.Convolution() | plan.Dense():
            squares = {name: weights[name].detach().square().requires_grad_() for name in placed.parameter_shapes}
            curv_x, *own = _passed_back(placed, x.square(), curv_y, squares)
            return curv_x, dict(zip(squares, own, strict=True))
        case plan.Subsample(size=size):
            coefficient, bias = placed.parameter_shapes
            squared_sums = square_sums(x, size).square()
            own = [(curv_y * squared_sums).sum((1, 3, 4)), curv_y.sum((1, 3, 4))]
            each = weights[coefficient].detach().square()[:, None, :, None, None] * curv_y
            return _spread(each, size), dict(zip((coefficient, bias), own, strict=True))
        case plan.AveragePool(size=size):
            return _spread(curv_y / size**4, size), {}
        case plan.Activation():
            (slope,) = _passed_back(placed, x, torch.ones_like(curv_y), {})
            return curv_y * slope.square(), {}
        case plan.MaxPool() | plan.Flatten() | plan.Dropout():  # their slopes are 0 and 1
            (curv_x,) = _passed_back(placed, x, curv_y, {})
            return curv_x, {}
        case plan.BatchNormalization():
            raise NotImplementedError("check_second_derivatives rejects batch normalisation")


def _passed_back(placed: PlacedLayer, x: Tensor, grad_y: Tensor, weights: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """Return the gradients of a layer with respect to its input and its weights."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        y = function_for(placed, weights, x.device)(x)
    return torch.autograd.grad(y, [x, *weights.values()], grad_y)


def _spread(y: Tensor, size: int) -> Tensor:
    """Copy each number to every pixel of its square."""
    return y.repeat_interleave(size, 3).repeat_interleave(size, 4)
