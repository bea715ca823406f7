"""Arrays of images and of labels, in IDX, NPY and NPZ files: which is which, and which belong together."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import numpy as np

from lenet5.data import idx, npy
from lenet5.data.own.contents import GIVEN_PARTS, MOST_SIDE, Array, Contents, greys, part_in
from lenet5.errors import DataError, IdxError

MOST_BYTES = 1 << 31
FEWEST_PIXELS = 16
LIGHT = np.array([0.299, 0.587, 0.114])  # luminance of red, green and blue (ITU-R BT.601)
KINDS = re.compile(r"images?|imgs?|labels?|lbls?|targets?|data|idx\d|ubyte|int|gz|npy|npz|arr|[xXyY]|\d$")


@dataclass(frozen=True, eq=False)
class Named:
    """One array and the name it has, its file's name first."""

    name: str
    array: Array

    @property
    def part(self) -> str:
        """The part that the name tells of, or ""."""
        return part_in(self.name)


def stem(name: str) -> str:
    """Return a name without what tells images from labels, and without the part: what a pair has in common."""
    words = re.split(r"[^A-Za-z0-9]+", name)
    return " ".join(word for word in words if not KINDS.fullmatch(word) and word.lower() not in GIVEN_PARTS)


def is_idx(path: Path) -> bool:
    """Return whether a file looks like IDX by its name: ...ubyte, .idx3, packed or not."""
    return bool(re.search(r"(ubyte|idx\d(-int)?)(\.gz)?$", path.name, re.IGNORECASE))


def read(files: Sequence[Path], layout: str) -> Contents:
    """Return the images and labels in some files.

    Raises IdxError where a file is damaged, DataError where images and labels cannot be told apart or do not match.
    """
    arrays = [named for path in files for named in _arrays(path)]
    images = [named for named in arrays if _is_images(named.array)]
    labels = [named for named in arrays if named not in images]
    where = str(files[0].parent if len(files) > 1 else files[0])
    if not images:
        shapes = ", ".join(f"{named.name} {named.array.shape}" for named in arrays[:6])
        raise DataError(f"{where}: holds no array of images (N, height, width); there are {shapes or 'no arrays'}.")
    contents = Contents(layout)
    for pictures in images:
        same = [named.name for named in images if named.part == pictures.part]
        if len(same) > 1:
            raise DataError(f"{where}: holds several arrays of images ({', '.join(same)}); name the file of one.")
        answers = _answers(pictures, labels, where)
        for image, label in zip(greys(_flat(pictures.array), pictures.name), answers, strict=True):
            contents.add(image, label, pictures.part)
    return contents


def _answers(images: Named, labels: list[Named], where: str) -> Array:
    """Return the labels (N,) of an array of images. Raises DataError where there are none."""
    count = len(images.array)
    near = [named for named in labels if named.part == images.part] or labels
    near = [named for named in near if stem(named.name) == stem(images.name)] or near
    fitting = [named for named in near if len(named.array) == count]
    if len(fitting) != 1:
        lengths = ", ".join(f"{named.name} {named.array.shape}" for named in near[:6]) or "none"
        raise DataError(f"{where}: {images.name} holds {count:,} images; expected one array of as many labels, found "
                        f"{lengths}.")  # fmt: skip
    array = fitting[0].array
    if array.ndim == 1:
        return array
    if _is_one_hot(array):
        return np.asarray(array.argmax(axis=1))
    return array[:, 0]  # one column, or QMNIST's eight, of which the first is the class


def _arrays(path: Path) -> Iterator[Named]:
    if path.suffix == ".npz":
        yield from _archive(path)
    elif path.suffix == ".npy":
        yield Named(path.name, _npy(_content(path), str(path)))
    else:
        yield Named(path.name, idx.read(path))


def _archive(path: Path) -> Iterator[Named]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
            if sum(member.file_size for member in members) > MOST_BYTES:
                raise IdxError(f"{path}: unpacks to more than {MOST_BYTES >> 30} GB.")
            for member in members:
                name = f"{path.name}/{member.filename.removesuffix('.npy')}"
                with archive.open(member) as file:
                    yield Named(name, _npy(file.read(member.file_size + 1), name))
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise IdxError(f"{path}: not a readable NPZ file ({error}).") from None
    except Exception as error:
        if isinstance(error, DataError):
            raise
        raise IdxError(f"{path}: not a readable NPZ file; it is damaged.") from None


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise IdxError(f"{path}: has more than {MOST_BYTES >> 30} GB.")
        return path.read_bytes()
    except OSError as error:
        raise IdxError(f"{path}: cannot be read ({error.strerror or error}).") from None


def _npy(content: bytes, name: str) -> Array:
    header = npy.header(io.BytesIO(content), len(content), name, kinds=npy.KINDS + "US")
    flat = np.frombuffer(content, header.dtype, header.count, offset=header.start)
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


def _is_one_hot(array: Array) -> bool:
    return bool(array.ndim == 2 and 2 <= array.shape[1] <= 100 and array.dtype.kind in "biuf"
                and np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all())  # fmt: skip


def _is_images(array: Array) -> bool:
    if array.dtype.kind not in "biuf" or array.ndim < 2 or not len(array):
        return False
    if array.ndim == 2:
        pixels = array.shape[1]
        return pixels >= FEWEST_PIXELS and isqrt(pixels) ** 2 == pixels and not _is_one_hot(array)
    return array.ndim in (3, 4)


def _flat(array: Array) -> Array:
    """Return images as (N, H, W): rows of pixels folded, channels first or last taken together. Raises DataError."""
    if array.ndim == 2:
        side = isqrt(array.shape[1])
        return array.reshape(-1, side, side)
    if array.ndim == 4:
        if array.shape[1] in (1, 3, 4) and array.shape[3] not in (1, 3, 4):
            array = np.moveaxis(array, 1, 3)
        if array.shape[3] not in (1, 3, 4):
            raise DataError(f"images have shape {array.shape}; expected 1, 3 or 4 channels, first or last.")
        if array.shape[3] == 1:
            array = array[..., 0]
        else:
            light = array[..., :3] @ LIGHT
            array = np.rint(light).astype(array.dtype) if array.dtype.kind in "iu" else light
    if not 4 <= min(array.shape[1:]) <= max(array.shape[1:]) <= MOST_SIDE:
        raise DataError(f"images have shape {array.shape}; expected (N, height, width) of 4 to {MOST_SIDE} pixels.")
    return array
