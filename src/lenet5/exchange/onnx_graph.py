"""The layers of a foreign ONNX graph: their weights, and the properties of the network in its nodes.

The graph is not run. The nodes through which the images pass are followed from the input; factors and shifts beside a
layer are multiplied into its weights.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.exchange.steps import NORMALIZATION, WEIGHTS, known_of, scale_of

ArrayByName = dict[str, NDArray[Any]]
STEPS = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "MaxPool": "max", "AveragePool": "average"}
NORMALIZATION_PARTS = ("weight", "bias", "running_mean", "running_var")
FORM_ONLY = (
    "Cast", "Constant", "Dropout", "Flatten", "Identity", "Reshape", "Shape", "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip
PLACES = [0, 2, 3, 1]  # the permutation from (image, map, row, column) to (image, row, column, map)
BYTE = 2  # ONNX's number for uint8


class Layers:
    """Follows the images through a graph.

    arrays  n3.weight and n3.bias for the third node; matrices as (units, inputs)
    known   fields of `match_shapes.Choices` that the nodes determine
    """

    def __init__(self, graph: Any, constants: ArrayByName, where: str) -> None:
        """Read the nodes of a graph. Raises ModelError for nodes that our networks do not have."""
        self.arrays: ArrayByName = {}
        self.known: dict[str, Any] = {}
        self._constants = constants
        self._layers: dict[str, str] = {}  # the output of a layer, still without function -> its name in `arrays`
        self._steps: list[str] = []
        self._scaling: tuple[float, float] | None = (1.0, 0.0)  # before the first layer; None is something else
        self._scaling_at_padding: tuple[float, float] | None = None
        made = {name for node in graph.node for name in node.output}
        images = {name for node in graph.node for name in node.input} - made - constants.keys() - {""}
        for number, node in enumerate(graph.node):
            if images.isdisjoint(node.input):
                continue
            if node.op_type != "Shape":
                images.update(node.output)
            self._follow(node, f"n{number}")
        self.known |= known_of(self._steps, where)
        of_bytes = any(value.type.tensor_type.elem_type == BYTE for value in graph.input)
        if self._scaling and (scale := scale_of(*self._scaling, of_bytes=of_bytes)):
            self.known["scale"] = scale
        if self._scaling_at_padding is not None:
            self.known["frame"] = "zeros" if self._scaling_at_padding == self._scaling else "background"

    def _follow(self, node: Any, name: str) -> None:
        own = [self._constants.get(each) for each in node.input]
        weight = own[1] if len(own) > 1 else None
        if node.op_type in ("Conv", "Gemm", "MatMul") and weight is not None and weight.ndim in (2, 4):
            self._layer(node, name, weight, own[2] if len(own) > 2 else None)
        elif node.op_type in ("Add", "Sub", "Mul", "Div") and self._folded(node, own):
            pass
        elif not self._steps:
            self._before_first(node, own)
        elif node.op_type == "BatchNormalization" and all(array is not None for array in own[1:5]):
            parts = zip(NORMALIZATION_PARTS, own[1:5], strict=True)
            self.arrays |= {f"{name}.{part}": array for part, array in parts if array is not None}
            self.arrays[f"{name}.epsilon"] = np.array(attribute(node, "epsilon", 1e-5))
            self._steps.append(NORMALIZATION)
        elif node.op_type not in FORM_ONLY:
            self._steps.append(STEPS.get(node.op_type, node.op_type))
        elif node.op_type == "Transpose" and attribute(node, "perm", []) == PLACES:
            self.known["flattened"] = "places"

    def _layer(self, node: Any, name: str, weight: NDArray[Any], bias: NDArray[Any] | None) -> None:
        if node.op_type == "MatMul" or (node.op_type == "Gemm" and not attribute(node, "transB", 0)):
            weight = weight.T
        if not self._steps and (
            list(attribute(node, "pads", ())) == [2] * 4 or attribute(node, "auto_pad", b"").startswith(b"SAME")
        ):
            self.known["frame"] = "zeros"
        self.arrays[f"{name}.weight"] = weight
        if bias is not None:
            self.arrays[f"{name}.bias"] = bias.reshape(-1)
        self._layers |= dict.fromkeys(node.output, name)
        self._steps.append(WEIGHTS)

    def _folded(self, node: Any, own: list[NDArray[Any] | None]) -> bool:
        """Fold a factor or shift of a layer's outputs into its weights; whether the node is one."""
        layer = next((self._layers[each] for each in node.input if each in self._layers), "")
        constant = next((array for array in own if array is not None), None)
        if not layer or constant is None or (own[0] is not None and node.op_type in ("Sub", "Div")):
            return False
        weight = self.arrays[f"{layer}.weight"].astype(np.float64)
        by_unit = (len(weight), *[1] * (weight.ndim - 2))  # without the axis of images
        if constant.size != 1 and constant.shape[-len(by_unit) :] != by_unit:
            return False
        values = np.broadcast_to(constant.reshape(-1).astype(np.float64), len(weight))
        bias = self.arrays.get(f"{layer}.bias", np.zeros(len(weight)))
        if node.op_type in ("Add", "Sub"):
            bias = bias + (values if node.op_type == "Add" else -values)
        else:
            with np.errstate(divide="ignore"):  # infinities are detected by the caller
                values = values if node.op_type == "Mul" else 1 / values
            self.arrays[f"{layer}.weight"] = weight * values.reshape(-1, *[1] * (weight.ndim - 1))
            bias = bias * values
        self.arrays[f"{layer}.bias"] = bias
        self._layers |= dict.fromkeys(node.output, layer)
        return True

    def _before_first(self, node: Any, own: list[NDArray[Any] | None]) -> None:
        """Follow the scaling and padding of the images before the first layer."""
        if self._scaling is None or node.op_type in FORM_ONLY:
            return
        factor, shift = self._scaling
        constant = next((float(array.item()) for array in own if array is not None and array.size == 1), None)
        is_second = own[0] is None
        match node.op_type:
            case "Add" if constant is not None:
                self._scaling = factor, shift + constant
            case "Sub" if constant is not None:
                self._scaling = (factor, shift - constant) if is_second else (-factor, constant - shift)
            case "Mul" if constant is not None:
                self._scaling = factor * constant, shift * constant
            case "Div" if constant and is_second:
                self._scaling = factor / constant, shift / constant
            case "Pad":
                pads = attribute(node, "pads", own[1] if len(own) > 1 else ())
                if sorted(pads if pads is not None else ())[-5:] == [0, 2, 2, 2, 2]:
                    self._scaling_at_padding = self._scaling
            case _:
                self._scaling = None


def attribute(node: Any, name: str, default: Any) -> Any:
    """Return an attribute of a node, or the default."""
    from onnx import helper

    for found in node.attribute:
        if found.name == name:
            try:
                return helper.get_attribute_value(found)
            except ValueError:
                return default
    return default
