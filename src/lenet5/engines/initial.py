"""First weights, the same for every engine.

pytorch   what `torch.nn.Conv2d` and `torch.nn.Linear` draw by default: weights and biases uniform in
          +-1/sqrt(fan-in)
scratch   what reproduction 003 draws: convolutions normal with variance 2 / maps in (the kernel's area is
          left out of the fan-in), dense layers normal with variance 2 / inputs, biases normal with variance 1
"""

from collections.abc import Mapping
from math import prod, sqrt
from typing import Literal

import numpy as np

from lenet5.engines.contract import Weights
from lenet5.seeds import stream
from lenet5.spec.layers import Shape


def first_weights(shapes: Mapping[str, Shape], rule: Literal["pytorch", "scratch"], seed: int) -> Weights:
    """Return float32 arrays of the given shapes, drawn by a rule.

    shapes  name -> shape, in the order of the layers, each bias after its weight
    """
    random = stream(seed, "weights")
    drawn: Weights = {}
    fan_in = 1
    for name, shape in shapes.items():
        if name.endswith(".weight"):
            fan_in = prod(shape[1:])
        if rule == "pytorch":
            bound = 1 / sqrt(fan_in)
            values = random.uniform(-bound, bound, shape)
        elif name.endswith(".bias"):
            values = random.normal(0.0, 1.0, shape)
        else:
            values = random.normal(0.0, sqrt(2 / shape[1]), shape)
        drawn[name] = values.astype(np.float32)
    return drawn
