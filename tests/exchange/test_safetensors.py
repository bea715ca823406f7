"""Plain weights: they load into PyTorch by name, and come back as they were."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from lenet5 import api
from lenet5.data.datasets import Images
from lenet5.exchange import to_safetensors
from lenet5.exchange.import_model import import_file
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.models.model import Model


def test_the_weights_load_into_a_module_of_pytorch(trained: Path, digits: Images, tmp_path: Path) -> None:
    api.export(trained, tmp_path / "plain.safetensors", to="safetensors")
    net = nn.Sequential()
    for name, layer in (
        ("C1", nn.Conv2d(1, 6, 5)), ("a", nn.ReLU()), ("S2", nn.AvgPool2d(2)),
        ("C3", nn.Conv2d(6, 16, 5)), ("b", nn.ReLU()), ("S4", nn.AvgPool2d(2)), ("flat", nn.Flatten()),
        ("C5", nn.Linear(256, 120)), ("c", nn.ReLU()), ("F6", nn.Linear(120, 84)), ("d", nn.ReLU()),
        ("output", nn.Linear(84, 10)),
    ):  # fmt: skip
        net.add_module(name, layer)
    net.load_state_dict(load_file(tmp_path / "plain.safetensors"))
    inputs = torch.tensor(digits.images[:500], dtype=torch.float32)[:, None] / 127.5 - 1
    theirs = net(inputs).detach().numpy()
    np.testing.assert_allclose(theirs, api.load(trained).scores(digits.images[:500]), atol=2e-5)  # float32


@pytest.mark.parametrize("name", ["archaeology", "lecun-1998", "lab-report"])
def test_our_own_export_comes_back_as_it_was(untrained: Callable[[str], Model], tmp_path: Path, name: str) -> None:
    model = untrained(name)
    path = tmp_path / "plain.safetensors"
    path.write_bytes(to_safetensors.build(model))
    again = import_file(path).model
    assert (again.architecture, again.preparation, again.card) == (model.architecture, model.preparation, model.card)
    assert {name: array.tobytes() for name, array in again.weights.items()} == {
        name: array.tobytes() for name, array in model.weights.items()
    }
    model_file.write(again, tmp_path / "model.safetensors")
    model_file.read(tmp_path / "model.safetensors")


def test_the_codes_of_the_output_are_in_the_file(
    untrained: Callable[[str], Model], digits: Images, tmp_path: Path
) -> None:
    model = untrained("lecun-1998")
    (tmp_path / "plain.safetensors").write_bytes(to_safetensors.build(model))
    codes = load_file(tmp_path / "plain.safetensors")["output.codes"].numpy()
    predictor = Predictor(model)
    states = predictor.activations(digits.images[:20])["F6.scaled_tanh"]
    expected = -0.5 * ((states[:, None] - codes) ** 2).sum(axis=2)  # the recipe's factor is 1/2
    np.testing.assert_allclose(predictor.scores(digits.images[:20]), expected, rtol=1e-5)  # float32, 84 squares
