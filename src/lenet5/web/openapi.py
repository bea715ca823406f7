"""The OpenAPI description of the routes, for /openapi.json."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from lenet5.web import schema
from lenet5.web.problems import MEDIA_TYPE

DESCRIPTION = "Reads digits with LeNet-5. See docs/serving.md."
REFUSALS = (400, 401, 403, 404, 405, 408, 413, 415, 422, 431, 500, 503, 504)
REFERENCES = "#/components/schemas/{model}"
PICTURE = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "schema": {
        "type": "object",
        "properties": {"image": {"type": "string", "format": "binary"}},
        "required": ["image"],
    }
}
PICTURES = {"image/png": PICTURE, "image/jpeg": PICTURE, "multipart/form-data": FORM}
MODEL = {"name": "model", "in": "query", "schema": {"type": "string"}, "description": "one of /v1/models"}
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
NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}


@dataclass(frozen=True)
class Operation:
    """The description of a route.

    summary     one sentence
    answer      the schema of the answer; None for plain text
    parameters  of the path and the query
    takes       media types of the body; empty: none. "application/json" stands for `schema.Sent`
    """

    summary: str
    answer: type[BaseModel] | None
    parameters: tuple[Mapping[str, Any], ...] = ()
    takes: tuple[str, ...] = ()


def document(operations: Iterable[tuple[str, str, Operation]], version: str) -> dict[str, Any]:
    """Return the description of routes: method, path and operation of each."""
    operations = list(operations)
    models: list[type[BaseModel]] = [schema.Sent, schema.Wrong]
    models += [operation.answer for _, _, operation in operations if operation.answer]
    names, definitions = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template=REFERENCES, title=None
    )
    schemas = {model: names[model, "validation"] for model in models}
    paths: dict[str, dict[str, Any]] = {}
    for method, path, operation in operations:
        paths.setdefault(path, {})[method.lower()] = _described(method, path, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "lenet5", "version": version, "description": DESCRIPTION},
        "paths": paths,
        "components": {"schemas": definitions["$defs"]},
    }


def _described(
    method: str, path: str, operation: Operation, schemas: Mapping[type[BaseModel], Mapping[str, Any]]
) -> dict[str, Any]:
    answer = {"application/json": {"schema": schemas[operation.answer]}} if operation.answer else {"text/plain": {}}
    refusal = {"description": "a problem", "content": {MEDIA_TYPE: {"schema": schemas[schema.Wrong]}}}
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{method.lower()}{path.replace('/', '_').replace('{', '').replace('}', '')}",
        "responses": {"200": {"description": "the answer", "content": answer}}
        | {str(status): refusal for status in REFUSALS},
    }
    if operation.parameters:
        described["parameters"] = list(operation.parameters)
    if operation.takes:
        content = {kind: PICTURES.get(kind) or {"schema": schemas[schema.Sent]} for kind in operation.takes}
        described["requestBody"] = {"required": True, "content": content}
    return described
