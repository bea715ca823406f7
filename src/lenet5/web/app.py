"""The routes. Each uses `Service`; rejected requests raise a Problem."""

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lenet5.web import counters, openapi, pages, plain_png, schema
from lenet5.web.batching import Pixels
from lenet5.web.openapi import NAME, Operation
from lenet5.web.problems import MEDIA_TYPE, Problem
from lenet5.web.served_model import ServedModel
from lenet5.web.service import Service
from lenet5.web.uploads import Upload, receive_upload

INTERNAL = "internal server error; see the server's log, by the request id."


async def predict(service: Service, request: Request) -> Response:
    """Classify images of single digits."""
    served = _model(service, request)
    images = await _images(service, request, most=service.limits.images)
    answers = await served.answers(images)
    return _json({"model": served.name, "digest": served.digest, "answers": answers})


async def explain(service: Service, request: Request) -> Response:
    """Classify one image, and return the output of every layer."""
    served = _model(service, request)
    images = await _images(service, request, most=1)
    return Response(await served.explanation(images), media_type="application/json")


async def read(service: Service, request: Request) -> Response:
    """Read the numbers in a photograph."""
    served = _model(service, request)
    max_error, bright = _max_error(request.query_params), _bright(request.query_params)
    upload = await _upload(service, request)
    if upload.is_json:
        raise Problem("media-type", "send a photograph as image/* or as multipart/form-data, not as JSON.")
    job = {"do": "read", "model": served.source, "max_error": max_error, "bright": bright}
    page = await service.workers.do(job, upload.content, service.limits.read_seconds)
    return Response(page, media_type="application/json")


async def models(service: Service, _: Request) -> Response:
    """List the models that are served."""
    return _json({"models": list(service.models)})


async def model(service: Service, request: Request) -> Response:
    """Return the facts about a model."""
    return _json(_named(service, request.path_params["name"]).facts)


async def limits(service: Service, _: Request) -> Response:
    """Return the limits."""
    return _json(service.limits_told)


async def livez(_: Service, __: Request) -> Response:
    """Return that the process is alive."""
    return _json({"status": "alive"})


async def readyz(service: Service, _: Request) -> Response:
    """Return whether requests are accepted."""
    service.check_ready()
    return _json({"status": "ready"})


async def metrics(service: Service, _: Request) -> Response:
    """Return the counters for Prometheus."""
    return Response(service.counters.text(), headers={"content-type": counters.MEDIA_TYPE})


Answer = Callable[[Service, Request], Awaitable[Response]]
TAKES = tuple(openapi.PICTURES)
MODEL, READING = (openapi.MODEL,), (openapi.MODEL, openapi.MAX_ERROR, openapi.BRIGHT)
IMAGES = "Answer for images of single digits: 28x28 pixels, bright on dark, as in MNIST."
OUTPUTS = "Answer for one image, and show the output of every layer."
PHOTOGRAPH = "Read the numbers in a photograph or scan."
# Every route but those of the page: method, path, what answers, and its description.
ROUTES: tuple[tuple[str, str, Answer, Operation], ...] = (
    ("POST", "/v1/predict", predict, Operation(IMAGES, schema.Predicted, MODEL, (*TAKES, "application/json"))),
    ("POST", "/v1/explain", explain, Operation(OUTPUTS, schema.Explained, MODEL, (*TAKES, "application/json"))),
    ("POST", "/v1/read", read, Operation(PHOTOGRAPH, schema.ReadPage, READING, TAKES)),
    ("GET", "/v1/models", models, Operation("List the models that are served.", schema.ModelNames)),
    ("GET", "/v1/models/{name}", model, Operation("Return the facts about a model.", schema.ModelFacts, (NAME,))),
    ("GET", "/v1/limits", limits, Operation("Return the limits.", schema.LimitsTold)),
    ("GET", "/livez", livez, Operation("Return that the process is alive.", schema.Said)),
    ("GET", "/readyz", readyz, Operation("Return whether requests are accepted.", schema.Said)),
    ("GET", "/metrics", metrics, Operation("Return the counters for Prometheus.", None)),
)


def build(service: Service) -> Starlette:
    """Return the application: the routes, /openapi.json and the page."""
    described = openapi.document(((method, path, what) for method, path, _, what in ROUTES), service.version)

    async def description(_: Request) -> Response:
        return _json(described)

    async def page(request: Request) -> Response:
        return pages.answer(service.pages, request)

    async def training_images(request: Request) -> Response:
        return await service.training_images.answer(request)

    def route(path: str, answer: Answer, method: str) -> Route:
        async def answered(request: Request) -> Response:
            return await answer(service, request)

        return Route(path, answered, methods=[method])

    app = Starlette(
        routes=[
            *(route(path, answer, method) for method, path, answer, _ in ROUTES),
            Route("/openapi.json", description, methods=["GET"]),
            *(Route(path, page, methods=["GET"]) for path in service.pages),
            Route(pages.IMAGES, training_images, methods=["GET"]),
        ],
        exception_handlers={Problem: _problem, HTTPException: _http_problem, Exception: _internal},
    )
    app.router.redirect_slashes = False
    return app


def answer_to(problem: Problem) -> Response:
    """Return a problem as a response."""
    return Response(problem.body(), problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer_to(error)


async def _internal(_: Request, __: Exception) -> Response:
    """Respond without the traceback, which goes to the log."""
    return answer_to(Problem("internal", INTERNAL))


async def _http_problem(_: Request, error: Exception) -> Response:
    """Convert the errors of Starlette's router to problems."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        headers = dict(error.headers or {})
        return answer_to(Problem("method", f"this path accepts {headers.get('Allow', 'GET')}.", headers=headers))
    return answer_to(Problem("not-found", "there is nothing at this path; /openapi.json lists the paths."))


def _model(service: Service, request: Request) -> ServedModel:
    name = request.query_params.get("model") if request.scope["query_string"] else None
    return service.default if name is None else _named(service, name)


def _named(service: Service, name: str) -> ServedModel:
    if name not in service.models:
        raise Problem("no-such-model", f"this server has no model of that name; it has {', '.join(service.models)}.")
    return service.models[name]


async def _upload(service: Service, request: Request) -> Upload:
    return await receive_upload(request.headers, request.receive, service.limits)


async def _images(service: Service, request: Request, *, most: int) -> Pixels:
    """Return the images (N, 28, 28) of a request. Raises Problem."""
    upload = await _upload(service, request)
    if upload.is_json:
        pixels = schema.parse_images(upload.content, most)
    elif (plain := plain_png.decode(upload.content)) is not None:
        return plain
    else:
        pixels = await service.workers.do({"do": "decode"}, upload.content, service.limits.decode_seconds)
    return np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)


def _max_error(query: Mapping[str, str]) -> float | None:
    if "max_error" not in query:
        return None
    try:
        value = float(query["max_error"])
    except ValueError:
        value = math.nan
    if not 0 < value < 100:
        raise Problem("parameter", "max_error must be a percentage above 0 and below 100, such as 1.")
    return value


def _bright(query: Mapping[str, str]) -> bool | None:
    if "bright" not in query:
        return None
    if query["bright"] not in ("true", "false"):
        raise Problem("parameter", "bright must be true or false.")
    return query["bright"] == "true"


def _json(content: Any) -> Response:
    return Response(json.dumps(content).encode(), media_type="application/json")
