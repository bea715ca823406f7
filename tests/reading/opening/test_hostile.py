"""Bad pictures: each a clear error, in little time and memory, and never a traceback."""

import contextlib
import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from lenet5.errors import ReadingError
from lenet5.reading.opening.pictures import FORMATS, pictures


def encoded(form: str) -> bytes:
    page = np.full((60, 80), 255, np.uint8)
    page[10:50, 30:36] = np.random.default_rng(3).integers(0, 60, (40, 6))
    file = io.BytesIO()
    Pillow.fromarray(page).save(file, form)
    return file.getvalue()


def opened(content: object) -> list[object]:
    return list(pictures(content))


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_cut_anywhere_is_read_or_refused_in_words(form: str) -> None:
    whole = encoded(form)
    assert opened(whole)
    refused = []
    for length in np.linspace(0, len(whole) - 1, 25).astype(int):
        try:
            opened(whole[:length])
        except ReadingError as error:
            refused.append(str(error))
    assert all(text.startswith("image: ") for text in refused)
    assert len(refused) >= 10  # some formats forgive the loss of their last bytes


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_with_wrong_bytes_is_read_or_refused_in_words(form: str) -> None:
    whole, random = encoded(form), np.random.default_rng(5)
    refused = []
    for _ in range(60):
        spoilt = bytearray(whole)
        for place in random.integers(0, min(len(spoilt), 400), 3):
            spoilt[place] = random.integers(256)
        try:
            opened(bytes(spoilt))
        except ReadingError as error:
            refused.append(str(error))
    assert all(text.startswith("image: ") and len(text) < 400 for text in refused)


def png(width: int, height: int) -> bytes:
    """A PNG whose header promises a size and whose data is a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (30_000, 30_000, "far too many pixels"),
        (2**31 - 1, 2**31 - 1, "pixels"),
        (29_999, 10, "damaged or cut short"),
        (40_000, 10, "fewer than 30,000 a side"),
        (1, 1, "a digit needs at least"),
    ],
)
def test_a_size_is_weighed_before_anything_is_decoded(width: int, height: int, said: str) -> None:
    with pytest.raises(ReadingError, match=said):
        opened(png(width, height))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((20, 20), np.nan), "400 of 400 numbers are NaN or infinite"),
        (np.full((20, 20), np.inf), "NaN or infinite"),
        (np.zeros((20, 20), complex), "expected a path, bytes, a Pillow image or an array"),
        (np.full((20, 20), "a"), "expected a path, bytes, a Pillow image or an array"),
        (np.full((20, 20), -3), "run from -3 to -3; expected 0..255"),
        (np.full((20, 20), 70_000), "expected 0..255 or 0..65535"),
        (np.full((20, 20), 300.0), "expected 0..1 or 0..255"),
        (np.zeros(400), "an array of shape (400,) came; expected one image"),
        (np.zeros((7, 20, 20)), "expected one image"),
        (np.zeros((0, 20)), "expected one image"),
        (np.zeros((1, 1)), "at least 5 each way"),
        (np.broadcast_to(np.uint8(0), (30_000, 30_000)), "has 30,000 x 30,000 pixels"),
        (None, "is a NoneType"),
        (object(), "is a object"),
        ({}, "is a dict"),
    ],
)
def test_an_array_that_is_no_picture_is_refused_with_what_was_expected(array: object, said: str) -> None:
    with pytest.raises(ReadingError) as refusal:
        opened(array)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello, I am a text", "is no picture that is read here; PNG, JPEG"),
        (b"%PDF-1.7 but nothing more", "cannot be opened"),
        (io.StringIO("text"), "open it for bytes"),
        ("no/such/file.png", "there is no such file"),
        ("nul\0byte.png", "nul"),
        (".", "is a folder"),
    ],
)
def test_other_content_is_refused_in_words(content: object, said: str) -> None:
    with pytest.raises(ReadingError) as refusal:
        opened(content)
    assert said in str(refusal.value)


def test_of_an_animation_the_first_frame_is_read_and_that_is_said(tmp_path: Path) -> None:
    frames = [Pillow.new("L", (30, 30), level) for level in (10, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    (picture,) = pictures(tmp_path / "moving.gif")
    assert picture.pixels.max() < 20
    assert picture.notes == ("is animated: the first of 2 frames was read",)


def test_a_16_bit_picture_keeps_its_fine_levels(tmp_path: Path) -> None:
    levels = np.linspace(0, 65535, 400).reshape(20, 20).astype(np.uint16)
    Pillow.fromarray(levels).save(tmp_path / "scan.png")
    (picture,) = pictures(tmp_path / "scan.png")
    np.testing.assert_allclose(picture.pixels, levels / 65535, atol=1e-6)  # float32


def test_white_ink_on_nothing_is_laid_on_black() -> None:
    rgba = np.zeros((30, 30, 4), np.uint8)
    rgba[5:25, 12:15] = 255
    (picture,) = pictures(Pillow.fromarray(rgba))
    assert picture.pixels[0, 0].max() == 0
    assert picture.pixels[10, 13].min() == 255


def chunked(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 60x80 pixels with chunks before its image."""
    whole, new = encoded("PNG"), b""
    for kind, content in chunks:
        new += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return whole[:33] + new + whole[33:]  # 8 bytes of signature and 25 of IHDR


BOMB = zlib.compress(bytes(300 << 20), 1)  # 1.3 MB


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"zTXt", b"Comment\0\0" + BOMB),
        (b"iTXt", b"Comment\0\1\0\0\0" + BOMB),
        (b"iCCP", b"profile\0\0" + BOMB),
    ],
)
def test_what_is_packed_beside_the_image_takes_no_memory(kind: bytes, content: bytes) -> None:
    tracemalloc.start()  # sees what Python and its zlib take, not Pillow's own C
    with contextlib.suppress(ReadingError):  # read or refused: both are right
        opened(chunked((kind, content)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 << 20  # of 300 MB


def test_image_data_beyond_the_promised_size_takes_no_memory() -> None:
    whole = png(80, 60)
    header = whole[:33]
    idat = struct.pack(">I", len(BOMB)) + b"IDAT" + BOMB + struct.pack(">I", zlib.crc32(b"IDAT" + BOMB))
    tracemalloc.start()
    (picture,) = pictures(header + idat + whole[-12:])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert picture.pixels.shape == (60, 80)
    assert peak < 40 << 20


@pytest.mark.parametrize(
    ("mode", "form"), [("CMYK", "JPEG"), ("P", "PNG"), ("P", "GIF"), ("1", "PNG"), ("RGB", "WEBP")]
)
def test_every_kind_of_colour_keeps_ink_dark_and_paper_bright(mode: str, form: str) -> None:
    page = Pillow.new("L", (40, 40), 255)
    page.paste(0, (16, 8, 24, 32))
    file = io.BytesIO()
    (page.convert("RGB") if mode == "CMYK" else page).convert(mode).save(file, form)
    (picture,) = pictures(file.getvalue())
    assert picture.pixels[2, 2].min() > 230
    assert picture.pixels[20, 20].max() < 25
