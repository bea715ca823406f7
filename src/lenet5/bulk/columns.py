"""The image and name columns of a Parquet file."""

from collections.abc import Sequence
from typing import Any

from lenet5.bulk.needs import library

USUAL = ("image", "bytes", "png", "pixels")
NAMES = ("name", "filename", "file_name", "path", "id", "key", "__key__")


def image_column(schema: Any, wanted: str = "") -> tuple[str, str]:
    """Return the image column and "", or "" and the reason why there is none.

    Images are the bytes of a file, 784 bytes, a list of 784 integers 0..255, or a struct with a field "bytes".
    """
    able = [field.name for field in schema if _holds_images(field.type)]
    if wanted:
        why = f'no image column "{wanted}"; possible image columns: {", ".join(able) or "none"}'
        return (wanted, "") if wanted in able else ("", why)
    usual = [name for name in USUAL if name in able]
    if usual or len(able) == 1:
        return (usual or able)[0], ""
    if not able:
        return "", f"no image column (bytes, or lists of 784 numbers) among: {', '.join(schema.names)}"
    return "", f"several possible image columns: {', '.join(able)}; choose one with --column"


def name_column(schema: Any, images: str) -> str:
    """Return the column with the images' names, or "" when there is none and rows are named by their number."""
    types = library("pyarrow.types")
    for name in NAMES:
        index = schema.get_field_index(name)
        if index >= 0 and name != images:
            kind = schema.field(index).type
            if types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind):
                return name
    return ""


def contents_of(column: Any) -> Sequence[bytes | None]:
    """Return the bytes of each row, None for null and for numbers outside 0..255."""
    types = library("pyarrow.types")
    if types.is_struct(column.type):
        column = column.field("bytes")
    rows: list[Any] = column.to_pylist()
    return rows if _is_bytes(column.type) else [_packed(numbers) for numbers in rows]


def _packed(numbers: list[int | None] | None) -> bytes | None:
    try:
        return None if numbers is None else bytes(numbers)  # type: ignore[arg-type]  # None raises TypeError
    except (TypeError, ValueError):
        return None


def _holds_images(kind: Any) -> bool:
    types = library("pyarrow.types")
    if types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _is_bytes(kind.field(index).type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return bool(types.is_integer(kind.value_type))
    return _is_bytes(kind)


def _is_bytes(kind: Any) -> bool:
    types = library("pyarrow.types")
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))
