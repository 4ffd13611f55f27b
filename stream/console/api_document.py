"""The OpenAPI document of the API, from the types that it decodes and answers with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from stream import __version__
from stream.console.api import API, OPERATIONS, Operation
from stream.console.api_bodies import ApiProblem

__all__ = ["api_document"]

_TEMPLATE: Final = "#/components/schemas/{name}"
_PROBLEMS: Final = {
    400: "The body or a parameter is not what is expected",
    401: "There is no token, or it is none",
    403: "The token is for something else",
    404: "There is no such customer, no page with this cursor, or no event yet",
    413: "The body is too large",
    503: "A server behind does not answer: try again",
}


def api_document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    kinds = [one.answer for one in OPERATIONS] + [one.body for one in OPERATIONS if one.body] + [ApiProblem]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=_TEMPLATE)
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        paths.setdefault(f"{API}{one.path}", {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "customer-stream",
            "version": __version__,
            "summary": "Customers, figures and actions of a shop",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "stream console token"}},
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    answers: dict[str, Any] = {
        str(int(one.status)): {"description": "The answer", "content": _content(one.answer)},
        **{str(code): {"description": why, "content": _content(ApiProblem)} for code, why in _PROBLEMS.items()},
    }
    found: dict[str, Any] = {
        "operationId": one.handler,
        "summary": one.summary,
        "description": f"Takes a token with the scope `{one.scope}`.",
        "responses": answers,
    }
    if one.body is not None:
        found["requestBody"] = {"required": True, "content": _content(one.body)}
    else:
        tag = {"type": "string"}
        found["parameters"] = [
            *({"name": name, "in": "query", "required": False, "schema": schema} for name, schema in _parameters(one)),
            {"name": "If-None-Match", "in": "header", "required": False, "schema": tag},
        ]
        answers[str(int(one.status))]["headers"] = {"ETag": {"required": True, "schema": tag}}
        answers["304"] = {"description": "Nothing has changed since the ETag"}
    return found


def _parameters(one: Operation) -> Iterable[tuple[str, dict[str, Any]]]:
    """Those of addresses, with their schemas; one that is left out is none, and not null."""
    if one.query is None:
        return
    _, schemas = msgspec.json.schema_components([one.query])
    for name, schema in schemas[one.query.__name__]["properties"].items():
        texts = [of for of in schema.get("anyOf", ()) if of.get("type") != "null"]
        yield name, texts[0] if texts else schema


def _content(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _TEMPLATE.format(name=kind.__name__)}}}
