"""Literals, strings and comments in C99."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = {"float32": "float", "int8": "signed char", "uint8": "unsigned char", "int32": "int32_t"}
WIDTH = 116


def number(value: np.generic) -> str:
    """Write one number; a float with the fewest digits that parse to the same float."""
    return f"{value!s}f" if isinstance(value, np.float32) else str(value)


def nested(array: NDArray[Any], indent: str = "") -> str:
    """Write an array's values in nested braces."""
    inner = indent + "    "
    if array.ndim > 1:
        return f",\n{inner}".join(["{\n" + inner + nested(array[0], inner), *(nested(p, inner) for p in array[1:])]) + (
            f"\n{indent}}}"
        )
    lines, line = [], ""
    for word in map(number, array):
        if len(inner) + len(line) + len(word) > WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += word + ", "
    lines.append(line.removesuffix(", "))
    if len(lines) == 1:
        return "{" + lines[0] + "}"
    return "{\n" + "\n".join(inner + line for line in lines) + f"\n{indent}}}"


def constant(name: str, array: NDArray[Any], *, attribute: str = "") -> str:
    """Write a constant array, such as "static const float C1_bias[6] = {...};"; an attribute follows its sizes."""
    sizes = "".join(f"[{size}]" for size in array.shape)
    return f"static const {TYPES[array.dtype.name]} {name}{sizes}{attribute and f' {attribute}'} = {nested(array)};\n"


def string(text: str) -> str:
    """Write any text as a C string literal; special bytes are escaped in octal."""
    plain = re.compile(rb"[A-Za-z0-9 _.,:;=+-]")
    return '"' + "".join(chr(b) if plain.match(bytes([b])) else f"\\{b:03o}" for b in text.encode()) + '"'


def comment(text: str) -> str:
    """Write any text so that it is safe in a comment."""
    return re.sub(r"[^A-Za-z0-9 _.,:;=+%()>-]", "_", text)


def indented(text: str) -> str:
    """Indent every line by four columns."""
    return "".join(f"    {line}\n" for line in text.splitlines())
