"""The outermost ASGI application: access control, request ids, metrics and common response headers."""

import itertools
import json
import logging
import secrets
import time
import traceback

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lenet5.web.app import INTERNAL, ROUTES, answer_to
from lenet5.web.http_deadlines import header_too_large
from lenet5.web.problems import Problem
from lenet5.web.service import Service
from lenet5.web.uploads import GoneError

log = logging.getLogger("lenet5.web")
PATHS = frozenset(("/", *(path for _, path, _, _ in ROUTES if "{" not in path)))  # counted by name in /metrics
# These paths bypass Starlette's routing; their bodies count towards the server's memory.
WORK = {path: answer for method, path, answer, _ in ROUTES if method == "POST"}


class Gateway:
    """The ASGI application that uvicorn calls."""

    def __init__(self, service: Service, app: ASGIApp) -> None:
        self.service, self.app = service, app
        self._fixed = [(name.encode(), value.encode()) for name, value in service.guard.headers.items()]
        self._prefix, self._numbers = secrets.token_hex(6), itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, in every case with a response in our format."""
        began, status = time.perf_counter(), 0
        request_id = f"{self._prefix}-{next(self._numbers):x}"
        added = [*self._fixed, (b"x-request-id", request_id.encode())]

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        self.service.in_flight += 1
        try:
            await self._answer(scope, receive, send_with_headers)
        except GoneError:
            status = status or 499
        except Problem as problem:
            await answer_to(problem)(scope, receive, send_with_headers)
        except Exception:
            # One line of JSON, against log injection. The request itself is never logged.
            log.error(json.dumps({"request": request_id, "error": traceback.format_exc()}))
            if not status:
                await answer_to(Problem("internal", INTERNAL))(scope, receive, send_with_headers)
        finally:
            self.service.in_flight -= 1
            path = scope["path"] if scope["path"] in PATHS else "other"
            self.service.counters.answered(path, status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        # uvicorn bounds only headers that arrive in several pieces.
        first_line = len(method) + len(scope["raw_path"]) + len(scope["query_string"])
        headers = sum(len(name) + len(value) for name, value in scope["headers"])
        if first_line + headers > self.service.limits.header_bytes:
            raise header_too_large(self.service.limits)
        self.service.guard.check(path, scope["headers"])
        work = WORK.get(path) if method == "POST" else None
        if work is None:
            # HEAD is handled as GET; uvicorn does not send the body.
            await self.app({**scope, "method": "GET"} if method == "HEAD" else scope, receive, send)
            return
        if self.service.stopping:
            raise Problem("stopping", "the server is stopping.", retry_after=10, headers={"connection": "close"})
        body = self.service.bodies.begin()

        async def receive_counted() -> Message:
            message = await receive()
            body.grow(len(message.get("body", b"")))
            return message

        try:
            response = await work(self.service, Request(scope, receive_counted))
        finally:
            body.close()
        await response(scope, receive, send)
