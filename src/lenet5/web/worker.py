"""A worker process: decodes pictures and reads photographs, within bounds of memory and processor time.

Started by `workers.py` as `python -m lenet5.web.worker`, with frames on its standard input and output; it ends when its
input does. Whatever a picture does to its decoder, it does it here.
"""

import io
import json
import os
import resource
import sys
from contextlib import suppress
from functools import cache
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lenet5 import api
from lenet5.errors import Lenet5Error, ModelError
from lenet5.inference.predictor import Predictor
from lenet5.reading.plain import plain
from lenet5.reading.reader import Reader
from lenet5.reading.source import pictures
from lenet5.web import frames

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")  # the rarer formats' decoders are where most faults are found
SIDE = 28


class RefusedError(Exception):
    """A picture is refused; the kind of its Problem is the first argument, its detail the second."""


def main(read: BinaryIO, write: BinaryIO, settings: dict[str, Any]) -> None:
    """Answer frame after frame until there are no more."""
    Image.MAX_IMAGE_PIXELS = None  # `_weigh` is stricter, and says how large a picture is
    _limit(settings["memory_bytes"])
    write.write(frames.pack({"ready": True}))
    write.flush()
    while head := read.read(frames.LENGTHS.size):
        text, size = frames.lengths(head)
        job, content = json.loads(read.read(text)), read.read(size)
        _allow_seconds(job["seconds"])
        try:
            _weigh(content, settings)
            reply = frames.pack({}, digit(content) if job["do"] == "decode" else photograph(content, job))
        except RefusedError as refused:
            reply = frames.pack({"kind": refused.args[0], "detail": refused.args[1]})
        except ModelError as error:
            reply = frames.pack({"kind": "no-digits", "detail": str(error)})
        except Lenet5Error as error:
            reply = frames.pack({"kind": "picture", "detail": str(error)})
        except MemoryError:
            reply = frames.pack({"kind": "picture", "detail": "the picture takes more memory than there is for one."})
        write.write(reply)
        write.flush()


def digit(content: bytes) -> bytes:
    """Return the 784 pixels of a picture of one digit. Raises RefusedError, ReadingError."""
    pixels = next(pictures(content)).pixels
    if pixels.shape[:2] != (SIDE, SIDE):
        raise RefusedError(
            "image",
            f"the picture has {pixels.shape[1]} x {pixels.shape[0]} pixels; a digit has 28 x 28, bright on dark as in "
            "MNIST. Send photographs to /v1/read.",
        )
    if pixels.dtype != np.uint8:
        return np.rint(pixels * 255).astype(np.uint8).tobytes()
    grey: NDArray[np.uint8] = np.asarray(Image.fromarray(pixels).convert("L"))
    return grey.tobytes()


def photograph(content: bytes, job: dict[str, Any]) -> bytes:
    """Return what a photograph says, as JSON. Raises ReadingError, ModelError."""
    page = _reader(job["model"], job["max_error"]).read(content, bright=job["bright"])
    return json.dumps(plain(page)).encode()


def _reader(model: str, max_error: float | None) -> Reader:
    return Reader(_loaded(model), max_error_percent=max_error)


@cache
def _loaded(model: str) -> Predictor:
    return api.load(model)


def _weigh(content: bytes, settings: dict[str, Any]) -> None:
    """Raise RefusedError where a picture's header promises what is not decoded here."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            width, height = opened.size
    except Exception:  # what Pillow raises on broken files is open-ended
        raise RefusedError(
            "picture", f"is no picture that is read here, or damaged; {', '.join(FORMATS)} are."
        ) from None
    side, most = settings["side"], settings["pixels"]
    if max(width, height) > side or width * height > most:
        raise RefusedError(
            "picture",
            f"the picture has {width:,} x {height:,} pixels; up to {most:,}, and up to {side:,} a side, are decoded.",
        )


def _limit(memory_bytes: int) -> None:
    """Bound this process: memory, and no core dump, which would hold what somebody sent."""
    with suppress(ValueError, OSError):  # macOS knows no bound of the address space; time stays bounded there
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_seconds(seconds: int) -> None:
    """Let this process compute for so much longer; then the system ends it (SIGXCPU)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + seconds + 1, hard))


if __name__ == "__main__":
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the frames
    main(sys.stdin.buffer, replies, json.loads(sys.argv[1]))
