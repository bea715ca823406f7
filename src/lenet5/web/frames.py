"""What goes between the server and a worker process: a JSON header and raw bytes, each with its length in front.

Nothing is pickled: whatever a broken worker sends, it is bytes to the server.
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
    """Return how long the header and the bytes after it are."""
    text, content = LENGTHS.unpack(head)
    return text, content
