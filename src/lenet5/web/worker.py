"""A disposable worker process that decodes pictures and reads photographs with limited memory and CPU time.

Started by `workers.py` as `python -m lenet5.web.worker`, with frames on its standard input and output; it exits when
its input ends. A malicious picture can harm only this process.
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
from lenet5.reading.as_json import page_as_json
from lenet5.reading.opening.pictures import pictures
from lenet5.reading.reader import Reader
from lenet5.spec.digits import SIDE
from lenet5.web import worker_frames

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")  # decoders of rarer formats have most of the vulnerabilities


class RefusedError(Exception):
    """A picture is rejected; arguments: kind and detail of the Problem."""


def main(read: BinaryIO, write: BinaryIO, settings: dict[str, Any]) -> None:
    """Answer frames until the input ends."""
    Image.MAX_IMAGE_PIXELS = None  # `_weigh` is stricter, and its message contains the size
    _limit(settings["memory_bytes"])
    write.write(worker_frames.pack({"ready": True}))
    write.flush()
    while head := read.read(worker_frames.LENGTHS.size):
        text, size = worker_frames.lengths(head)
        job, content = json.loads(read.read(text)), read.read(size)
        _allow_seconds(job["seconds"])
        try:
            _weigh(content, settings)
            reply = worker_frames.pack({}, digit(content) if job["do"] == "decode" else photograph(content, job))
        except RefusedError as refused:
            reply = worker_frames.pack({"kind": refused.args[0], "detail": refused.args[1]})
        except ModelError as error:
            reply = worker_frames.pack({"kind": "no-digits", "detail": str(error)})
        except Lenet5Error as error:
            reply = worker_frames.pack({"kind": "picture", "detail": str(error)})
        except MemoryError:
            detail = "the picture needs more memory than is allowed for one."
            reply = worker_frames.pack({"kind": "picture", "detail": detail})
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
    """Return the text of a photograph, as JSON. Raises ReadingError, ModelError."""
    page = _reader(job["model"], job["max_error"]).read(content, bright=job["bright"])
    return json.dumps(page_as_json(page)).encode()


def _reader(model: str, max_error: float | None) -> Reader:
    return Reader(_loaded(model), max_error_percent=max_error)


@cache
def _loaded(model: str) -> Predictor:
    return api.load(model)


def _weigh(content: bytes, settings: dict[str, Any]) -> None:
    """Raise RefusedError when a picture's header declares an unsupported format or size."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            width, height = opened.size
    except Exception:  # Pillow may raise any type for broken files
        raise RefusedError(
            "picture", f"is not a supported picture, or is damaged; supported formats are {', '.join(FORMATS)}."
        ) from None
    side, most = settings["side"], settings["pixels"]
    if max(width, height) > side or width * height > most:
        raise RefusedError(
            "picture",
            f"the picture has {width:,} x {height:,} pixels; the limits are {most:,} pixels and {side:,} per side.",
        )


def _limit(memory_bytes: int) -> None:
    """Limit this process's memory, and disable core dumps, which would contain users' data."""
    with suppress(ValueError, OSError):  # macOS has no limit of the address space; time is still limited
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_seconds(seconds: int) -> None:
    """Allow this process `seconds` more of CPU time, after which the system kills it (SIGXCPU)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + seconds + 1, hard))


if __name__ == "__main__":
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of libraries must not mix with the frames
    main(sys.stdin.buffer, replies, json.loads(sys.argv[1]))
