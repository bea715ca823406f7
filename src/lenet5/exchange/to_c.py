"""Export of a model as C99: one header and one source file that need only tanhf of the C library, for tanh and sigmoid.

Nothing is allocated. The caller provides the working memory, because on small machines the stack is often too small;
it may be static, on the stack or shared, and calls with separate memory may run concurrently. Arrays between layers
alternate between the two ends of this memory, so that it is as large as the largest two successive arrays together.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.data.prepare import stretch
from lenet5.errors import ModelError
from lenet5.exchange.c_layers import ACTIVATIONS, CFunction, Constants, c_functions
from lenet5.exchange.c_program import PIXELS, Interface, Program, checked_prefix, header, names, predict
from lenet5.exchange.c_text import comment, constant, indented
from lenet5.exchange.for_export import ready
from lenet5.models.model import Model
from lenet5.spec.digits import SIDE
from lenet5.spec.preparation import Preparation

WEIGHTS = ("float", "int8")


def build(model: Model, *, weights: str = "float", prefix: str = "lenet5") -> Program:
    """Return a program that computes the model.

    weights  "float", or "int8": see `quantize.py`
    prefix   prefix of the file names and of all exported identifiers

    Raises ModelError for other weights, and for a prefix that cannot begin a name in C.
    """
    if weights not in WEIGHTS:
        raise ModelError(f'weights are "{weights}"; a program in C can have {" or ".join(WEIGHTS)}.')
    checked_prefix(prefix)
    model = ready(model)
    prepare, tables = _preparation(model.preparation)
    row = c_functions(model.architecture.placed, model.weights, int8=weights == "int8")
    memory = _memory_floats(row)
    interface = Interface("float", "float", "FLOATS", memory, 4)
    arrays = [*tables.values(), *(array for c_function in row for array in c_function.constants.values())]
    constants_bytes = sum(array.nbytes for array in arrays)
    source = "\n".join(
        [
            f'#include "{prefix}.h"\n',
            _activations(row),
            "".join(constant(name, array) for name, array in tables.items()),
            f"static void prepare(const unsigned char *image, float *y)\n{{\n{indented(prepare)}}}\n",
            *(_function(c_function) for c_function in row),
            predict(prefix, _calls(row, memory), model.architecture.classes, interface),
            names(prefix, model),
        ]
    )
    head = header(prefix, model, interface, weights=weights, scores="large is good", constants_bytes=constants_bytes)
    return Program(prefix, head, source, constants_bytes, 4 * memory)


def _memory_floats(row: list[CFunction]) -> int:
    """Return the size of the working memory, used by all functions but the last, which writes the caller's scores."""
    return max(row[-1].reads, *(c_function.reads + c_function.writes for c_function in row[:-1]), 0)


def _preparation(preparation: Preparation) -> tuple[str, Constants]:
    """Return the statements that prepare inputs from bytes, as `data/prepare.py` does, and their tables."""
    S, p = preparation.side(), preparation.padding
    tables: dict[str, NDArray[Any]] = {"pixel_input": np.array(preparation.scale(), np.float32)}
    if preparation.resize is None and not p:
        return f"for (int i = 0; i < {PIXELS}; i++)\n    y[i] = pixel_input[image[i]];", tables
    if preparation.resize is None:
        return (
            f"""\
for (int h = 0; h < {S}; h++)
    for (int w = 0; w < {S}; w++) {{
        const int line = h - {p}, column = w - {p};
        const int inside = line >= 0 && line < {SIDE} && column >= 0 && column < {SIDE};
        y[h * {S} + w] = pixel_input[inside ? image[line * {SIDE} + column] : 0];
    }}""",
            tables,
        )
    across = stretch(SIDE, S)  # each row has one nonzero entry, or two adjacent ones
    first = (across > 0).argmax(axis=1).clip(max=SIDE - 2)
    shares = np.stack([across[np.arange(S), first], across[np.arange(S), first + 1]], axis=1)
    tables |= {"first": first.astype(np.uint8), "share": shares.astype(np.float32)}
    return (
        f"""\
for (int h = 0; h < {S}; h++)
    for (int w = 0; w < {S}; w++) {{
        const unsigned char *upper = image + first[h] * {SIDE} + first[w], *lower = upper + {SIDE};
        const float above = share[w][0] * pixel_input[upper[0]] + share[w][1] * pixel_input[upper[1]];
        const float below = share[w][0] * pixel_input[lower[0]] + share[w][1] * pixel_input[lower[1]];
        y[h * {S} + w] = share[h][0] * above + share[h][1] * below;
    }}""",
        tables,
    )


def _activations(row: list[CFunction]) -> str:
    """Return the activation functions of one number, with the headers they include."""
    used = sorted({function for c_function in row for function in c_function.functions})
    text = "#include <math.h>\n\n" if set(used) - {"relu"} else ""
    return text + "\n".join(f"static float squash_{name}(float a)\n{{\n    {ACTIVATIONS[name]}\n}}\n" for name in used)


def _function(c_function: CFunction) -> str:
    arrays = "".join(constant(name, array) for name, array in c_function.constants.items())
    says, body = f"/* {comment(c_function.says)} */\n", indented(c_function.body)
    return f"{says}{arrays}static void run_{c_function.name}(const float *x, float *y)\n{{\n{body}}}\n"


def _calls(row: list[CFunction], memory: int) -> str:
    """Return the calls of the functions, with arrays alternating between the ends of the memory."""
    calls, place = "prepare(image, memory);\n", "memory"
    for number, c_function in enumerate(row):
        if c_function is row[-1]:
            to = "scores"
        elif number % 2 == 0:
            to = f"memory + {memory - c_function.writes}"
        else:
            to = "memory"
        calls += f"run_{c_function.name}({place}, {to});\n"
        place = to
    return calls
