"""Weights from ONNX files: the constants of each layer, whatever their names. The graph is not run."""

from collections.abc import Sequence
from importlib.util import find_spec
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.budget import Budget
from lenet5.distribution import install
from lenet5.errors import ModelError
from lenet5.exchange.onnx_graph import Layers

ArrayByName = dict[str, NDArray[Any]]
DTYPES = {1: "float32", 10: "float16", 11: "float64", 6: "int32", 7: "int64"}  # by ONNX's numbers
MOST_NODES = 1_000


def read(content: bytes, where: str, most_numbers: int) -> tuple[ArrayByName, dict[str, str], dict[str, Any]]:
    """Return arrays by name, the file's metadata, and properties of the network in the graph. Raises ModelError."""
    if find_spec("onnx") is None:
        raise ModelError(f"{where}: ONNX files need the package onnx: {install('onnx')}")
    import onnx  # takes a while to import

    try:
        model = onnx.ModelProto.FromString(content)
    except Exception as error:  # a damaged or hostile file can raise anything in a reader
        raise ModelError(f"{where}: not a readable ONNX file ({str(error)[:100]}).") from None
    if not _is_text(model):
        raise ModelError(f"{where}: not a readable ONNX file (a name in it is not UTF-8).")
    nodes = len(model.graph.node)
    if not 0 < nodes <= MOST_NODES:
        raise ModelError(f"{where}: a graph of {nodes:,} nodes, expected those of a LeNet-5; is it an ONNX file?")
    constants = _constants(model.graph, Budget(where, most_numbers, "numbers", ModelError), where)
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    if "architecture" in metadata:
        return _of_an_export(constants), metadata, {}
    layers = Layers(model.graph, constants, where)
    if not layers.arrays:
        raise ModelError(f"{where}: its graph has no convolution and no product with constant weights.")
    return layers.arrays, metadata, layers.known


def _is_text(message: Any) -> bool:
    """Whether all strings of a message are valid; for invalid UTF-8 the library returns bytes."""
    for field, value in message.ListFields():
        values = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]
        if field.type == field.TYPE_STRING and any(isinstance(each, bytes) for each in values):
            return False
        if field.type == field.TYPE_MESSAGE and not all(map(_is_text, values)):
            return False
    return True


def _of_an_export(constants: ArrayByName) -> ArrayByName:
    """Return the weights among the constants of one of our own exports, which keep our names.

    There the coefficient of a trained S2 or S4 is a kernel filled with the same number.
    """
    weights = {name: array for name, array in constants.items() if name.endswith((".weight", ".bias", ".coefficient"))}
    return {name: array[:, 0, 0, 0] if name.endswith(".coefficient") and array.ndim == 4 and array.size else array
            for name, array in weights.items()}  # fmt: skip


def _constants(graph: Any, budget: Budget, where: str) -> ArrayByName:
    from onnx import numpy_helper

    told = [(tensor.name, tensor) for tensor in graph.initializer]
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            told += [(node.output[0], a.t) for a in node.attribute if a.name == "value" and a.HasField("t")]
    found = {}
    for name, tensor in told:
        if tensor.data_location:
            raise ModelError(f"{where}: {name} is stored in another file; use an ONNX file that contains its weights.")
        if tensor.data_type not in DTYPES:
            continue  # strings, booleans and the like are not weights
        if any(size < 0 for size in tensor.dims):
            raise ModelError(f"{where}: {name} has a negative size; the file is damaged.")
        budget.take(prod(tensor.dims), name)
        try:
            found[name] = np.asarray(numpy_helper.to_array(tensor))
        except Exception as error:  # as above
            raise ModelError(f"{where}: {name} cannot be read ({str(error)[:100]}).") from None
    return found
