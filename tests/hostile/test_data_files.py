"""Whatever bytes a data file holds, reading it ends in an array or an IdxError, and in bounded memory."""

import gzip
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet5.data import idx
from lenet5.errors import IdxError

FIXED = 3 << 20  # bytes that reading may take for itself: a piece of 1 MiB, and its copy while it is added
GOOD = bytes((0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3)) + bytes(range(6))

heads = st.builds(
    lambda code, sizes: bytes((0, 0, code, len(sizes))) + b"".join(size.to_bytes(4, "big") for size in sizes),
    st.sampled_from([8, 9, 11, 12, 13, 14]),
    st.lists(st.integers(0, 6) | st.integers(0, 2**32 - 1), max_size=5),
)
contents = st.binary(max_size=300) | st.builds(bytes.__add__, heads, st.binary(max_size=300))


def read_or_refuse(content: bytes) -> tuple[np.ndarray | None, int]:
    """Return the array, or None, and the most memory that was taken."""
    tracemalloc.start()
    try:
        return idx.read_bytes(content, "hostile"), tracemalloc.get_traced_memory()[1]
    except IdxError:
        return None, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@settings(deadline=None, max_examples=300)
@given(contents, st.sampled_from([bytes, gzip.compress, lambda content: b"\x1f\x8b" + content]))
def test_any_bytes_give_an_array_or_an_idx_error(content: bytes, pack: Callable[[bytes], bytes]) -> None:
    array, taken = read_or_refuse(pack(content))
    assert taken < FIXED
    if array is not None:
        assert array.nbytes + 4 + 4 * array.ndim == len(content)


def test_no_images_of_an_absurd_size_are_refused_in_words() -> None:
    shape = b"\0\0\0\0\xa8\0\0\0\xc3\x0c\x31\0"
    with pytest.raises(IdxError, match="expected at most"):
        idx.read_bytes(b"\0\0\x08\x03" + shape, "hostile")


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 8 * 12 - 1))
def test_any_flipped_bit_of_a_header_is_found_or_gives_another_well_formed_array(bit: int) -> None:
    content = bytearray(GOOD)
    content[bit // 8] ^= 1 << bit % 8
    array, _ = read_or_refuse(bytes(content))
    if array is not None:  # two types of one byte each: nothing tells them apart
        assert array.dtype == np.int8
        assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_truncation_is_found(pack: Callable[[bytes], bytes]) -> None:
    whole = pack(GOOD)
    for length in range(len(whole)):
        with pytest.raises(IdxError):
            idx.read_bytes(whole[:length], "cut")


@settings(deadline=None)
@given(
    st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"]),
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.booleans(),
    st.integers(0),
)
def test_every_array_comes_back(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, shape: list[int], packed: bool, seed: int
) -> None:
    raw = np.random.default_rng(seed).bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize)
    array = np.frombuffer(raw, dtype).reshape(shape)
    path = tmp_path_factory.mktemp("idx") / ("array.gz" if packed else "array")
    idx.write(path, array)
    assert idx.read(path).tobytes() == array.tobytes()


def test_a_gzip_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(GOOD + bytes(100_000_000))
    array, taken = read_or_refuse(bomb)
    assert array is None
    assert taken < FIXED


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_promise_of_a_gigabyte_takes_no_memory(pack: Callable[[bytes], bytes]) -> None:
    sizes = b"".join(size.to_bytes(4, "big") for size in (1_000_000, 32, 32))
    array, taken = read_or_refuse(pack(bytes((0, 0, 8, 3)) + sizes + bytes(1000)))
    assert array is None
    assert taken < FIXED
