"""Parquet as Hugging Face writes it: pictures as bytes beside their labels, the names of the classes in the schema."""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lenet5.data.own.contents import Contents, greys, part_in
from lenet5.data.own.pictures import grey
from lenet5.distribution import missing
from lenet5.errors import DataError

IMAGES = ("image", "img", "picture", "pixels", "pixel_values", "bytes")
LABELS = ("label", "labels", "class", "target", "fine_label", "character", "y", "digit")
ROWS = 1000  # read at a time


def read(files: Sequence[Path]) -> Contents:
    """Return the images and labels of Parquet files. Raises DataError."""
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise DataError(missing("pyarrow", "bulk")) from None
    contents = Contents("Parquet")
    for path in files:
        try:
            with parquet.ParquetFile(path) as file:
                _take(file, path, contents)
        except DataError:
            raise
        except Exception as error:  # pyarrow's errors have no common root
            raise DataError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}).") from None
    return contents


def _take(file: Any, path: Path, contents: Contents) -> None:
    schema = file.schema_arrow
    image = next((name for name in IMAGES if name in schema.names), None)
    label = next((name for name in LABELS if name in schema.names), None)
    if image is None or label is None:
        raise DataError(f"{path}: has the columns {', '.join(schema.names[:8])}; expected image and label.")
    names = _class_names(schema.metadata, label)
    part = part_in(path.stem) or part_in(path.parent.name)
    first = 0
    for batch in file.iter_batches(batch_size=ROWS, columns=[image, label]):
        for number, row in enumerate(batch.to_pylist(), first + 1):
            try:
                answer = row[label]
                if answer is None:
                    raise DataError("has no label")
                named = names and type(answer) is int and 0 <= answer < len(names)
                contents.add(_picture(row[image]), names[answer] if named else answer, part)
            except DataError as error:
                contents.unreadable.append(f"{path}, row {number}: {error}.")
        first += batch.num_rows


def _picture(value: Any) -> Any:
    """Return one image from the bytes of a picture, a struct that holds them, or nested lists of numbers."""
    if isinstance(value, dict):
        value = value.get("bytes")
    if isinstance(value, bytes):
        return grey(value)
    try:
        pixels = np.array(value, np.float64)
        side = round(pixels.size**0.5)
        return greys(pixels.reshape(side, side) if pixels.ndim == 1 else pixels, "the image")
    except (TypeError, ValueError):
        raise DataError("is not a picture: neither the bytes of one nor its pixels") from None


def _class_names(metadata: dict[bytes, bytes] | None, label: str) -> list[str]:
    """Return the names of the classes that Hugging Face's schema holds; none where it does not."""
    try:
        told = json.loads((metadata or {})[b"huggingface"])["info"]["features"][label]["names"]
    except (KeyError, TypeError, ValueError):
        return []
    return [str(name) for name in told] if isinstance(told, list) else []
