"""Export of a model as an ONNX graph: uint8 images in, scores and probabilities out, for any batch size.

The graph is built from the architecture, node by node, under the layers' names, and includes the preparation.
"""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.data.prepare import SIDE
from lenet5.distribution import install
from lenet5.engines.contract import Weights
from lenet5.errors import ModelError
from lenet5.exchange.ready import ready, stretch
from lenet5.inference.predictor import Predictor
from lenet5.models.model import Model
from lenet5.spec import layers as plan
from lenet5.spec import paper
from lenet5.spec.architecture import PlacedLayer
from lenet5.spec.preparation import Preparation

OPSET = 13  # from 2020, supported by every current runtime
FORMAT = 7  # the ONNX file format of the same time
BATCHES = 1, 64
TOLERANCE = 1e-4  # relative to the largest score; float32 sums in another order differ by about 1e-6
INPUT, SCORES, PROBABILITIES = "images", "scores", "probabilities"
FUNCTIONS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}


@dataclass(frozen=True)
class Agreement:
    """Agreement of ONNX Runtime with our own scores, with `batch` images at a time.

    largest_difference  between any two scores
    largest_score       the largest of ours, in absolute value
    same_answers        whether every image gets the same answer
    """

    batch: int
    images: int
    largest_difference: float
    largest_score: float
    same_answers: bool


def build(model: Model) -> bytes:
    """Return the graph as the content of an ONNX file, checked by ONNX's own checker.

    Its input is `images`, uint8 (N, 28, 28), 0 = background; its outputs are `scores` and `probabilities`, float32
    (N, classes), where the probabilities are the softmax of the scores. The metadata hold the names of the classes,
    the card, the architecture and the preparation, each as JSON.

    Raises ModelError when the package onnx is not installed.
    """
    if find_spec("onnx") is None:
        raise ModelError(f"ONNX files need the package onnx: {install('onnx')}")
    import onnx  # takes a while to import
    from onnx import TensorProto, helper

    model = ready(model)
    graph = _Graph()
    x = _preparation(graph, model.preparation)
    for placed in model.architecture.placed:
        x = _layer(graph, placed, x, model.weights)
    graph.node("Identity", x, name=SCORES, output=SCORES)
    graph.node("Softmax", SCORES, name=PROBABILITIES, output=PROBABILITIES, axis=1)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", model.architecture.classes])
        for name in (SCORES, PROBABILITIES)
    ]
    images = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["N", SIDE, SIDE])
    whole = helper.make_model(
        helper.make_graph(graph.nodes, "lenet5", [images], outputs, initializer=graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=FORMAT,
        producer_name="lenet5",
        producer_version=model.card.lenet5_version,
        doc_string=f"LeNet-5, {model.card.recipe}; images: uint8 (N, {SIDE}, {SIDE}), 0 = background, 255 = ink",
    )
    helper.set_model_props(whole, _metadata(model))
    onnx.checker.check_model(whole, full_check=True)
    content: bytes = whole.SerializeToString()
    return content


def compare(content: bytes, predictor: Predictor, images: NDArray[np.uint8]) -> list[Agreement] | None:
    """Compare the scores of an ONNX file with ours, 1 and 64 images at a time; None without ONNX Runtime.

    Raises ModelError when the scores differ.
    """
    if find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    ours = predictor.scores(images)
    found = []
    for batch in BATCHES:
        parts = [images[start : start + batch] for start in range(0, len(images), batch)]
        theirs = np.concatenate([session.run([SCORES], {INPUT: np.ascontiguousarray(part)})[0] for part in parts])
        difference, reach = float(np.abs(theirs - ours).max()), float(np.abs(ours).max())
        if not difference <= TOLERANCE * max(1.0, reach):  # also true for NaN
            raise ModelError(
                f"ONNX Runtime's scores differ from ours by {difference:.3g} with {batch} images at a time, where they "
                f"reach {reach:.3g}; nothing is written. Please report this."
            )
        same = bool((theirs.argmax(axis=1) == ours.argmax(axis=1)).all())
        found.append(Agreement(batch, len(images), difference, reach, same))
    return found


class _Graph:
    """The nodes and constants so far. Values are referred to by name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant, and return its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name))
        return name

    def node(self, kind: str, *inputs: str, name: str, output: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return the output's name."""
        from onnx import helper

        output = output or f"{name}.y"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=name, **attributes))
        return output


def _preparation(graph: _Graph, preparation: Preparation) -> str:
    """Add the preparation of `data/prepare.py`: (N, 28, 28) uint8 -> (N, 1, S, S) float32."""
    step = np.array((preparation.ink - preparation.background) / 255, np.float32)
    background = graph.constant("preparation.background", np.array(preparation.background, np.float32))
    x = graph.node("Cast", INPUT, name="preparation.cast", to=1)  # 1 is float32
    x = graph.node("Mul", x, graph.constant("preparation.step", step), name="preparation.scale")
    x = graph.node("Add", x, background, name="preparation.shift")
    if preparation.resize is not None:
        # Matrix products, as in data/prepare.py; the node Resize would have to round 28 times 32/28.
        across = stretch(preparation.resize).astype(np.float32)
        x = graph.node("MatMul", x, graph.constant("preparation.across", across.T), name="preparation.resize_lines")
        x = graph.node("MatMul", graph.constant("preparation.down", across), x, name="preparation.resize_columns")
    if preparation.padding:
        p = preparation.padding
        edges = graph.constant("preparation.edges", np.array([0, p, p, 0, p, p], np.int64))
        x = graph.node("Pad", x, edges, background, name="preparation.padding", mode="constant")
    maps = graph.constant("preparation.maps", np.array([1], np.int64))
    return graph.node("Unsqueeze", x, maps, name="input")


def _layer(graph: _Graph, placed: PlacedLayer, x: str, weights: Weights) -> str:
    """Add one layer with input x, and return its output's name."""
    name = placed.name

    def own() -> list[str]:
        return [graph.constant(part, weights[part]) for part in placed.parameter_shapes]

    match placed.layer:
        case plan.Convolution(padding=p):
            return graph.node("Conv", x, *own(), name=name, pads=[p] * 4)
        case plan.Subsample(size=size):
            # A kernel for each map, filled with the map's coefficient: the weighted sum of the square, plus the bias.
            coefficient, bias = (weights[part] for part in placed.parameter_shapes)
            kernels = np.tile(coefficient[:, None, None, None], (1, 1, size, size))
            constants = graph.constant(f"{name}.coefficient", kernels), graph.constant(f"{name}.bias", bias)
            return graph.node("Conv", x, *constants, name=name, strides=[size] * 2, group=len(coefficient))
        case plan.AveragePool(size=size):
            return graph.node("AveragePool", x, name=name, kernel_shape=[size] * 2, strides=[size] * 2)
        case plan.MaxPool(size=size):
            return graph.node("MaxPool", x, name=name, kernel_shape=[size] * 2, strides=[size] * 2)
        case plan.Dense():
            return graph.node("Gemm", x, *own(), name=name, transB=1)
        case plan.Rbf(factor=factor):
            return _rbf(graph, name, x, factor)
        case plan.Activation(function="scaled_tanh"):
            slope = graph.constant(f"{name}.slope", np.array(paper.SQUASH_SLOPE, np.float32))
            amplitude = graph.constant(f"{name}.amplitude", np.array(paper.SQUASH_AMPLITUDE, np.float32))
            x = graph.node("Tanh", graph.node("Mul", x, slope, name=f"{name}.inner"), name=f"{name}.tanh")
            return graph.node("Mul", x, amplitude, name=name)
        case plan.Activation(function=function):
            return graph.node(FUNCTIONS[function], x, name=name)
        case plan.Flatten():
            return graph.node("Flatten", x, name=name, axis=1)
    raise AssertionError(f"{name} is not a layer at inference")


def _rbf(graph: _Graph, name: str, x: str, factor: float) -> str:
    """Add minus `factor` times the squared distance from each code: (N, 84) -> (N, 10)."""
    axis = {at: graph.constant(f"{name}.axis{at}", np.array([at], np.int64)) for at in (1, 2)}
    x = graph.node("Unsqueeze", x, axis[1], name=f"{name}.beside")  # (N, 1, 84)
    codes = graph.constant(f"{name}.codes", np.array(paper.codes(), np.float32))
    x = graph.node("Sub", x, codes, name=f"{name}.differences")  # (N, 10, 84)
    x = graph.node("Mul", x, x, name=f"{name}.squares")
    x = graph.node("ReduceSum", x, axis[2], name=f"{name}.distances", keepdims=0)
    return graph.node("Mul", x, graph.constant(f"{name}.factor", np.array(-factor, np.float32)), name=name)


def _metadata(model: Model) -> dict[str, str]:
    return {
        "class_names": json.dumps(model.card.class_names),
        "card": model.card.model_dump_json(),
        "architecture": model.architecture.model_dump_json(),
        "preparation": model.preparation.model_dump_json(),
    }
