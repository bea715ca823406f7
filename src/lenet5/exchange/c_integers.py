"""The layers of a network in integers as readable C99: constants and functions.

`sum_C1` returns one sum of products; `run_C1` pools the sums as they come, shifts them and stores them. A layer writes
over those of its inputs that no later sum reads, so the memory is little larger than the largest array.

Legend, here and in the program: c maps in, k maps or units out, h w row and column, r s the same in a kernel.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.exchange.c_text import constant, indented
from lenet5.exchange.integers import IntegerLayer, IntegerNetwork

FLASH = """\
#ifdef __AVR__ /* constants stay in the flash memory, which has instructions of its own */
#include <avr/pgmspace.h>
#define FLASH PROGMEM
#define FLASH_BYTE(address) pgm_read_byte(address)
#define FLASH_INT32(address) ((int32_t)pgm_read_dword(address))
#else
#define FLASH
#define FLASH_BYTE(address) (*(address))
#define FLASH_INT32(address) (*(address))
#endif
"""
SEPARATE = """\
#ifdef __GNUC__
#define SEPARATE __attribute__((noinline)) /* inside the loops of pooling its loop would run out of registers */
#else
#define SEPARATE
#endif
"""
ACTIVATION = """\
/* ReLU, rounded to 8 bits; larger values saturate. */
static unsigned char activation(int32_t sum, int shift)
{
    if (sum <= 0)
        return 0;
    sum = (sum + (((int32_t)1 << shift) >> 1)) >> shift;
    return (unsigned char)(sum < 255 ? sum : 255);
}
"""
# The products and their pairs fit into 16 bits, which is all that an int has on AVR.
DOT = {
    "int8": """\
/* The sum of n products of weights, from number `first` on, with inputs. */
static int32_t dot(const signed char *weights, int first, const unsigned char *x, int n)
{
    int32_t sum = 0;
    weights += first;
    for (int i = 0; i < n; i++)
        sum += (signed char)FLASH_BYTE(weights + i) * VALUE(x[i]);
    return sum;
}
""",
    "int4": """\
/* The sum of n products of weights, from number `first` on, with inputs. A byte holds two weights plus 8, the first in
 * its lower half. */
static int32_t dot(const unsigned char *weights, int first, const unsigned char *x, int n)
{
    int32_t sum = 0;
    weights += first / 2;
    if (first % 2 && n > 0) {
        sum = ((FLASH_BYTE(weights) >> 4) - 8) * VALUE(x[0]);
        weights++, x++, n--;
    }
    for (; n > 1; weights++, x += 2, n -= 2) {
        const int two = FLASH_BYTE(weights);
        sum += ((two & 15) - 8) * VALUE(x[0]) + ((two >> 4) - 8) * VALUE(x[1]);
    }
    if (n > 0)
        sum += ((FLASH_BYTE(weights) & 15) - 8) * VALUE(x[0]);
    return sum;
}
""",
}


@dataclass(frozen=True)
class Placement:
    """Where each layer but the last writes in the working memory, in bytes from its beginning, and its size."""

    outputs: tuple[int, ...]
    size: int


def placement(layers: Sequence[IntegerLayer]) -> Placement:
    """Return the smallest memory in which the outputs alternate between its end and its beginning."""
    *hidden, _ = layers
    sizes = [prod(layer.output) for layer in hidden]
    size = max(sizes, default=1)
    for number, layer in enumerate(hidden[1:], start=1):
        before = sizes[number - 1]
        to_beginning = number % 2 == 1
        size = max(size, before + (_ahead(layer) if to_beginning else sizes[number]))
    return Placement(tuple(size - taken if number % 2 == 0 else 0 for number, taken in enumerate(sizes)), size)


def _ahead(layer: IntegerLayer) -> int:
    """Return how many bytes before its input a layer may begin to write without touching what it still reads."""
    (_, W, C), (out_H, out_W, K), p = layer.input, layer.output, layer.padding
    h, w = np.divmod(np.arange(out_H * out_W), out_W)
    first_read = ((layer.pool * h - p).clip(min=0) * W + (layer.pool * w - p).clip(min=0)) * C
    still_read = np.minimum.accumulate(first_read[::-1])[::-1]  # by this output pixel or a later one
    written = (np.arange(out_H * out_W) + 1) * K
    return int((written - still_read).max())


def packed(weights: NDArray[np.int8], kind: str) -> NDArray[Any]:
    """Return the weights (K, R, S, C) as they lie in memory: (K, bytes)."""
    rows = weights.reshape(len(weights), -1)
    if kind == "int8":
        return rows
    halves = np.pad(rows + np.int8(8), ((0, 0), (0, rows.shape[1] % 2))).astype(np.uint8)
    return halves[:, ::2] | halves[:, 1::2] << 4


@dataclass(frozen=True)
class Text:
    """A layer's constants, by name, and its functions."""

    constants: dict[str, NDArray[Any]]
    functions: str

    def __str__(self) -> str:
        arrays = (constant(name, array, attribute="FLASH") for name, array in self.constants.items())
        return "".join(arrays) + self.functions


def dot(network: IntegerNetwork) -> str:
    """Return the function that adds products; the offset of a first layer is its last parameter."""
    text = DOT[network.weights]
    if not _has_offset(network):
        return re.sub(r"VALUE\((.*?)\)", r"\1", text)
    return re.sub(r"VALUE\((.*?)\)", r"(\1 - zero)", text).replace("int n)", "int n, int zero)")


def _has_offset(network: IntegerNetwork) -> bool:
    return any(layer.offset for layer in network.layers)


def texts(network: IntegerNetwork) -> list[Text]:
    """Return every layer in C."""
    found = []
    for layer in network.layers:
        name, weights = layer.name, packed(layer.weights, network.weights)
        constants: dict[str, NDArray[Any]] = {f"{name}_weight": weights, f"{name}_bias": layer.bias}
        helper, value = _sum(layer, f", {layer.offset}" if _has_offset(network) else "")
        if layer is network.layers[-1]:
            output, body = "int32_t *scores", _scores(layer, value)
        else:
            constants[f"{name}_shift"] = layer.shifts
            output, body = "unsigned char *y", _stored(layer, value)
        run = f"static void run_{name}(const unsigned char *x, {output})\n{{\n{indented(body)}}}\n"
        found.append(Text(constants, helper + run))
    return found


def _sum(layer: IntegerLayer, zero: str) -> tuple[str, str]:
    """Return the function of one sum, and its call at row h, column w; none where the kernel covers the input."""
    name, p = layer.name, layer.padding
    (H, W, C), (_, R, S, _) = layer.input, layer.weights.shape
    times_C = f" * {C}" if C > 1 else ""
    bias, weight = f"FLASH_INT32({name}_bias + k)", f"{name}_weight[k]"
    if (p, R, S) == (0, H, W):
        return "", f"{bias} + dot({weight}, 0, x, {R * S * C}{zero})"
    if p <= 0:
        place = f"((h + r{_plus(-p)}) * {W} + w{_plus(-p)}){times_C}"
        body = f"""\
for (int r = 0; r < {R}; r++)
    sum += dot({weight}, r * {S * C}, x + {place}, {S * C}{zero});"""
    else:
        place = f"(line * {W} + w + first - {p}){times_C}"
        body = f"""\
const int first = w < {p} ? {p} - w : 0, end = w > {W + p - S} ? {W + p} - w : {S};
for (int r = 0; r < {R}; r++) {{
    const int line = h + r - {p};
    if (line >= 0 && line < {H}) /* nothing lies outside */
        sum += dot({weight}, (r * {S} + first){times_C}, x + {place}, (end - first){times_C}{zero});
}}"""
    return (
        f"""\
static SEPARATE int32_t sum_{name}(const unsigned char *x, int h, int w, int k)
{{
    int32_t sum = {bias};
{indented(body)}    return sum;
}}

""",
        f"sum_{name}(x, {{h}}, {{w}}, k)",
    )


def _plus(number: int) -> str:
    return f" + {number}" if number else ""


def _scores(layer: IntegerLayer, value: str) -> str:
    return f"for (int k = 0; k < {layer.output[2]}; k++)\n    scores[k] = {value.format(h=0, w=0)};"


def _stored(layer: IntegerLayer, value: str) -> str:
    """Return the statements that store a layer's activations."""
    (H, W, K), size = layer.output, layer.pool
    shift = f"FLASH_BYTE({layer.name}_shift + k)"
    if (H, W, size) == (1, 1, 1):
        return f"for (int k = 0; k < {K}; k++)\n    y[k] = activation({value.format(h=0, w=0)}, {shift});"
    if size == 1:
        store = f"*y++ = activation({value.format(h='h', w='w')}, {shift});"
    else:
        gather = (
            "if (sum > 0)\n            gathered += sum;"
            if layer.averages
            else ("if (sum > gathered)\n            gathered = sum;")
        )
        store = f"""\
int32_t gathered = 0;
for (int i = 0; i < {size}; i++)
    for (int j = 0; j < {size}; j++) {{
        const int32_t sum = {value.format(h=f"{size} * h + i", w=f"{size} * w + j")};
        {gather}
    }}
*y++ = activation(gathered, {shift});"""
    return f"""\
for (int h = 0; h < {H}; h++)
    for (int w = 0; w < {W}; w++)
        for (int k = 0; k < {K}; k++) {{
{textwrap.indent(store, " " * 12)}
        }}"""
