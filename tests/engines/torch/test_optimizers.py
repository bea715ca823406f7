import numpy as np
import pytest
import torch

from lenet5.engines.torch.optimizers import optimizer_for
from lenet5.spec import optimizer as plan

CASES = [
    (plan.Sgd(learning_rate=0.1), torch.optim.SGD, {}),
    (
        plan.Sgd(learning_rate=0.1, momentum=0.9, weight_decay=0.01),
        torch.optim.SGD,
        {"momentum": 0.9, "weight_decay": 0.01},
    ),
    (plan.Adam(), torch.optim.Adam, {}),
    (
        plan.Adam(beta1=0.8, beta2=0.95, epsilon=1e-4, weight_decay=0.1),
        torch.optim.Adam,
        {"betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1},
    ),
    (plan.Adam(beta1=0.0), torch.optim.Adam, {"betas": (0.0, 0.999)}),
]


@pytest.mark.parametrize(("settings", "theirs", "options"), CASES)
@pytest.mark.parametrize(("number_type", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_ten_steps_equal_those_of_torch_optim(settings, theirs, options, number_type, tolerance):
    random = torch.Generator().manual_seed(1)
    ours = torch.randn(50, dtype=number_type, generator=random)
    copy = ours.clone().requires_grad_()
    optimizer, judge = optimizer_for(settings, ours), theirs([copy], lr=0.1, **options)
    for step in range(10):
        judge.param_groups[0]["lr"] = learning_rate = 0.1 / (step + 1)
        copy.grad = torch.randn(50, dtype=number_type, generator=random)
        optimizer.step(ours, copy.grad.clone(), torch.tensor(learning_rate, dtype=number_type))
        judge.step()
    np.testing.assert_allclose(ours.numpy(), copy.detach().numpy(), rtol=0, atol=tolerance)
