"""Pictures as callers have them -> pictures in one checked form.

A file's header is read first, and what it promises is weighed before anything is decoded: the most that a picture may
hold is fixed, so time and memory are bounded whatever the bytes are.
"""

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lenet5.errors import ReadingError
from lenet5.reading.opening import pdf
from lenet5.reading.opening.arrays import Pixels, from_array
from lenet5.reading.opening.limits import HALVED_PIXELS, MOST_BYTES, MOST_PAGES, check_size

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")  # the rare formats' readers are the less tested
HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")  # brands, ISO/IEC 23008-12


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture, upright.

    name    what it is called in answers and errors: a path, or "image"
    page    counted from 1
    pixels  (H, W) or (H, W, 3), uint8, or (H, W) float32 0..1; 0 is black
    notes   what was done that a person should know, a sentence each
    shrunk  how many of the file's pixels one of `pixels` is wide and high
    """

    name: str
    page: int
    pixels: Pixels
    notes: tuple[str, ...] = ()
    shrunk: int = 1

    @property
    def height(self) -> int:
        """The file's, in pixels; up to `shrunk` - 1 more."""
        return int(self.pixels.shape[0]) * self.shrunk

    @property
    def width(self) -> int:
        """The file's, in pixels; up to `shrunk` - 1 more."""
        return int(self.pixels.shape[1]) * self.shrunk


def pictures(image: Any, name: str | None = None) -> Iterator[Picture]:
    """Return the pictures in something, one after another: every page of a TIFF or PDF, else one.

    image  a path, bytes, an open file, a Pillow image or an array: (H, W), (H, W, 1 to 4) or (1, 3 or 4; H, W), whole
           numbers 0..255 or 0..65535, fractions 0..1 or 0..255, or booleans
    name   what to call it; without it a path's own words, or "image"

    Raises ReadingError, saying what was expected and what came.
    """
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        yield from _from_bytes(_content(path), name or str(path))
    elif isinstance(image, bytes | bytearray | memoryview):
        yield from _from_bytes(bytes(image), name or "image")
    elif hasattr(image, "read") and not hasattr(image, "__array__"):
        yield from _from_bytes(_read(image, name or "image"), name or "image")
    elif _is_pillow(image):
        yield from _from_pillow(image, name or getattr(image, "filename", "") or "image", ours=False)
    else:
        yield Picture(name or "image", 1, from_array(image, name or "image"))


def _content(path: Path) -> bytes:
    """Return a file's bytes. Raises ReadingError."""
    try:
        if path.is_dir():
            raise ReadingError(f"{path}: is a folder; give the pictures in it.")
        if not path.exists():
            raise ReadingError(f"{path}: there is no such file.")
        with path.open("rb") as file:
            return _read(file, str(path))
    except (OSError, ValueError) as error:
        raise ReadingError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}).") from None


def _read(file: Any, name: str) -> bytes:
    """Return what an open file holds, up to the limit. Raises ReadingError."""
    content = file.read(MOST_BYTES + 1)
    if not isinstance(content, bytes):
        raise ReadingError(f"{name}: gives {type(content).__name__}; open it for bytes, with mode rb.")
    if len(content) > MOST_BYTES:
        raise ReadingError(f"{name}: holds more than {MOST_BYTES:,} bytes; pictures up to that are read.")
    return content


def _from_bytes(content: bytes, name: str) -> Iterator[Picture]:
    if not content:
        raise ReadingError(f"{name}: is empty; a picture was expected.")
    if content[:1024].lstrip().startswith(b"%PDF-"):
        for page, pixels in enumerate(pdf.pages(content, name), 1):
            yield Picture(name, page, pixels)
        return
    with _quiet():
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except Image.DecompressionBombError:
            raise ReadingError(f"{name}: promises far too many pixels; it was not decoded. Make it smaller.") from None
        except UnidentifiedImageError:
            raise ReadingError(f"{name}: {_other_format(content)}") from None
        except Exception as error:  # what its readers raise on broken files is open-ended
            raise _damaged(name, error) from None
    with opened:
        yield from _from_pillow(opened, name, ours=True)


def _other_format(content: bytes) -> str:
    """Return what to say of bytes that are no picture that is read here."""
    if content[4:8] == b"ftyp" and content[8:12] in HEIF:
        return (
            "is HEIC, the format of phones' photographs, which is not read here. Convert it to JPEG: export it from "
            'Photos or Preview, or run "heif-convert IN.heic OUT.jpg". Phones can also take JPEG: Settings, Camera, '
            "Formats, Most Compatible."
        )
    if b"<svg" in content[:1024]:
        return "is SVG, a drawing and not pixels. Export it as PNG."
    return f"is no picture that is read here; {', '.join(FORMATS)} and PDF are."


def _from_pillow(opened: Any, name: str, *, ours: bool) -> Iterator[Picture]:
    """Yield each page of a TIFF, the first frame of anything else.

    ours  whether it was opened here, and may be changed in place
    """
    with _quiet():
        check_size(name, *opened.size)
        try:
            count = int(getattr(opened, "n_frames", 1))
        except Exception as error:
            raise _damaged(name, error) from None
    paged = opened.format == "TIFF"
    notes = [f"is animated: the first of {count:,} frames was read"] if count > 1 and not paged else []
    if paged and count > MOST_PAGES:
        raise ReadingError(f"{name}: has {count:,} pages; up to {MOST_PAGES:,} are read. Split it.")
    for page in range(count if paged else 1):
        with _quiet():
            try:
                if count > 1:
                    opened.seek(page)
                check_size(name, *opened.size)
                shrunk = _loaded(opened, halve=ours)
                pixels = _pixels(_upright(opened, in_place=ours), notes)
            except ReadingError:
                raise
            except Exception as error:  # as above; MemoryError among them
                raise _damaged(name, error) from None
        yield Picture(name, page + 1, pixels, tuple(notes), shrunk)


def _loaded(opened: Any, *, halve: bool) -> int:
    """Decode an image, and return by how much its sides were shrunk: large ones to half, so that they take less memory.

    A JPEG is decoded to half its sides at once.
    """
    width, height = opened.size
    if not halve or width * height <= HALVED_PIXELS or opened.mode.startswith("I;16"):
        opened.load()
        return 1
    half = -(-width // 2), -(-height // 2)
    opened.thumbnail(half, Image.Resampling.BOX, reducing_gap=1.0)
    return 2


def _upright(opened: Any, *, in_place: bool) -> Any:
    """Return the image turned as its EXIF orientation says; a broken EXIF says nothing."""
    try:
        if in_place:
            ImageOps.exif_transpose(opened, in_place=True)
            return opened
        return ImageOps.exif_transpose(opened)
    except Exception:
        return opened


def _pixels(image: Any, notes: list[str]) -> Pixels:
    """Return a loaded Pillow image's pixels, whatever its mode."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return from_array(np.asarray(image), "image")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        return _over_paper(np.asarray(image.convert("RGBA")), notes)
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"))
    if image.mode == "LAB":
        return np.array(image.getchannel(0))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _over_paper(rgba: NDArray[np.uint8], notes: list[str]) -> NDArray[np.uint8]:
    """Lay an image with transparency on white; on black where what can be seen of it is itself nearly white."""
    alpha = rgba[..., 3]
    if alpha.min() == 255:
        return np.ascontiguousarray(rgba[..., :3])
    seen = alpha > 127
    white_ink = bool(seen.any()) and np.percentile(rgba[..., :3][seen], 5) > 200
    if white_ink:
        notes.append("is white on transparent: it was laid on black")
    # In whole numbers, a strip at a time: the sums of a large picture would take as much again.
    paper, result = 0 if white_ink else 255, np.empty((*rgba.shape[:2], 3), np.uint8)
    for top in range(0, len(rgba), 256):
        rows = slice(top, top + 256)
        share = alpha[rows, :, None].astype(np.uint32)
        result[rows] = (rgba[rows, :, :3] * share + paper * (255 - share) + 127) // 255
    return result


def _damaged(name: str, error: Exception) -> ReadingError:
    if isinstance(error, MemoryError):
        return ReadingError(f"{name}: takes more memory than there is; make it smaller.")
    text = str(error).strip().rstrip(".").splitlines()
    return ReadingError(f"{name}: is damaged or cut short ({text[0][:120] if text else type(error).__name__}).")


def _is_pillow(image: Any) -> bool:
    return type(image).__module__.startswith("PIL.") and hasattr(image, "getexif")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence Pillow's warnings: what matters of them is checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
