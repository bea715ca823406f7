"""Picture files of one character each, and folders of them: one folder for each class."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenet5.data.own.contents import GIVEN_PARTS, MOST_SIDE, Contents, part_in
from lenet5.errors import DataError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
CONVERTED = (".heic", ".heif", ".avif")  # what telephones write, and Pillow does not read
MOST_BYTES = 1 << 24


def grey(content: bytes) -> NDArray[np.uint8]:
    """Return a picture as grey values (H, W) uint8, upright; what is transparent becomes white.

    Raises DataError, without the file's name, where it is damaged, too large or of an unknown kind.
    """
    from PIL import Image, ImageOps  # a tenth of a second

    try:
        with Image.open(io.BytesIO(content)) as picture:
            if max(picture.size) > MOST_SIDE:
                width, height = picture.size
                raise DataError(
                    f"is {width}x{height} pixels, expected at most {MOST_SIDE}x{MOST_SIDE}; cut out the single "
                    "character, or make the picture smaller"
                )
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I;16") or upright.mode == "I":
                deep = np.asarray(upright).astype(np.float64)
                return np.rint(deep / (65535 if deep.max() > 255 else 255) * 255).clip(0, 255).astype(np.uint8)
            if "A" in upright.getbands() or "transparency" in upright.info:
                layer = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
            return np.asarray(upright.convert("L"))
    except DataError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a damaged file leads them to
        words = str(error).replace("<_io.BytesIO object at ", "<").split("<")[0].strip()
        raise DataError(f"is not a picture that can be read ({words or type(error).__name__})") from None


def grey_file(path: Path) -> NDArray[np.uint8]:
    """Return a picture file as grey values. Raises DataError, without the file's name."""
    if path.suffix.lower() in CONVERTED:
        raise DataError("is a HEIC or AVIF picture, which is not read; save it as PNG or JPEG")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"has more than {MOST_BYTES >> 20} MB")
        return grey(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})") from None


def class_folders(folder: Path) -> list[tuple[str, str, Path]]:
    """Return part, class and folder of every folder of pictures: `folder/3`, or `folder/train/3`."""
    found = []
    for outer in _folders(folder):
        part = GIVEN_PARTS.get(outer.name.lower(), "")
        inner = [(part, below.name, below) for below in _folders(outer) if _holds_pictures(below)] if part else []
        found += inner or ([("", outer.name, outer)] if _holds_pictures(outer) else [])
    return found


def read_folders(root: Path, folders: list[tuple[str, str, Path]]) -> Contents:
    """Return the pictures of class folders, in the order of their names; say what lies outside them."""
    contents = Contents("a folder for each class")
    for part, label, folder in folders:
        for path in _files(folder):
            try:
                contents.add(grey_file(path), label, part)
            except DataError as error:
                contents.unreadable.append(f"{path}: {error}.")
    inside = [folder for _, _, folder in folders]
    for outer in (root, *{folder.parent for folder in inside} - {root}):
        for path in sorted(outer.iterdir()):
            if path.suffix.lower() in PICTURES + CONVERTED:
                contents.unreadable.append(f"{path}: lies in no class's folder.")
        contents.unreadable += [f"{path}: holds no pictures." for path in _folders(outer) if not _holds_pictures(path)]
    return contents


def read_labelled(table: Path, rows: Iterator[tuple[str, str, str]], layout: str) -> Contents:
    """Return the pictures that a table names: (file, label, part); names are relative to the table's folder."""
    contents = Contents(layout)
    for file, label, part in rows:
        try:
            contents.add(grey_file(table.parent / file), label, part_in(part))
        except (DataError, ValueError) as error:  # ValueError: a name that no file can have
            contents.unreadable.append(f"{table.parent / file}: {error}.")
    return contents


def _folders(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith((".", "__"))]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def _holds_pictures(folder: Path) -> bool:
    return any(path.suffix.lower() in PICTURES + CONVERTED for path in folder.rglob("*"))
