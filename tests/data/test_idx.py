"""The IDX format, there and back, and a sentence for each way to break it."""

import gzip
import mmap
from pathlib import Path

import numpy as np
import pytest

from lenet5.data import idx
from lenet5.errors import IdxError, ShapeError

TYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]
GOOD = bytes((0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3)) + bytes(range(6))


def packed(content: bytes) -> bytes:
    """Without the time of day: tests are named by their bytes, and every process must find the same tests."""
    return gzip.compress(content, mtime=0)


def lies_on_disk(array: np.ndarray) -> bool:
    """Follow an array to what holds its numbers."""
    base: object = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return isinstance(base, mmap.mmap)


def test_a_file_written_by_hand_is_read() -> None:
    assert idx.read_bytes(GOOD, "hand").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_numbers_are_big_endian() -> None:
    content = bytes((0, 0, 0x0C, 1, 0, 0, 0, 1)) + bytes((0, 0, 1, 2))
    assert idx.read_bytes(content, "hand").tolist() == [258]


def test_the_training_images_of_mnist_have_their_published_shape(mnist_folder: Path) -> None:
    images = idx.read(mnist_folder / "mnist" / "train-images-idx3-ubyte.gz")
    assert images.shape == (60_000, 28, 28)
    assert images.dtype == np.uint8


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("file", ["plain", "packed.gz"])
def test_every_type_comes_back_from_a_file(tmp_path: Path, random: np.random.Generator, name: str, file: str) -> None:
    array = (random.normal(size=(3, 4, 5)) * 50).astype(name)
    idx.write(tmp_path / file, array)
    back = idx.read(tmp_path / file)
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


def test_an_array_without_items_comes_back(tmp_path: Path) -> None:
    idx.write(tmp_path / "none", np.zeros((0, 28, 28), np.uint8))
    assert idx.read(tmp_path / "none").shape == (0, 28, 28)


def test_packing_is_told_by_content_and_not_by_name(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(packed(GOOD))
    (tmp_path / "images.gz").write_bytes(GOOD)
    assert np.array_equal(idx.read(tmp_path / "images"), idx.read(tmp_path / "images.gz"))


def test_unpacked_bytes_stay_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(GOOD)
    assert lies_on_disk(idx.read(tmp_path / "plain"))


@pytest.mark.parametrize("content", [GOOD, packed(GOOD)])
def test_what_is_read_cannot_be_changed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="read-only"):
        idx.read(tmp_path / "file")[0] = 1


def test_the_same_array_gives_the_same_packed_file(tmp_path: Path) -> None:
    for name in ("1.gz", "2.gz"):
        idx.write(tmp_path / name, np.arange(9, dtype=np.uint8))
    assert (tmp_path / "1.gz").read_bytes() == (tmp_path / "2.gz").read_bytes()
    assert (tmp_path / "1.gz").read_bytes()[4:8] == bytes(4)  # the time in the header


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "0 bytes, expected at least 4. The file is cut short"),
        (GOOD[:3], "3 bytes, expected at least 4. The file is cut short"),
        (b"<!DOCTYPE html>", "begins with 3c 21 44 4f, expected 00 00. This is not an IDX file"),
        (b"\0\0\7" + GOOD[3:], "numbers of type 07, expected one of 08, 09, 0b, 0c, 0d, 0e"),
        (b"\0\0\10\0", "0 dimensions, expected 1 to 4"),
        (b"\0\0\10\5" + bytes(20), "5 dimensions, expected 1 to 4"),
        (GOOD[:9], "9 bytes, but its header alone has 12. The file is cut short"),
        (GOOD[:-1], r"17 bytes, expected 18 for shape \(2, 3\). The file is cut short"),
        (GOOD + b"\0", r"more than the 18 bytes expected for shape \(2, 3\)"),
        (b"\0\0\10\4" + b"\xff" * 16, "promises 340,282,366,604,025,813,516,997,721,482,669,850,645 bytes"),
        (packed(GOOD)[:-1], "its gzip stream has no end. The file is cut short"),
        (packed(GOOD[:-1]), "17 bytes, expected 18"),
        (packed(GOOD + b"\0"), "more than the 18 bytes expected"),
        (b"\x1f\x8b" + bytes(20), "broken gzip"),
        (packed(GOOD)[:-8] + bytes(8), "broken gzip .CRC check failed"),
    ],
)
def test_each_fault_has_its_own_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(IdxError, match=f"^{path}: {sentence}"):
        idx.read(path)
    with pytest.raises(IdxError, match=f"^images: {sentence}"):
        idx.read_bytes(content, "images")


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(IdxError, match=r"cannot be read \(Is a directory"):
        idx.read(tmp_path)


@pytest.mark.parametrize("array", [np.zeros(3, np.int64), np.array(1, np.uint8), np.zeros((1,) * 5, np.uint8)])
def test_an_array_without_an_idx_form_is_not_written(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="has no IDX form"):
        idx.write(tmp_path / "file", array)
