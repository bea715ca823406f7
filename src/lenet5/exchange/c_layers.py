"""The layers as readable C99: constants and a function for each.

A function `run_C1` reads the floats `x` and writes the floats `y`, which never overlap. An activation or flatten layer
is fused with the layer before it.

Legend, here and in the program: c maps in, k maps or units out, h w row and column, r s the same in a kernel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.connection_table import connection_mask
from lenet5.engines.contract import Weights
from lenet5.exchange.c_text import number
from lenet5.exchange.quantize import in_int8
from lenet5.spec import layers as plan
from lenet5.spec import paper
from lenet5.spec.architecture import PlacedLayer

ACTIVATIONS = {
    "relu": "return a > 0.0f ? a : 0.0f;",
    "tanh": "return tanhf(a);",
    "sigmoid": "return 0.5f * tanhf(0.5f * a) + 0.5f; /* 1 / (1 + exp(-a)), which cannot overflow */",
    "scaled_tanh": f"return {paper.SQUASH_AMPLITUDE:.9g}f * tanhf({paper.SQUASH_SLOPE:.9g}f * a);",
}
Constants = dict[str, NDArray[Any]]
After = Callable[[str], str]


@dataclass(frozen=True)
class CFunction:
    """One function of the program.

    says           description for a comment
    body           its statements
    constants      the constant arrays that it reads, by name
    functions      the activation functions that it calls
    reads, writes  number of floats
    """

    name: str
    says: str
    body: str
    constants: Constants
    functions: frozenset[str]
    reads: int
    writes: int


def c_functions(placed: Sequence[PlacedLayer], weights: Weights, *, int8: bool) -> list[CFunction]:
    """Return the functions in order."""
    found: list[CFunction] = []
    rows = list(placed)
    while rows:
        row = rows.pop(0)
        functions: list[str] = []
        while rows and isinstance(rows[0].layer, plan.Activation | plan.Flatten):
            functions += _function(rows.pop(0))
        if not (isinstance(row.layer, plan.Flatten) and not functions):  # a flatten layer at the beginning does nothing
            found.append(_c_function(row, weights, functions, int8))
    return found


def _function(row: PlacedLayer) -> list[str]:
    return [row.layer.function] if isinstance(row.layer, plan.Activation) else []


def _c_function(row: PlacedLayer, weights: Weights, functions: list[str], int8: bool) -> CFunction:
    """Return one layer's function, with the activations that follow it."""

    def after(value: str) -> str:
        for function in functions:
            value = f"squash_{function}({value})"
        return value

    match row.layer:
        case plan.Convolution():
            body, constants = _convolution(row, weights, after, int8)
        case plan.Dense():
            body, constants = _dense(row, weights, after, int8)
        case plan.Subsample() | plan.AveragePool() | plan.MaxPool():
            body, constants = _pool(row, weights, after)
        case plan.Rbf(factor=factor):
            body, constants = _rbf(row, factor)
        case _:  # an activation or flatten layer before all others
            functions[:0] = _function(row)
            body, constants = f"for (int i = 0; i < {prod(row.input_shape)}; i++)\n    y[i] = {after('x[i]')};", {}
    shapes = " -> ".join("x".join(map(str, shape)) for shape in (row.input_shape, row.output_shape))
    says = ", ".join((f"{row.name}: {row.layer.kind.replace('_', ' ')} {shapes}", *functions))
    name = row.name.replace(".", "_")
    sizes = prod(row.input_shape), prod(row.output_shape)
    return CFunction(name, says, body, constants, frozenset(functions), *sizes)


def _weighted(row: PlacedLayer, weights: Weights, int8: bool) -> tuple[str, Constants]:
    """Return the expression of a value from the sum of products, and the constants of a layer with weights."""
    name, bias = row.name, weights[f"{row.name}.bias"]
    if not int8:
        return f"sum + {name}_bias[k]", {f"{name}_weight": weights[f"{name}.weight"], f"{name}_bias": bias}
    numbers, step = in_int8(weights[f"{name}.weight"])
    # 8-bit integers are exact as floats, and all weights of a sum have the same step.
    return f"{name}_step[k] * sum + {name}_bias[k]", {
        f"{name}_weight": numbers, f"{name}_step": step, f"{name}_bias": bias,
    }  # fmt: skip


def _convolution(row: PlacedLayer, weights: Weights, after: After, int8: bool) -> tuple[str, Constants]:
    assert isinstance(row.layer, plan.Convolution)
    name, R, p = row.name, row.layer.kernel, row.layer.padding
    (C, H, W), (K, out_H, out_W) = row.input_shape, row.output_shape
    value, constants = _weighted(row, weights, int8)
    mask = connection_mask(row)
    sees = ""
    if mask is not None:
        constants[f"{name}_sees"] = mask.astype(np.uint8)
        sees = f"\n                if (!{name}_sees[k][c])\n                    continue;"
    product = f"sum += (float){name}_weight[k][c][r][s] * "
    if p:
        inner = f"""\
                        const int line = h + r - {p}, column = w + s - {p};
                        if (line >= 0 && line < {H} && column >= 0 && column < {W}) /* zeros lie around */
                            {product}x[(c * {H} + line) * {W} + column];"""
    else:
        inner = f"                        {product}x[(c * {H} + h + r) * {W} + w + s];"
    return (
        f"""\
for (int k = 0; k < {K}; k++)
    for (int h = 0; h < {out_H}; h++)
        for (int w = 0; w < {out_W}; w++) {{
            float sum = 0.0f;
            for (int c = 0; c < {C}; c++) {{{sees}
                for (int r = 0; r < {R}; r++)
                    for (int s = 0; s < {R}; s++) {{
{inner}
                    }}
            }}
            y[(k * {out_H} + h) * {out_W} + w] = {after(value)};
        }}""",
        constants,
    )


def _dense(row: PlacedLayer, weights: Weights, after: After, int8: bool) -> tuple[str, Constants]:
    value, constants = _weighted(row, weights, int8)
    return (
        f"""\
for (int k = 0; k < {row.output_shape[0]}; k++) {{
    float sum = 0.0f;
    for (int i = 0; i < {row.input_shape[0]}; i++)
        sum += (float){row.name}_weight[k][i] * x[i];
    y[k] = {after(value)};
}}""",
        constants,
    )


def _pool(row: PlacedLayer, weights: Weights, after: After) -> tuple[str, Constants]:
    assert isinstance(row.layer, plan.Subsample | plan.AveragePool | plan.MaxPool)
    name, size = row.name, row.layer.size
    (C, H, W), (_, out_H, out_W) = row.input_shape, row.output_shape
    first, step, value, constants = "0.0f", "gathered += *pixel;", "gathered", {}
    if isinstance(row.layer, plan.Subsample):
        constants = {f"{name}_{part}": weights[f"{name}.{part}"] for part in ("coefficient", "bias")}
        value = f"{name}_coefficient[k] * gathered + {name}_bias[k]"
    elif isinstance(row.layer, plan.AveragePool):
        value = f"gathered / {size**2}.0f"
    else:
        first, step = "square[0]", "gathered = *pixel > gathered ? *pixel : gathered;"
    return (
        f"""\
for (int k = 0; k < {C}; k++)
    for (int h = 0; h < {out_H}; h++)
        for (int w = 0; w < {out_W}; w++) {{
            const float *square = x + (k * {H} + {size} * h) * {W} + {size} * w;
            float gathered = {first};
            for (int r = 0; r < {size}; r++)
                for (int s = 0; s < {size}; s++) {{
                    const float *pixel = square + r * {W} + s;
                    {step}
                }}
            y[(k * {out_H} + h) * {out_W} + w] = {after(value)};
        }}""",
        constants,
    )


def _rbf(row: PlacedLayer, factor: float) -> tuple[str, Constants]:
    codes = f"{row.name}_codes"
    return (
        f"""\
for (int k = 0; k < {row.output_shape[0]}; k++) {{
    float sum = 0.0f;
    for (int i = 0; i < {row.input_shape[0]}; i++) {{
        const float difference = x[i] - (float){codes}[k][i];
        sum += difference * difference;
    }}
    y[k] = {number(np.float32(-factor))} * sum;
}}""",
        {codes: np.array(paper.codes(), np.int8)},
    )
