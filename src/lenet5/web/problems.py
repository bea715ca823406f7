"""Errors of requests as problem+json (RFC 9457). The types are stable; the wording may change."""

import json
from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:lenet5:problem:"
STATUS = {
    "malformed-request": 400,
    "token": 401,
    "foreign-host": 403,
    "foreign-origin": 403,
    "not-found": 404,
    "no-such-model": 404,
    "method": 405,
    "too-slow": 408,
    "body-too-large": 413,
    "media-type": 415,
    "content-encoding": 415,
    "parameter": 422,
    "json": 422,
    "image": 422,
    "picture": 422,
    "no-digits": 422,
    "header-too-large": 431,
    "internal": 500,
    "worker-died": 500,
    "busy": 503,
    "stopping": 503,
    "deadline": 504,
}


class Problem(Exception):  # noqa: N818  the word of the RFC
    """A request that was rejected or failed.

    kind         last part of the type; STATUS maps it to the HTTP status
    detail       one or two sentences for a person: what was found, what was expected
    retry_after  seconds after which to try again
    headers      additional headers of the response
    """

    def __init__(
        self, kind: str, detail: str, *, retry_after: int | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.status = kind, detail, STATUS[kind]
        self.headers = {**(headers or {})}
        if retry_after is not None:
            self.headers["retry-after"] = str(retry_after)

    def body(self) -> bytes:
        """Return the JSON."""
        status = HTTPStatus(self.status)
        content = {"type": TYPE + self.kind, "title": status.phrase, "status": self.status, "detail": self.detail}
        return json.dumps(content).encode()
