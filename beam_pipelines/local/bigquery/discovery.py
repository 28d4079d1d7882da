"""Google's own description of BigQuery's API: served to clients, and every request's body is checked against it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from beam_pipelines.local.bigquery.errors import invalid


@cache
def document() -> dict[str, Any]:
    """The discovery document of BigQuery v2 that google-api-python-client ships."""
    bundled = files("googleapiclient.discovery_cache") / "documents" / "bigquery.v2.json"
    loaded: dict[str, Any] = json.loads(bundled.read_text(encoding="utf-8"))
    return loaded


def served_at(endpoint: str) -> dict[str, Any]:
    """The discovery document of this server: the same methods at another address."""
    return document() | {
        "rootUrl": f"{endpoint}/",
        "baseUrl": f"{endpoint}/bigquery/v2/",
        "mtlsRootUrl": f"{endpoint}/",
        "servicePath": "bigquery/v2/",
    }


def check(schema: str, body: Any) -> None:
    """Raises an ApiError that names every place where ``body`` departs from the named schema."""
    if problems := list(_problems({"$ref": schema}, body, "")):
        raise invalid("Invalid JSON payload received. " + "; ".join(problems))


def _problems(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = document()["schemas"][schema["$ref"]]
    if value is None:  # in proto3's JSON null means unset
        return
    kind = schema.get("type", "any")
    if kind == "object":
        yield from _object_problems(schema, value, path)
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{path}: expected an array, got {_shown(value)}"
            return
        for index, item in enumerate(value):
            yield from _problems(schema["items"], item, f"{path}[{index}]")
    elif not _is_scalar(schema, value):
        yield f"{path}: expected {schema.get('format', kind)}, got {_shown(value)}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: expected one of {', '.join(schema['enum'])}, got {_shown(value)}"


def _object_problems(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path or 'body'}: expected an object, got {_shown(value)}"
        return
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        if name in known:
            yield from _problems(known[name], item, inner)
        elif others is not None:
            yield from _problems(others, item, inner)
        else:
            yield f"{inner}: unknown field"


def _is_scalar(schema: Mapping[str, Any], value: Any) -> bool:
    kind, is_number = schema.get("type", "any"), isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "string":
        if schema.get("format") in ("int64", "uint64"):
            return is_number or (isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None)
        return isinstance(value, str)
    if kind == "boolean":  # gcloud and older clients write booleans as strings, which Google accepts
        return isinstance(value, bool) or value in ("true", "false")
    if kind == "integer":
        is_text = isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None
        return is_text or (is_number and value == int(value))
    if kind == "number":
        return is_number or isinstance(value, str)
    return True


def _shown(value: Any) -> str:
    return f"{value!r:.60}"
