"""Messages between the server and its worker processes: a JSON header and raw bytes, each preceded by its length.

Nothing is pickled, so a compromised worker cannot make the server execute code.
"""

import json
import struct
from typing import Any

LENGTHS = struct.Struct(">II")


def pack(header: dict[str, Any], content: bytes = b"") -> bytes:
    """Return a frame."""
    text = json.dumps(header).encode()
    return LENGTHS.pack(len(text), len(content)) + text + content


def lengths(head: bytes) -> tuple[int, int]:
    """Return the lengths of the header and of the bytes after it."""
    text, content = LENGTHS.unpack(head)
    return text, content
