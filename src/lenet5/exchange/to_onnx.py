"""Export of a model as an ONNX graph: images in, scores and probabilities out, for any batch size or a fixed one.

The graph is built from the architecture, node by node, under the layers' names, and includes the preparation.
"""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.data.prepare import stretch
from lenet5.distribution import install
from lenet5.engines.contract import Weights
from lenet5.errors import ModelError
from lenet5.exchange.for_export import ready
from lenet5.inference.predictor import Predictor
from lenet5.models.model import Model
from lenet5.spec import layers as plan
from lenet5.spec import paper
from lenet5.spec.architecture import PlacedLayer
from lenet5.spec.digits import SIDE
from lenet5.spec.preparation import Preparation

OPSET = 13  # from 2020, supported by every current runtime
FORMAT = 7  # the ONNX file format of the same time
BATCHES = 1, 64
MOST_IMAGES = 4_096  # in a fixed batch
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


@dataclass(frozen=True)
class Form:
    """The form of a graph's input.

    batch   number of images, if it is fixed
    floats  whether the images are float32 (N, 1, 28, 28), 0..255, as OpenCV's blobFromImage gives them, instead of
            uint8 (N, 28, 28)

    Raises ModelError for a batch that is not from 1 to MOST_IMAGES.
    """

    batch: int | None = None
    floats: bool = False

    def __post_init__(self) -> None:
        """Check the batch."""
        if self.batch is not None and not 1 <= self.batch <= MOST_IMAGES:
            raise ModelError(f"a batch of {self.batch:,} images; a fixed batch has 1 to {MOST_IMAGES:,}.")

    def images(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return images (N, 28, 28) as an input of the graph."""
        return images[:, None].astype(np.float32) if self.floats else np.ascontiguousarray(images)


ANY = Form()


def build(model: Model, form: Form = ANY) -> bytes:
    """Return the graph as the content of an ONNX file, checked by ONNX's own checker.

    Its input is `images`, in the form given, 0 = background; its outputs are `scores` and `probabilities`, float32
    (N, classes), where the probabilities are the softmax of the scores. The metadata hold the names of the classes,
    the card, the architecture and the preparation, each as JSON.

    OpenCV's module dnn loads every form.

    Raises ModelError when the package onnx is not installed.
    """
    if find_spec("onnx") is None:
        raise ModelError(f"ONNX files need the package onnx: {install('onnx')}")
    import onnx  # takes a while to import
    from onnx import TensorProto, helper

    model = ready(model)
    graph = _Graph()
    x = _preparation(graph, model.preparation, form)
    for placed in model.architecture.placed:
        x = _layer(graph, placed, x, model.weights)
    graph.node("Identity", x, name=SCORES, output=SCORES)
    graph.node("Softmax", SCORES, name=PROBABILITIES, output=PROBABILITIES, axis=1)
    count = form.batch or "N"
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [count, model.architecture.classes])
        for name in (SCORES, PROBABILITIES)
    ]
    element, kind, shape = "uint8", TensorProto.UINT8, [count, SIDE, SIDE]
    if form.floats:
        element, kind, shape = "float32", TensorProto.FLOAT, [count, 1, SIDE, SIDE]
    sizes = ", ".join(map(str, shape))
    images = helper.make_tensor_value_info(INPUT, kind, shape)
    whole = helper.make_model(
        helper.make_graph(graph.nodes, "lenet5", [images], outputs, initializer=graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=FORMAT,
        producer_name="lenet5",
        producer_version=model.card.lenet5_version,
        doc_string=f"LeNet-5, {model.card.recipe}; images: {element} ({sizes}), 0 = background, 255 = ink",
    )
    helper.set_model_props(whole, _metadata(model))
    onnx.checker.check_model(whole, full_check=True)
    content: bytes = whole.SerializeToString()
    return content


def compare(
    content: bytes, predictor: Predictor, images: NDArray[np.uint8], form: Form = ANY
) -> list[Agreement] | None:
    """Compare the scores of an ONNX file with ours; None without ONNX Runtime.

    The images are given 1 and 64 at a time, or as many as the batch has, and those that fill no batch are left out.

    Raises ModelError when the scores differ.
    """
    if find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    images = images[: len(images) - len(images) % (form.batch or 1)]
    ours = predictor.scores(images)
    found = []
    for batch in [form.batch] if form.batch else BATCHES:
        parts = [form.images(images[start : start + batch]) for start in range(0, len(images), batch)]
        theirs = np.concatenate([session.run([SCORES], {INPUT: part})[0] for part in parts])
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


def _preparation(graph: _Graph, preparation: Preparation, form: Form) -> str:
    """Add the preparation of `data/prepare.py`: images -> (N, 1, S, S) float32.

    Images are resized and padded before they are scaled, with 0 where the padding would be `background` afterwards:
    OpenCV's node Pad can add nothing but 0.
    """
    x = INPUT
    if not form.floats:
        x = graph.node("Cast", x, name="preparation.cast", to=1)  # 1 is float32
        shape = graph.constant("preparation.shape", np.array([-1, 1, SIDE, SIDE], np.int64))
        x = graph.node("Reshape", x, shape, name="preparation.maps")  # OpenCV's Unsqueeze needs a fixed batch
    if preparation.resize is not None:
        # Matrix products, as in data/prepare.py; the node Resize would have to round 28 times 32/28.
        across = stretch(SIDE, preparation.resize).astype(np.float32)
        x = graph.node("MatMul", x, graph.constant("preparation.across", across.T), name="preparation.resize_lines")
        x = graph.node("MatMul", graph.constant("preparation.down", across), x, name="preparation.resize_columns")
    if preparation.padding:
        p = preparation.padding
        edges = graph.constant("preparation.edges", np.array([0, 0, p, p, 0, 0, p, p], np.int64))
        x = graph.node("Pad", x, edges, name="preparation.padding", mode="constant")
    step = np.array((preparation.ink - preparation.background) / 255, np.float32)
    background = graph.constant("preparation.background", np.array(preparation.background, np.float32))
    x = graph.node("Mul", x, graph.constant("preparation.step", step), name="preparation.scale")
    return graph.node("Add", x, background, name="input")


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
    codes = np.array(paper.codes(), np.float32)  # (10, 84)
    x = graph.node("Concat", *[x] * len(codes), name=f"{name}.beside", axis=1)  # (N, 840): OpenCV broadcasts no classes
    x = graph.node("Sub", x, graph.constant(f"{name}.codes", codes.reshape(1, -1)), name=f"{name}.differences")
    x = graph.node("Mul", x, x, name=f"{name}.squares")
    shape = graph.constant(f"{name}.shape", np.array([-1, *codes.shape], np.int64))
    x = graph.node("Reshape", x, shape, name=f"{name}.by_class")  # (N, 10, 84)
    axis = graph.constant(f"{name}.axis", np.array([2], np.int64))
    x = graph.node("ReduceSum", x, axis, name=f"{name}.distances", keepdims=0)
    return graph.node("Mul", x, graph.constant(f"{name}.factor", np.array(-factor, np.float32)), name=name)


def _metadata(model: Model) -> dict[str, str]:
    return {
        "class_names": json.dumps(model.card.class_names),
        "card": model.card.model_dump_json(),
        "architecture": model.architecture.model_dump_json(),
        "preparation": model.preparation.model_dump_json(),
    }
