"""The parts common to all programs in C: the two files, the header, the signature of the function, the class names."""

import re
from dataclasses import dataclass

from lenet5.errors import ModelError
from lenet5.exchange.c_text import comment, indented, string
from lenet5.models.model import Model
from lenet5.spec.digits import SIDE

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


@dataclass(frozen=True)
class Interface:
    """The types of a program's scores and working memory.

    score   type of a score
    item    type of an item of the memory
    items   name of such items, as in MEMORY_FLOATS
    count   number of items
    size    bytes of an item
    """

    score: str
    item: str
    items: str
    count: int
    size: int


def checked_prefix(prefix: str) -> str:
    """Return a prefix. Raises ModelError when it cannot begin a name in C."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,30}", prefix):
        raise ModelError(f'the prefix is "{prefix}"; it must be a letter, then up to 30 letters, digits or "_".')
    return prefix


def predict(prefix: str, calls: str, classes: int, interface: Interface) -> str:
    """Return the exported function, which makes some calls and returns the class with the highest score."""
    body = f"""\
{calls}int best = 0;
for (int k = 1; k < {classes}; k++)
    if (scores[k] > scores[best])
        best = k;
return best;"""
    return f"{_signature(prefix, interface)}\n{{\n{indented(body)}}}\n"


def _signature(prefix: str, interface: Interface) -> str:
    upper = prefix.upper()
    return (
        f"int {prefix}_predict(const unsigned char image[{upper}_PIXELS], "
        f"{interface.score} scores[{upper}_CLASSES],\n"
        f"    {interface.item} memory[{upper}_MEMORY_{interface.items}])"
    )


def names(prefix: str, model: Model) -> str:
    """Return the table of class names; classes without a name are numbered."""
    classes, named = model.architecture.classes, model.card.class_names
    words = ", ".join(map(string, [*named[:classes], *map(str, range(len(named), classes))]))
    return f"const char *const {prefix}_class_names[{prefix.upper()}_CLASSES] = {{{words}}};\n"


def header(prefix: str, model: Model, interface: Interface, *, weights: str, scores: str, constants_bytes: int) -> str:
    """Return the header file.

    weights, scores  descriptions for its first comment and for the function's
    """
    card, upper, classes = model.card, prefix.upper(), model.architecture.classes
    percent = f"{card.test_accuracy_percent:.2f} % of {card.test_images} {card.scored_on} images"
    said = f"{card.recipe} on {card.data}, {percent} as trained; written by lenet5 {card.lenet5_version}"
    size = f"{upper}_MEMORY_{interface.items}"
    include = "#include <stdint.h>\n\n" if interface.score == "int32_t" else ""
    return f"""\
/* LeNet-5 in C99: {comment(said)}.
 *
 * weights         {weights}; with the tables {constants_bytes} bytes of constants
 * working memory  {interface.size * interface.count} bytes, given by the caller; nothing is allocated
 *
 *     static {interface.item} memory[{size}];
 *     {interface.score} scores[{upper}_CLASSES];
 *     int answer = {prefix}_predict(image, scores, memory);
 */
#ifndef {upper}_H
#define {upper}_H

{include}#ifdef __cplusplus
extern "C" {{
#endif

#define {upper}_PIXELS {PIXELS} /* {SIDE} lines of {SIDE} bytes; 0 is background, 255 is ink */
#define {upper}_CLASSES {classes}
#define {size} {interface.count}

/* Scores one image, {scores}, and returns the class with the highest score. `memory` holds nothing between two
 * calls; calls with memory of their own may run at the same time. */
{_signature(prefix, interface)};

extern const char *const {prefix}_class_names[{upper}_CLASSES];

#ifdef __cplusplus
}}
#endif

#endif
"""
