"""Export of a model as C99: one header and one source file that need only tanhf of the C library, for tanh and sigmoid.

Nothing is allocated. The caller provides the working memory, because on small machines the stack is often too small;
it may be static, on the stack or shared, and calls with separate memory may run concurrently. Arrays between layers
alternate between the two ends of this memory, so that it is as large as the largest two successive arrays together.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.data.prepare import SIDE
from lenet5.errors import ModelError
from lenet5.exchange.c_layers import SQUASH, Constants, Stage, stages
from lenet5.exchange.c_text import comment, constant, indented, string
from lenet5.exchange.ready import ready, stretch
from lenet5.models.model import Card, Model
from lenet5.spec.preparation import Preparation

WEIGHTS = ("float", "int8")
PIXELS = SIDE * SIDE


@dataclass(frozen=True)
class Program:
    """The two files, and their memory requirements.

    header, source    their text
    constants_bytes   size of the weights and tables
    memory_bytes      size of the working memory that the caller provides
    """

    prefix: str
    header: str
    source: str
    constants_bytes: int
    memory_bytes: int


def build(model: Model, *, weights: str = "float", prefix: str = "lenet5") -> Program:
    """Return a program that computes the model.

    weights  "float", or "int8": see `quantize.py`
    prefix   prefix of the file names and of all exported identifiers

    Raises ModelError for other weights, and for a prefix that cannot begin a name in C.
    """
    if weights not in WEIGHTS:
        raise ModelError(f'weights are "{weights}"; a program in C can have {" or ".join(WEIGHTS)}.')
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,30}", prefix):
        raise ModelError(f'the prefix is "{prefix}"; it must be a letter, then up to 30 letters, digits or "_".')
    model = ready(model)
    prepare, tables = _preparation(model.preparation)
    row = stages(model.architecture.placed, model.weights, int8=weights == "int8")
    memory = _memory_floats(row)
    arrays = [*tables.values(), *(array for stage in row for array in stage.constants.values())]
    constants_bytes = sum(array.nbytes for array in arrays)
    source = "\n".join(
        [
            f'#include "{prefix}.h"\n',
            _squashing(row),
            "".join(constant(name, array) for name, array in tables.items()),
            f"static void prepare(const unsigned char *image, float *y)\n{{\n{indented(prepare)}}}\n",
            *(_function(stage) for stage in row),
            _predict(prefix, row, memory, model.architecture.classes),
            _names(prefix, model.card, model.architecture.classes),
        ]
    )
    header = _header(prefix, model, weights, constants_bytes, memory)
    return Program(prefix, header, source, constants_bytes, 4 * memory)


def _memory_floats(row: list[Stage]) -> int:
    """Return the size of the working memory, used by all stages but the last, which writes the caller's scores."""
    return max(row[-1].reads, *(stage.reads + stage.writes for stage in row[:-1]), 0)


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
    across = stretch(S)  # each row has one nonzero entry, or two adjacent ones
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


def _squashing(row: list[Stage]) -> str:
    """Return the activation functions of one number, with the headers they include."""
    used = sorted({function for stage in row for function in stage.functions})
    text = "#include <math.h>\n\n" if set(used) - {"relu"} else ""
    return text + "\n".join(f"static float squash_{name}(float a)\n{{\n    {SQUASH[name]}\n}}\n" for name in used)


def _function(stage: Stage) -> str:
    arrays = "".join(constant(name, array) for name, array in stage.constants.items())
    says = f"/* {comment(stage.says)} */\n"
    return f"{says}{arrays}static void run_{stage.name}(const float *x, float *y)\n{{\n{indented(stage.body)}}}\n"


def _predict(prefix: str, row: list[Stage], memory: int, classes: int) -> str:
    """Return the function that calls the stages, with arrays alternating between the ends of the memory."""
    calls, place = "prepare(image, memory);\n", "memory"
    for number, stage in enumerate(row):
        if stage is row[-1]:
            to = "scores"
        elif number % 2 == 0:
            to = f"memory + {memory - stage.writes}"
        else:
            to = "memory"
        calls += f"run_{stage.name}({place}, {to});\n"
        place = to
    calls += f"""\
int best = 0;
for (int k = 1; k < {classes}; k++)
    if (scores[k] > scores[best])
        best = k;
return best;"""
    upper = prefix.upper()
    return (
        f"int {prefix}_predict(const unsigned char image[{upper}_PIXELS], float scores[{upper}_CLASSES],\n"
        f"    float memory[{upper}_MEMORY_FLOATS])\n{{\n{indented(calls)}}}\n"
    )


def _names(prefix: str, card: Card, classes: int) -> str:
    """Return the table of class names; classes without a name are numbered."""
    names = [*card.class_names[:classes], *map(str, range(len(card.class_names), classes))]
    words = ", ".join(map(string, names))
    return f"const char *const {prefix}_class_names[{prefix.upper()}_CLASSES] = {{{words}}};\n"


def _header(prefix: str, model: Model, weights: str, constants_bytes: int, memory: int) -> str:
    card, upper, classes = model.card, prefix.upper(), model.architecture.classes
    percent = f"{card.test_accuracy_percent:.2f} % of {card.test_images} {card.scored_on} images"
    said = f"{card.recipe} on {card.data}, {percent} as trained; written by lenet5 {card.lenet5_version}"
    return f"""\
/* LeNet-5 in C99: {comment(said)}.
 *
 * weights         {weights}; with the tables {constants_bytes} bytes of constants
 * working memory  {4 * memory} bytes, given by the caller; nothing is allocated
 *
 *     static float memory[{upper}_MEMORY_FLOATS];
 *     float scores[{upper}_CLASSES];
 *     int answer = {prefix}_predict(image, scores, memory);
 */
#ifndef {upper}_H
#define {upper}_H

#ifdef __cplusplus
extern "C" {{
#endif

#define {upper}_PIXELS {PIXELS} /* {SIDE} lines of {SIDE} bytes; 0 is background, 255 is ink */
#define {upper}_CLASSES {classes}
#define {upper}_MEMORY_FLOATS {memory}

/* Scores one image, large is good, and returns the class with the highest score. `memory` holds nothing between two
 * calls; calls with memory of their own may run at the same time. */
int {prefix}_predict(const unsigned char image[{upper}_PIXELS], float scores[{upper}_CLASSES],
    float memory[{upper}_MEMORY_FLOATS]);

extern const char *const {prefix}_class_names[{upper}_CLASSES];

#ifdef __cplusplus
}}
#endif

#endif
"""
