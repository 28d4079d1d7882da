"""One form of what Google's clients write differently: enums by name or number, booleans as themselves or as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The discovery document lists an enum's names in the order of their numbers, with this one exception.
_NUMBERED = {
    "JOB_MESSAGE_IMPORTANCE_UNKNOWN": (
        "JOB_MESSAGE_IMPORTANCE_UNKNOWN",
        "JOB_MESSAGE_DEBUG",
        "JOB_MESSAGE_DETAILED",
        "JOB_MESSAGE_WARNING",
        "JOB_MESSAGE_ERROR",
        "JOB_MESSAGE_BASIC",
    )
}


def name_of(enum: list[str], number: int) -> str:
    """The name of an enum's number; an IndexError if it has none.

    Args:
        enum: its names, as the discovery document lists them.
        number: what a client sent.

    >>> name_of(["JOB_TYPE_UNKNOWN", "JOB_TYPE_BATCH", "JOB_TYPE_STREAMING"], 1)
    'JOB_TYPE_BATCH'
    """
    if number < 0:
        raise IndexError(number)
    return _NUMBERED.get(enum[0], enum)[number]


def canonical(schemas: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> Any:
    """A value that conforms to a schema of a discovery document, enums by name, booleans as such, no nulls.

    Args:
        schemas: the document's ``schemas``.
        schema: one of them, or a part of one.
        value: what ``json.loads`` gave.
    """
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    if isinstance(value, dict) and schema.get("type") == "object":
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        inner = {name: known.get(name, others) for name in value}
        return {
            name: canonical(schemas, inner[name], item)
            for name, item in value.items()
            if item is not None or inner[name].get("type") == "any"
        }
    if isinstance(value, list) and "items" in schema:
        items = schema["items"]
        return [canonical(schemas, items, item) for item in value if item is not None or items.get("type") == "any"]
    if "enum" in schema and type(value) is int:
        return name_of(schema["enum"], value)
    return value == "true" if schema.get("type") == "boolean" and isinstance(value, str) else value
