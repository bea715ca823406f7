"""The page and the shipped models, as `lenet5 page` writes them, served from memory."""

import mimetypes
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from lenet5 import files
from lenet5.web import static_page

# Fixed here, because a system's table of types is not always right about JavaScript.
TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "html": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class File:
    """One file with its type and its ETag."""

    content: bytes
    media_type: str
    mark: str


def load() -> dict[str, File]:
    """Return every file by its path, such as /main.js; the page itself is /."""
    found = {"/" + name: _file(name, content) for name, content in static_page.contents().items()}
    return {**found, "/": found["/index.html"]}


def answer(pages: dict[str, File], request: Request) -> Response:
    """Return a file, or "not modified". Only paths in the table are served, so none can escape the page's folder."""
    file = pages[request.scope["path"]]
    headers = {"etag": file.mark, "cache-control": "no-cache"}
    if file.mark in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _file(name: str, content: bytes) -> File:
    kind = TYPES.get(name.rpartition(".")[2]) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return File(content, kind, f'"{files.sha256_hex(content)[:24]}"')
