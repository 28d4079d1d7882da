"""The JSON of schemas, in fewer words."""

from typing import Any


def record(*fields: Any, name: str = "row", **more: Any) -> dict:
    """A record of fields, each a dict or a pair of name and type."""
    listed = [field if isinstance(field, dict) else {"name": field[0], "type": field[1]} for field in fields]
    return {"type": "record", "name": name, "fields": listed, **more}


def enum(*symbols: str, name: str = "size", **more: Any) -> dict:
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def fixed(size: int, name: str = "code", **more: Any) -> dict:
    return {"type": "fixed", "name": name, "size": size, **more}


def decimal(precision: int, scale: int, carrier: Any = "bytes") -> dict:
    carrier = carrier if isinstance(carrier, dict) else {"type": carrier}
    return {**carrier, "logicalType": "decimal", "precision": precision, "scale": scale}
