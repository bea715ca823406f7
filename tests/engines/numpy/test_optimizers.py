"""The NumPy optimizers against their definitions, step by step."""

import numpy as np
import pytest

from lenet5.engines.numpy.optimizers import Sgd
from lenet5.spec import optimizer as plan


@pytest.mark.parametrize("dampening", [0.0, 0.5, 0.99])
def test_damped_momentum_is_the_recursion_that_defines_it(dampening: float) -> None:
    random = np.random.default_rng(1)
    start = random.normal(size=5)
    weights, expected, velocity = {"w": start.copy()}, start.copy(), np.zeros(5)
    settings = plan.Sgd(learning_rate=1.0, momentum=0.99, dampening=dampening, weight_decay=0.1)
    optimizer = Sgd(settings, weights)
    for gradient in random.normal(size=(20, 5)):
        velocity = 0.99 * velocity + (1 - dampening) * (gradient + 0.1 * expected)
        expected = expected - 0.05 * velocity
        optimizer.step(weights, {"w": gradient}, 0.05)
    np.testing.assert_allclose(weights["w"], expected, rtol=1e-12)


def test_dampening_without_momentum_is_refused() -> None:
    with pytest.raises(ValueError, match="needs momentum"):
        plan.Sgd(learning_rate=0.1, dampening=0.5)
