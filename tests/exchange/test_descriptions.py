"""Files that describe their network: Keras' settings and ONNX' nodes tell what the weights do not."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn

from lenet5.data.datasets import Images
from lenet5.errors import ModelError
from lenet5.exchange import read_weights
from lenet5.exchange.import_model import import_file
from lenet5.exchange.match_shapes import Choices
from lenet5.inference.predictor import Predictor

Layer = tuple[str, dict[str, Any]]
RELU = {"activation": "relu"}


def keras(folder: Path, layers: list[Layer], arrays: dict[str, list[np.ndarray]]) -> Path:
    """Write a file as Keras 3 does: config.json, and each layer's variables by number."""
    described = [{"class_name": kind, "config": own} for kind, own in layers]
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for layer, variables in arrays.items():
            for number, array in enumerate(variables):
                file[f"layers/{layer}/vars/{number}"] = array
    path = folder / "theirs.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": described}}))
        archive.writestr("model.weights.h5", content.getvalue())
    return path


def network(*between: Layer, first: tuple[Layer, ...] = (), function: Any = "relu", **of_c1: Any) -> list[Layer]:
    """A LeNet-5 as Keras describes it, with layers before C1 and after it."""
    own = {"activation": function}
    return [
        *first, ("Conv2D", {"padding": "valid", **own, **of_c1}), *between, ("MaxPooling2D", {}), ("Conv2D", own),
        ("MaxPooling2D", {}), ("Flatten", {}), ("Dense", own), ("Dropout", {}), ("Dense", own),
        ("Dense", {"activation": "softmax"}),
    ]  # fmt: skip


def weights() -> dict[str, list[np.ndarray]]:
    """Random kernels and biases in Keras' shapes."""
    random = np.random.default_rng(1)
    shapes = {"conv2d": (5, 5, 1, 6), "conv2d_1": (5, 5, 6, 16), "dense": (256, 120), "dense_1": (120, 84),
              "dense_2": (84, 10)}  # fmt: skip
    return {
        name: [random.normal(0, 0.1, shape).astype("f4"), np.zeros(shape[-1], "f4")] for name, shape in shapes.items()
    }


@pytest.mark.parametrize(
    ("layers", "known"),
    [
        (network(), {"function": "relu", "pooling": "max", "flattened": "places"}),
        (network(padding="same"), {"frame": "zeros"}),
        (network(first=(("ZeroPadding2D", {"padding": [[2, 2], [2, 2]]}),)), {"frame": "zeros"}),
        (network(first=(("Rescaling", {"scale": 1 / 127.5, "offset": -1.0}),)), {"scale": (-1.0, 1.0)}),
        (network(first=(("Normalization", {"mean": 127.5, "variance": 127.5**2}),)), {"scale": (-1.0, 1.0)}),
        (network(data_format="channels_first"), {"flattened": "maps"}),
        (network(("ReLU", {"max_value": None, "negative_slope": 0.0}), function="linear"), {"function": "relu"}),
        (network(("BatchNormalization", {}), ("Activation", RELU), activation="linear"), {"normalized": "before"}),
        (network(("Activation", RELU), ("BatchNormalization", {}), activation="linear"), {"normalized": "after"}),
        (network(("BatchNormalization", {})), {"normalized": "after"}),
    ],
)
def test_the_settings_of_a_keras_file_are_read(tmp_path: Path, layers: list[Layer], known: dict[str, Any]) -> None:
    found = read_weights.read(keras(tmp_path, layers, weights())).known
    assert {name: found.get(name) for name in known} == {
        name: pytest.approx(value) if name == "scale" else value for name, value in known.items()
    }


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (network(function="elu"), "applies elu between its layers"),
        (network(("LeakyReLU", {"negative_slope": 0.3}), activation="linear"), "applies LeakyReLU"),
        (network(("ReLU", {"max_value": 6.0}), activation="linear"), "applies ReLU"),
        (network(function={"class_name": "function", "config": "mine"}), "applies function"),
        (network(activation="tanh"), "uses relu and tanh; only networks with one function"),
        (network(("AveragePooling2D", {})), "uses average and max; only networks with one pooling"),
    ],
)
def test_a_network_that_ours_cannot_be_is_refused(tmp_path: Path, layers: list[Layer], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read_weights.read(keras(tmp_path, layers, weights()))


def test_a_normalisation_of_the_inputs_is_read_from_its_variables(tmp_path: Path) -> None:
    arrays = weights() | {"normalization": [np.array(51.0), np.array(102.0**2), np.array(100)]}
    found = read_weights.read(keras(tmp_path, network(first=(("Normalization", {}),)), arrays))
    assert found.known["scale"] == pytest.approx((-0.5, 2.0))
    assert len(found.arrays) == 10


def test_epsilon_is_that_of_the_keras_file(tmp_path: Path) -> None:
    norm = [np.ones(6), np.zeros(6), np.zeros(6), np.full(6, 0.5)]
    layers = network(("BatchNormalization", {"epsilon": 0.5}), ("Activation", RELU), activation="linear")
    path = keras(tmp_path, layers, weights() | {"batch_normalization": norm})
    assert read_weights.read(path).arrays["layers.batch_normalization.vars.epsilon"] == 0.5


class Graph:
    """Collects nodes in a line."""

    def __init__(self, byte_input: bool) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.kind = 2 if byte_input else 1
        self.x = "images"

    def add(self, kind: str, *constants: Any, **attributes: Any) -> None:
        names = [f"c{len(self.constants) + number}" for number in range(len(constants))]
        self.constants += [numpy_helper.from_array(np.asarray(c), name) for c, name in zip(constants, names)]  # noqa: B905
        output = f"y{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.x, *names], [output], **attributes))
        self.x = output

    def write(self, path: Path) -> Path:
        images = helper.make_tensor_value_info("images", self.kind, ["N", 1, 28, 28])
        graph = helper.make_graph(self.nodes, "theirs", [images], [], initializer=self.constants)
        onnx.save(helper.make_model(graph), path)
        return path


def as_converted(net: nn.Sequential, scaled: bool = False, function: str = "Relu") -> Graph:
    """A graph as converters from Keras write it: channels last before the flattening, factors beside products."""
    graph = Graph(scaled)
    if scaled:
        graph.add("Cast", to=1)
        graph.add("Div", np.float32(127.5))
        graph.add("Sub", np.float32(1))
    flat = False
    for layer in (layer for layer in net if isinstance(layer, nn.Conv2d | nn.Linear)):
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        if isinstance(layer, nn.Conv2d):
            graph.add("Conv", weight)
            graph.add("Add", bias.reshape(1, -1, 1, 1))
            graph.add(function)
            graph.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
            continue
        if not flat:
            graph.add("Transpose", perm=[0, 2, 3, 1])
            graph.add("Reshape", np.array([-1, 256], np.int64))
            weight = weight.reshape(120, 16, 4, 4).transpose(0, 2, 3, 1).reshape(120, 256)
            flat = True
        graph.add("MatMul", weight.T)
        graph.add("Mul", np.full(len(weight), 2, np.float32))
        graph.add("Add", bias)
        graph.add(function)
    graph.nodes.pop()
    return graph


@pytest.fixture
def net() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


@pytest.mark.parametrize("scaled", [False, True])
def test_a_converted_graph_gives_its_scores(
    net: nn.Sequential, scaled: bool, mnist_folder: Path, digits: Images, tmp_path: Path
) -> None:
    path = as_converted(net, scaled).write(tmp_path / "theirs.onnx")
    said = Choices() if scaled else Choices(scale=(-1.0, 1.0))
    model = import_file(path, said=said, data_folder=mnist_folder).model
    for layer in (layer for layer in net if isinstance(layer, nn.Linear)):
        layer.weight.data *= 2
    inputs = torch.tensor(digits.images[:50], dtype=torch.float32)[:, None] / 127.5 - 1
    expected = net(inputs).detach().numpy()
    np.testing.assert_allclose(Predictor(model).scores(digits.images[:50]), expected, atol=1e-4)  # float32


@pytest.mark.parametrize("function", ["LeakyRelu", "Elu", "Softplus"])
def test_a_graph_with_another_function_is_refused(net: nn.Sequential, function: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"applies {function} between its layers"):
        read_weights.read(as_converted(net, function=function).write(tmp_path / "theirs.onnx"))


def test_padding_before_the_scaling_adds_background(net: nn.Sequential, tmp_path: Path) -> None:
    for order, frame in ((("Pad", "Sub"), "background"), (("Sub", "Pad"), "zeros")):
        graph = Graph(byte_input=True)
        for kind in order:
            graph.add(kind, np.array([0, 0, 2, 2, 0, 0, 2, 2], np.int64) if kind == "Pad" else np.float32(1))
        graph.add("Conv", net[0].weight.detach().numpy())
        assert read_weights.read(graph.write(tmp_path / "theirs.onnx")).known["frame"] == frame
