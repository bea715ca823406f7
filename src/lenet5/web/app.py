"""The routes. Each uses `Service`; rejected requests raise a Problem."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from lenet5.web import counters, pages, plain_png, schema
from lenet5.web.batching import Pixels
from lenet5.web.problems import MEDIA_TYPE, Problem
from lenet5.web.served import Served
from lenet5.web.service import Service
from lenet5.web.uploads import Upload, receive_upload

PICTURE = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "schema": {
        "type": "object",
        "properties": {"image": {"type": "string", "format": "binary"}},
        "required": ["image"],
    }
}
INTERNAL = "internal server error; see the server's log, by the request id."
NAME = {"name": "model", "in": "query", "schema": {"type": "string"}, "description": "one of /v1/models"}
MAX_ERROR = {
    "name": "max_error",
    "in": "query",
    "schema": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100},
    "description": "reject unsure digits so that at most this percentage of the others is wrong",
}
BRIGHT = {
    "name": "bright",
    "in": "query",
    "schema": {"type": "boolean"},
    "description": "whether the writing is brighter than its paper; detected if not given",
}


def _takes(parameters: list[dict[str, Any]], *, arrays: bool) -> dict[str, Any]:
    """Return the OpenAPI description of a request that this module parses itself."""
    content = {"image/png": PICTURE, "image/jpeg": PICTURE, "multipart/form-data": FORM}
    if arrays:
        content["application/json"] = {"schema": schema.Sent.model_json_schema()}
    return {"parameters": parameters, "requestBody": {"required": True, "content": content}}


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"content": {MEDIA_TYPE: {"schema": schema.Wrong.model_json_schema()}}, "description": "a problem"}
    for status in (400, 401, 403, 404, 405, 408, 413, 415, 422, 431, 500, 503, 504)
}


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


def build(service: Service) -> FastAPI:
    """Return the application, with /openapi.json but no documentation pages, which load scripts from other hosts."""
    app = FastAPI(
        title="lenet5", version=service.version, docs_url=None, redoc_url=None, redirect_slashes=False,
        responses=REFUSALS, description="Reads digits with LeNet-5. See docs/serving.md.",
    )  # fmt: skip

    @app.post("/v1/predict", response_model=schema.Predicted, openapi_extra=_takes([NAME], arrays=True))
    async def predict_route(request: Request) -> Response:
        """Answer for images of single digits: 28x28 pixels, bright on dark, as in MNIST."""
        return await predict(service, request)

    @app.post("/v1/explain", response_model=schema.Explained, openapi_extra=_takes([NAME], arrays=True))
    async def explain_route(request: Request) -> Response:
        """Answer for one image, and show the output of every layer."""
        return await explain(service, request)

    @app.post("/v1/read", response_model=schema.ReadPage, openapi_extra=_takes([NAME, MAX_ERROR, BRIGHT], arrays=False))
    async def read_route(request: Request) -> Response:
        """Read the numbers in a photograph or scan."""
        return await read(service, request)

    @app.get("/v1/models", response_model=schema.ModelNames)
    async def models_route() -> Response:
        """List the models that are served."""
        return _json({"models": list(service.models)})

    @app.get("/v1/models/{name}", response_model=schema.ModelFacts)
    async def model_route(name: str) -> Response:
        """Return the facts about a model."""
        return _json(_named(service, name).facts)

    @app.get("/v1/limits", response_model=dict[str, float])
    async def limits_route() -> Response:
        """Return the limits."""
        return _json(service.limits_told)

    @app.get("/livez", response_model=schema.Said)
    async def livez_route() -> Response:
        """Return that the process is alive."""
        return _json({"status": "alive"})

    @app.get("/readyz", response_model=schema.Said)
    async def readyz_route() -> Response:
        """Return whether requests are accepted."""
        service.check_ready()
        return _json({"status": "ready"})

    @app.get("/metrics", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
    async def metrics_route() -> Response:
        """Return the counters for Prometheus."""
        return Response(service.counters.text(), headers={"content-type": counters.MEDIA_TYPE})

    async def page_route(request: Request) -> Response:
        """Send a file of the page."""
        return pages.answer(service.pages, request)

    async def images_route(request: Request) -> Response:
        """Send the images that the page trains on."""
        return await service.training_images.answer(request)

    app.add_route(pages.IMAGES, images_route, methods=["GET"])
    for path in service.pages:
        app.add_route(path, page_route, methods=["GET"])

    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _internal)
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


def _model(service: Service, request: Request) -> Served:
    name = request.query_params.get("model") if request.scope["query_string"] else None
    return service.default if name is None else _named(service, name)


def _named(service: Service, name: str) -> Served:
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
