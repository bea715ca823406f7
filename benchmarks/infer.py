"""Images per second, and the time of a single image: our engines beside PyTorch and ONNX Runtime."""

import time
from collections.abc import Callable

import contenders
import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from side_by_side import Timing, alternate, machine, record

from lenet5.data.batches import Examples
from lenet5.data.datasets import load
from lenet5.engines import registry
from lenet5.engines.contract import Weights
from lenet5.engines.initial import first_weights
from lenet5.recipes import catalogue

ROUNDS = 15
SINGLES = 500  # single images a turn


def onnx_session(weights: Weights, threads: int) -> onnxruntime.InferenceSession:
    """Return `archaeology` as an ONNX Runtime session."""
    squash = {"C1": "Relu", "C3": "Relu", "C5": "Relu", "F6": "Relu"}
    nodes, value = [], "x"
    for name in ("C1", "C3", "C5", "F6", "output"):
        kind = "Conv" if name in ("C1", "C3") else "Gemm"
        attributes = {} if kind == "Conv" else {"transB": 1}
        if name == "C5":
            nodes.append(helper.make_node("Flatten", [value], ["flat"]))
            value = "flat"
        nodes.append(helper.make_node(kind, [value, f"{name}.weight", f"{name}.bias"], [name], **attributes))
        value = name
        if name in squash:
            nodes.append(helper.make_node(squash[name], [name], [f"{name}.squashed"]))
            value = f"{name}.squashed"
        if kind == "Conv":
            nodes.append(
                helper.make_node("AveragePool", [value], [f"{name}.pooled"], kernel_shape=[2, 2], strides=[2, 2])
            )
            value = f"{name}.pooled"
    graph = helper.make_graph(
        nodes,
        "archaeology",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 28, 28])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def table(timings: dict[str, Timing], images: int, unit: str) -> list[str]:
    """Return the lines of one table; the ratio is to the fastest of the other side."""
    others = [name for name in timings if "engine" not in name]
    best = min(others, key=lambda name: timings[name].median)
    lines = [f"| contender | {unit}, median (best) | times {best} |", "|---|---|---|"]
    for name, timing in timings.items():
        if unit == "images/s":
            figures = f"{images / timing.median:,.0f} ({images / timing.best:,.0f})"
        else:
            figures = f"{1e6 * timing.median / images:.1f} ({1e6 * timing.best / images:.1f})"
        lines.append(f"| {name} | {figures} | {1 / timing.ratio_to(timings[best]):.2f} |")
    return [*lines, ""]


def many_times(once: Callable[[], object]) -> Callable[[], None]:
    """Return a turn of many single images."""

    def turn() -> None:
        for _ in range(SINGLES):
            once()

    return turn


def main() -> None:
    """Score 10,000 prepared images at once, then one at a time."""
    recipe, data = catalogue.load("archaeology"), load("mnist", "test")
    weights = first_weights(recipe.architecture, recipe.initial, seed=1)
    inputs = Examples(data.images, data.labels, recipe.preparation).inputs(np.arange(len(data.labels)))
    networks = {
        name: registry.get(name).build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
        for name in registry.NAMES
    }
    threads = torch.get_num_threads()
    wide, narrow = onnx_session(weights, threads), onnx_session(weights, 1)
    model = contenders.network(recipe).eval()
    tensor, one = torch.from_numpy(inputs), inputs[:1].copy()

    @torch.inference_mode()
    def torch_scores(batch: torch.Tensor) -> None:
        model(batch)

    np.testing.assert_allclose(wide.run(None, {"x": inputs})[0], networks["native"].scores(inputs), atol=1e-4)
    together = alternate(
        {
            "native engine": lambda: networks["native"].scores(inputs),
            "torch engine": lambda: networks["torch"].scores(inputs),
            "PyTorch": lambda: torch_scores(tensor),
            "ONNX Runtime": lambda: wide.run(None, {"x": inputs}),
        },
        ROUNDS,
    )
    time.sleep(1)
    alone = alternate(
        {
            "native engine": many_times(lambda: networks["native"].scores(one)),
            "numpy engine": many_times(lambda: networks["numpy"].scores(one)),
            "PyTorch": many_times(lambda: torch_scores(tensor[:1])),
            "ONNX Runtime": many_times(lambda: narrow.run(None, {"x": one})),
        },
        ROUNDS,
    )
    lines = [
        f"{machine()}, ONNX Runtime {onnxruntime.__version__}. `archaeology`, inputs prepared; "
        f"{ROUNDS} alternated turns.",
        "",
        f"10,000 images at once, {threads} threads:",
        "",
        *table(together, len(inputs), "images/s"),
        "One image, called from Python, one thread:",
        "",
        *table(alone, SINGLES, "microseconds"),
    ]
    record("Inference", "\n".join(lines))


if __name__ == "__main__":
    main()
