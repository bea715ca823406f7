"""Request bodies of bounded size, and the picture or JSON in them."""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from lenet5.web.limits import Limits
from lenet5.web.problems import Problem

JSON, FORM = "application/json", "multipart/form-data"
FIELD = "image"
BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")  # RFC 2046, 5.1.1


class GoneError(Exception):
    """The client has disconnected, so no response can be sent."""


@dataclass(frozen=True)
class Upload:
    """The bytes of a picture or of JSON."""

    content: bytes
    is_json: bool = False


async def receive_upload(headers: Mapping[str, str], receive: Receive, limits: Limits) -> Upload:
    """Return the upload: a picture as the body or as the file `image` of a form, or JSON.

    Raises Problem: body-too-large, media-type, picture; GoneError.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    content = await _body(headers, receive, limits.json_bytes if kind == JSON else limits.body_bytes)
    if kind == JSON:
        return Upload(content, is_json=True)
    if kind == FORM:
        content = await _file(_boundary(headers["content-type"]), content, limits.body_bytes)
    elif not (kind.startswith("image/") or kind == "application/octet-stream"):
        raise Problem("media-type", f"send image/*, {FORM} with a file named {FIELD}, or {JSON}.")
    if not content:
        raise Problem("picture", "the picture is empty.")
    return Upload(content)


async def _body(headers: Mapping[str, str], receive: Receive, most: int) -> bytes:
    """Return the body. Raises Problem once it exceeds the limit; the rest is discarded."""
    too_large = Problem("body-too-large", f"the body of such a request may have at most {most:,} bytes.")
    if int(headers.get("content-length", 0)) > most:  # validated by the HTTP parser
        raise too_large
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        parts.append(message["body"])
        size += len(message["body"])
        if size > most:
            raise too_large
        more = message["more_body"]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _boundary(content_type: str) -> bytes:
    """Return the boundary of a form. Raises Problem."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not BOUNDARY.fullmatch(boundary):
        raise Problem("media-type", "the form's boundary is missing or invalid (RFC 2046).")
    return boundary


async def _file(boundary: bytes, content: bytes, most: int) -> bytes:
    """Return the file `image` of a form. Raises Problem."""

    async def whole() -> AsyncGenerator[bytes, None]:
        yield content

    # Other parameters are dropped: with the client's `charset` the parser would use any of Python's codecs.
    headers = Headers({"content-type": f'{FORM}; boundary="{boundary.decode()}"'})
    parser = MultiPartParser(headers, whole(), max_files=1, max_fields=4)
    parser.spool_max_size = most  # in memory; the server writes no file
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        said = getattr(error, "message", "it cannot be parsed")
        raise Problem("media-type", f"the form is invalid (RFC 7578): {said}.") from None
    try:
        found = form.get(FIELD)
        if not isinstance(found, UploadFile):
            raise Problem("picture", f"the form has no file named {FIELD}.")
        return await found.read()
    finally:
        await form.close()
