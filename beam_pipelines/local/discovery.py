"""Google's own descriptions of its APIs: served to clients, and every request's body is checked against them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Document = dict[str, Any]


class Discovery:
    """The discovery document of one API, as google-api-python-client ships it; read once in a process."""

    def __init__(self, api: str) -> None:
        """Names the API with its version: ``bigquery.v2``, ``dataflow.v1b3``."""
        self.api = api

    @property
    def document(self) -> Document:
        """The document, not to be changed."""
        return _document(self.api)

    def served_at(self, endpoint: str) -> Document:
        """The same methods at another address, such as ``http://127.0.0.1:9050``."""
        root = f"{endpoint}/"
        return self.document | {
            "rootUrl": root,
            "baseUrl": root + self.document["servicePath"],
            "mtlsRootUrl": root,
        }

    def check(self, schema: str, body: Any, *, numbered_enums: bool = False) -> list[str]:
        """Every place where a JSON value departs from the named schema, and how; none if it conforms.

        Misspelt fields at any depth, wrong types and unknown enum values are found; fields that are missing are not,
        since the documents do not say which are required. Null means unset, as in proto3's JSON.

        Args:
            schema: a name in the document's ``schemas``.
            body: what ``json.loads`` gave.
            numbered_enums: enums may also be numbers, as clients send them with ``$alt=json;enum-encoding=int``.

        >>> Discovery("dataflow.v1b3").check("Job", {"name": "sales", "stepz": [], "type": "JOB_TYPE_BACH"})
        ... # doctest: +NORMALIZE_WHITESPACE
        ['stepz: unknown field',
         "type: expected one of JOB_TYPE_UNKNOWN, JOB_TYPE_BATCH, JOB_TYPE_STREAMING, got 'JOB_TYPE_BACH'"]
        """
        return list(_problems(self.document["schemas"], {"$ref": schema}, body, "", numbered_enums))


@cache
def _document(api: str) -> Document:
    bundled = files("googleapiclient.discovery_cache") / "documents" / f"{api}.json"
    loaded: Document = json.loads(bundled.read_text(encoding="utf-8"))
    return loaded


def _problems(schemas: Document, schema: Mapping[str, Any], value: Any, path: str, numbered: bool) -> Iterator[str]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    if value is None:
        return
    kind = schema.get("type", "any")
    if kind == "object":
        yield from _object_problems(schemas, schema, value, path, numbered)
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{path}: expected an array, got {_shown(value)}"
            return
        for index, item in enumerate(value):
            yield from _problems(schemas, schema["items"], item, f"{path}[{index}]", numbered)
    elif "enum" in schema and numbered and type(value) is int:
        # The document lists an enum's names, not always by number; no enum of these APIs leaves a number out.
        if not 0 <= value < len(schema["enum"]):
            yield f"{path}: expected a number from 0 to {len(schema['enum']) - 1}, got {value}"
    elif not _is_scalar(schema, value):
        yield f"{path}: expected {schema.get('format', kind)}, got {_shown(value)}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: expected one of {', '.join(schema['enum'])}, got {_shown(value)}"


def _object_problems(
    schemas: Document, schema: Mapping[str, Any], value: Any, path: str, numbered: bool
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path or 'body'}: expected an object, got {_shown(value)}"
        return
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        if name in known:
            yield from _problems(schemas, known[name], item, inner, numbered)
        elif others is not None:
            yield from _problems(schemas, others, item, inner, numbered)
        else:
            yield f"{inner}: unknown field"


def _is_scalar(schema: Mapping[str, Any], value: Any) -> bool:
    kind, is_number = schema.get("type", "any"), isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "integer" or schema.get("format") in ("int64", "uint64"):
        is_text = isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None
        return is_text or (is_number and value % 1 == 0)
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":  # gcloud and older clients write booleans as strings, which Google accepts
        return isinstance(value, bool) or value in ("true", "false")
    if kind == "number":
        return is_number or isinstance(value, str)
    return True


def _shown(value: Any) -> str:
    return f"{value!r:.60}"
