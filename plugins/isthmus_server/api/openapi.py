"""The OpenAPI 3.1 document of the API, made of its table of operations and the types of what goes in and out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

import msgspec

from .calls import Route
from .mediatypes import JSON, MEDIA_TYPES
from .problems import TYPES, ErrorEnvelope

__all__ = ["document"]

REFERENCE: Final = "#/components/schemas/{name}"
VARIABLE: Final = re.compile(r"\{(\w+)\}")
DESCRIPTIONS: Final = {**TYPES, 429: "Too many requests; Retry-After says when to try again."}
ALWAYS: Final = (400, 401, 403, 404, 406, 413, 415, 422, 429)
"""Statuses that any operation can answer with."""


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The document, of plain values.

    Args:
        routes: the table.
    """
    routes = tuple(routes)
    kinds = {kind for route in routes for kind in (route.query, route.body, route.answer) if kind is not None}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    schemas, components = msgspec.json.schema_components([*ordered, ErrorEnvelope], ref_template=REFERENCE)
    by_kind = dict(zip([*ordered, ErrorEnvelope], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _operation(route, by_kind, components)
        if links := _links(route, routes):
            operation["responses"][str(route.status)]["links"] = links
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "isthmus",
            "version": version("isthmus"),
            "description": "Functions, sources and destinations, as Segment's Public API has them.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                str(status): {
                    "description": description,
                    "content": {JSON: {"schema": by_kind[ErrorEnvelope]}},
                }
                for status, description in DESCRIPTIONS.items()
            },
        },
    }


def _operation(route: Route, by_kind: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "type": "object",
        "properties": {"data": by_kind[route.answer]},
        "required": ["data"],
    }
    statuses = {*ALWAYS, *((409,) if route.method != "GET" else ())}
    if route.operation == "echo":
        statuses.add(500)
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "description": f"Roles: {', '.join(sorted(route.roles))}. Versions: {', '.join(route.versions)}.",
        "parameters": [*_path_parameters(route), *_query_parameters(route, components)],
        "responses": {
            str(route.status): {
                "description": "Done.",
                "content": {JSON: {"schema": answer}},
            },
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)},
        },
    }
    if route.body is not None:
        content = {name: {"schema": by_kind[route.body]} for name in MEDIA_TYPES}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _links(route: Route, routes: Iterable[Route]) -> dict[str, Any]:
    """Operations whose paths an operation's answer has the variables of, with those of its own."""
    given = {name: f"$response.body#{pointer}" for name, pointer in route.gives}
    own = {name: f"$request.path.{name}" for name in VARIABLE.findall(route.path)}
    links = {}
    for other in routes:
        wanted = VARIABLE.findall(other.path)
        if given.keys() & set(wanted) and set(wanted) <= (given | own).keys():
            parameters = {name: (own | given)[name] for name in wanted}
            links[other.operation] = {"operationId": other.operation, "parameters": parameters}
    return links


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in VARIABLE.findall(route.path)
    ]


def _query_parameters(route: Route, components: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a query; an object among them has its own fields in brackets."""
    if route.query is None:
        return []
    schema = components[route.query.__name__]
    parameters = []
    for name, inner in schema["properties"].items():
        parameter = {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": {key: value for key, value in inner.items() if key != "default"},
        }
        if "$ref" in str(inner) and name == "pagination":
            parameter |= {"style": "deepObject", "explode": True}
        parameters.append(parameter)
    return parameters
