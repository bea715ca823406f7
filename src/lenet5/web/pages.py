"""The page, the shipped models and the training images, as `lenet5 page` writes them, served from memory."""

import asyncio
import json
import logging
import mimetypes
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from lenet5 import files
from lenet5.errors import Lenet5Error
from lenet5.web import page_training, static_page
from lenet5.web.problems import Problem

log = logging.getLogger("lenet5.web")
IMAGES = f"/{static_page.IMAGES}"
NO_IMAGES = "this server has no MNIST images to train on; on its machine, run: lenet5 data fetch mnist"

# Fixed here, because a system's table of types is not always right about JavaScript.
TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "html": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class File:
    """One file with its type and its ETag."""

    content: bytes
    media_type: str
    mark: str


def load() -> dict[str, File]:
    """Return every file but the training images by its path, such as /main.js; the page itself is /."""
    found = {"/" + name: _file(name, content) for name, content in static_page.contents(images=True).items()}
    return {**found, "/": found["/index.html"]}


def answer(pages: dict[str, File], request: Request) -> Response:
    """Return a file, or "not modified". Only paths in the table are served, so none can escape the page's folder."""
    return send(pages[request.scope["path"]], request)


class TrainingImages:
    """The training images from this machine's data folder, packed at the first request for them."""

    def __init__(self) -> None:
        self._packing = asyncio.Lock()
        self._file: File | None = None

    async def answer(self, request: Request) -> Response:
        """Return the file. Raises Problem while MNIST is missing or damaged."""
        async with self._packing:
            if self._file is None:
                try:
                    self._file = _file(IMAGES, await asyncio.to_thread(page_training.images))
                except Lenet5Error as error:
                    log.warning(json.dumps({"training images": str(error)}))
                    raise Problem("not-found", NO_IMAGES) from error
        return send(self._file, request)


def send(file: File, request: Request) -> Response:
    """Return a file, or "not modified"."""
    headers = {"etag": file.mark, "cache-control": "no-cache"}
    if file.mark in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _file(name: str, content: bytes) -> File:
    kind = TYPES.get(name.rpartition(".")[2]) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return File(content, kind, f'"{files.sha256_hex(content)[:24]}"')
