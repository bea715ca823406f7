"""Weights from ONNX files: the constants of each layer, under PyTorch's names.

The graph is not run. Its nodes determine the role of their constants, whatever their names, and some properties of the
network: the activation, the pooling, the padding of the first convolution.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.budget import Budget
from lenet5.distribution import install
from lenet5.errors import ModelError

ArrayByName = dict[str, NDArray[Any]]
FUNCTIONS = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid"}
POOLINGS = {"MaxPool": "max", "AveragePool": "average"}
NORMALIZATION = ("weight", "bias", "running_mean", "running_var")
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
    nodes = list(model.graph.node)
    if not nodes or len(nodes) > MOST_NODES:
        raise ModelError(f"{where}: a graph of {len(nodes):,} nodes, expected those of a LeNet-5; is it an ONNX file?")
    constants = _constants(model.graph, Budget(where, most_numbers, "numbers", ModelError), where)
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    if "architecture" in metadata:
        return _of_an_export(constants), metadata, {}
    return _by_layer(nodes, constants, where), metadata, _known(nodes)


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


def _by_layer(nodes: list[Any], constants: ArrayByName, where: str) -> ArrayByName:
    """Name each layer's constants: n3.weight and n3.bias for the third node, matrices as (units, inputs)."""
    found: ArrayByName = {}
    products: dict[str, tuple[str, int]] = {}  # the output of a product -> the layer's name, and its units
    for number, node in enumerate(nodes):
        own = [constants.get(name) for name in node.input]
        weight = own[1] if len(own) > 1 else None
        name = f"n{number}"
        if node.op_type == "Conv" and weight is not None:
            found[f"{name}.weight"] = weight
        elif node.op_type == "Gemm" and weight is not None and weight.ndim == 2:
            found[f"{name}.weight"] = weight if _attribute(node, "transB", 0) else weight.T
        elif node.op_type == "MatMul" and weight is not None and weight.ndim == 2:
            found[f"{name}.weight"] = weight.T
            products[node.output[0] if node.output else ""] = name, weight.shape[1]
            continue
        elif node.op_type == "BatchNormalization" and all(array is not None for array in own[1:5]):
            found |= {f"{name}.{part}": own[1 + place] for place, part in enumerate(NORMALIZATION)}  # type: ignore[misc]
            found[f"{name}.epsilon"] = np.array(_attribute(node, "epsilon", 1e-5))
            continue
        elif node.op_type == "Add":
            layer, units = next((products[i] for i in node.input if i in products), ("", 0))
            biases = [array for array in own if array is not None and array.size == units]
            if layer and biases:
                found[f"{layer}.bias"] = biases[0].reshape(-1)
            continue
        else:
            continue
        if len(own) > 2 and (bias := own[2]) is not None:
            found[f"{name}.bias"] = bias
    if not found:
        raise ModelError(f"{where}: its graph has no convolution and no product with constant weights.")
    return found


def _known(nodes: list[Any]) -> dict[str, Any]:
    """Return function, pooling and frame from the nodes, where they are unambiguous."""
    functions = {FUNCTIONS[node.op_type] for node in nodes if node.op_type in FUNCTIONS}
    poolings = {POOLINGS[node.op_type] for node in nodes if node.op_type in POOLINGS}
    known: dict[str, Any] = {}
    if len(functions) == 1:
        known["function"] = functions.pop()
    if len(poolings) == 1:
        known["pooling"] = poolings.pop()
    first = next((node for node in nodes if node.op_type == "Conv"), None)
    if first is not None and list(_attribute(first, "pads", ())) == [2] * 4:
        known["frame"] = "zeros"
    return known


def _attribute(node: Any, name: str, default: Any) -> Any:
    from onnx import helper

    for attribute in node.attribute:
        if attribute.name == name:
            try:
                return helper.get_attribute_value(attribute)
            except ValueError:
                return default
    return default
