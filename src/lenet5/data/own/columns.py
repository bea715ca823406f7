"""CSV: a label beside the pixels, or beside the name of a picture file."""

from collections.abc import Iterator
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenet5.data import tables
from lenet5.data.own.contents import Contents, greys, part_in
from lenet5.data.own.pictures import read_labelled
from lenet5.errors import DataError

LABELS = ("label", "labels", "class", "target", "y", "digit", "character")
FILES = ("file", "filename", "file_name", "filepath", "path", "image", "image_path", "img", "name")
PARTS = ("split", "part", "set", "subset", "usage")
FEWEST_PIXELS = 16
LOOKED_AT = 1000  # rows, to find the column of the labels where no header names it


def is_labels(path: Path) -> bool:
    """Return whether a table's header names labels and picture files, or its rows can be labels and pixels."""
    try:
        first = next(tables.rows(path), [])
    except DataError:
        return False
    names = [name.strip().lower() for name in first]
    named = any(name in LABELS for name in names)
    beside = any(name in FILES for name in names) or len(names) > FEWEST_PIXELS
    return (named and beside) or _is_pixels(names)


def read(path: Path) -> Contents:
    """Return the images of a table. Raises DataError where its columns are others."""
    first = next(tables.rows(path), [])
    names = [name.strip().lower() for name in first]
    label = next((names.index(name) for name in LABELS if name in names), None)
    file = next((names.index(name) for name in FILES if name in names), None)
    part = next((names.index(name) for name in PARTS if name in names), None)
    if label is not None and file is not None:
        return read_labelled(path, _named(path, file, label, part), "CSV of labels and files")
    if label is None and not _is_pixels(names):
        raise DataError(
            f"{path}: has the columns {', '.join(first[:8]) or 'none'}; expected label and file, or label and the "
            "pixels of a square image."
        )
    header = label is not None
    pixels = len(names) - 1 - (part is not None)
    if isqrt(pixels) ** 2 != pixels:
        raise DataError(f"{path}: has {pixels} columns of pixels; expected those of a square image, such as 784.")
    return _pixels(path, header, _label_column(path) if label is None else label, part)


def _is_pixels(names: list[str]) -> bool:
    """Return whether a row without a header is a label and the pixels of a square image."""
    pixels = len(names) - 1
    return pixels >= FEWEST_PIXELS and isqrt(pixels) ** 2 == pixels and sum(map(_is_number, names)) >= pixels


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _named(path: Path, file: int, label: int, part: int | None) -> Iterator[tuple[str, str, str]]:
    rows = tables.rows(path)
    next(rows)
    for row in rows:
        if len(row) > max(file, label):
            yield row[file].strip(), row[label], row[part] if part is not None and part < len(row) else ""


def _label_column(path: Path) -> int:
    """Return 0, or -1 where the first column never changes and the last one does: the labels stand there."""
    rows = [row for row, _ in zip(tables.rows(path), range(LOOKED_AT), strict=False)]
    constant = [len({row[column] for row in rows}) == 1 for column in (0, -1)]
    return -1 if constant == [True, False] else 0


def _pixels(path: Path, header: bool, label: int, part: int | None) -> Contents:
    contents = Contents("CSV of labels and pixels")
    rows = tables.rows(path)
    width = len(next(rows)) if header else 0
    left_out = {label, part} - {None}
    values: list[NDArray[np.float32]] = []
    labels: list[tuple[str, str]] = []
    for number, row in enumerate(rows, 2 if header else 1):
        width = width or len(row)
        kept = [text for column, text in enumerate(row) if column not in left_out and column - width not in left_out]
        try:
            if len(row) != width or not row[label].strip():
                raise ValueError
            values.append(np.array(kept, np.float32))
            labels.append((row[label], "" if part is None else part_in(row[part])))
        except ValueError:
            contents.unreadable.append(f"{path}, row {number}: is not a label and {width - len(left_out)} numbers.")
    if values:
        side = isqrt(len(values[0]))
        for image, (text, of) in zip(greys(np.stack(values), str(path)), labels, strict=True):
            contents.add(image.reshape(side, side), text, of)
    return contents
