"""Random access to the members of tar files, with recovery after damaged ones.

The standard library reads a tar from its beginning and stops at the first damaged header. Here reading can start at
the header of any member, as shards require, and resumes at the next valid header after a damaged one. Formats: ustar,
GNU (long names) and pax (names, sizes). Sparse members are an error; the planner rejects compressed tars.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

BLOCK = 512
ZEROS = bytes(BLOCK)
FILE_TYPES = b"0\x007"
SILENT_TYPES = b"5g"  # folders, and global settings, which yield no member
MOST_NAME_BYTES = 1 << 20  # limit for a long name or a pax header
MOST_NAME = 4096  # characters; longer names are truncated
MOST_DIGITS = 20  # limit for a number in a pax header


@dataclass(frozen=True)
class Member:
    """A file in a tar.

    name     name in the archive; "@" and the offset of the header if that is damaged
    begin    offset of its first header
    at       offset of its content
    size     size of its content in bytes
    problem  why its content cannot be read; "" if it can
    """

    name: str
    begin: int
    at: int
    size: int
    problem: str = ""


def members(file: BinaryIO, start: int, stop: int) -> Iterator[Member]:
    """Yield the members whose first header is in `start`..`stop` (exclusive), including damaged ones, once each."""
    end = file.seek(0, os.SEEK_END)
    place, begin, long_name, long_size = start, start, "", -1
    while place < end and begin < stop:
        header = _block(file, place)
        if header == ZEROS:  # the end of an archive; another may be appended to it
            place = begin = _next_data(file, place + BLOCK, end)
            continue
        size = _number(header[124:136]) if _sound(header) else -1
        if size < 0:
            yield Member(f"@{place}", begin, place, 0, "its header in the tar is damaged or cut short")
            place = begin = _next_sound(file, place + BLOCK, end)
            long_name, long_size = "", -1
            continue
        kind, content = header[156:157], place + BLOCK
        if kind in (b"L", b"x") and size <= MOST_NAME_BYTES:
            file.seek(content)
            told = file.read(size)
            if kind == b"L":
                long_name = _text(told)
            else:
                long_name, long_size = _pax(told, long_name, long_size)
            place = content + _padded(size)
            continue
        name = (long_name or _name(header))[:MOST_NAME]
        size = long_size if long_size >= 0 else size
        place = content + _padded(size)
        if kind in FILE_TYPES:
            cut = content + size > end
            yield Member(name, begin, content, size, "the tar ends before this file does" if cut else "")
        elif kind not in SILENT_TYPES:
            yield Member(name, begin, content, 0, f'a member of type "{_text(kind)}", expected a file')
        begin, long_name, long_size = place, "", -1


def _block(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    return file.read(BLOCK)


def _next_data(file: BinaryIO, place: int, end: int) -> int:
    """Return the end of the hole at `place`, or `place` if there is none; a sparse file is mostly holes."""
    if not hasattr(os, "SEEK_DATA") or place >= end:
        return place
    try:
        descriptor = os.open(file.name, os.O_RDONLY)  # a second descriptor, to keep the position of `file`
    except (OSError, AttributeError, TypeError):
        return place
    try:
        return max(place, os.lseek(descriptor, place, os.SEEK_DATA) // BLOCK * BLOCK)
    except OSError as error:  # ENXIO: no data up to the end; otherwise the file system does not report holes
        return end if error.errno == errno.ENXIO else place
    finally:
        os.close(descriptor)


def _sound(header: bytes) -> bool:
    """Whether the checksum of a header is correct; the bytes of the checksum itself count as spaces."""
    if len(header) < BLOCK:
        return False
    return sum(header) - sum(header[148:156]) + 8 * ord(" ") == _number(header[148:156])


def _number(field: bytes) -> int:
    """Return a number in octal, or in binary as used for large ones; -1 for neither."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.split(b"\0")[0] or b"0", 8)
    except ValueError:
        return -1


def _next_sound(file: BinaryIO, place: int, end: int) -> int:
    while place < end and not _sound(_block(file, place)):
        place += BLOCK
    return min(place, end)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace")


def _pax(content: bytes, name: str, size: int) -> tuple[str, int]:
    r"""Return name and size from records "LENGTH KEY=VALUE\n", up to the first invalid record."""
    while content:
        length, _, rest = content.partition(b" ")
        if not _is_number(length) or not 0 < int(length) <= len(content):
            break
        key, _, value = rest[: int(length) - len(length) - 2].partition(b"=")
        if key == b"path":
            name = _text(value)
        elif key == b"size" and _is_number(value):
            size = int(value)
        content = content[int(length) :]
    return name, size


def _is_number(digits: bytes) -> bool:
    return digits.isdigit() and len(digits) <= MOST_DIGITS
