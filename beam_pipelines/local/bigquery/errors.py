"""What goes wrong, as BigQuery's REST API puts it."""

from __future__ import annotations

from typing import Any

_STATUS = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
}


class WarehouseError(RuntimeError):
    """The DuckDB file cannot be served."""


class WarehouseLocked(WarehouseError):  # noqa: N818 - reads as what happened, as DuckDB's and sqlite's names do
    """Another process has the DuckDB file open."""


class WarehouseUnreadable(WarehouseError):  # noqa: N818 - the same
    """The file is not a DuckDB database."""


class ApiError(Exception):
    """An answer that BigQuery gives as an error.

    >>> ApiError(404, "notFound", "Not found: Table p:d.t").body["error"]["status"]
    'NOT_FOUND'
    """

    def __init__(self, code: int, reason: str, message: str, location: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.location = location

    @property
    def proto(self) -> dict[str, str]:
        """The error as an ErrorProto, the form it has in a job's status."""
        proto = {"reason": self.reason, "message": self.message}
        return proto | ({"location": self.location} if self.location else {})

    @property
    def body(self) -> dict[str, Any]:
        """The error as the body of an HTTP answer."""
        detail = {**self.proto, "domain": "global"}
        status = _STATUS.get(self.code, "UNKNOWN")
        return {"error": {"code": self.code, "message": self.message, "errors": [detail], "status": status}}


def invalid(message: str) -> ApiError:
    """A request that says something wrong."""
    return ApiError(400, "invalid", message)


def invalid_query(message: str) -> ApiError:
    """A query that BigQuery would refuse."""
    return ApiError(400, "invalidQuery", message, "query")


def not_found(kind: str, name: str) -> ApiError:
    """A dataset, table or job that is not there; ``name`` is ``project:dataset.table``."""
    return ApiError(404, "notFound", f"Not found: {kind} {name}")


def duplicate(kind: str, name: str) -> ApiError:
    """A dataset, table or job that is there already."""
    return ApiError(409, "duplicate", f"Already Exists: {kind} {name}")


def position_at(sql: str, at: int) -> str:
    """Where a character stands in a query, as BigQuery puts it: `` at [line:column]``.

    >>> position_at("SELECT nope", 7)
    ' at [1:8]'
    """
    before = sql[:at]
    return f" at [{before.count(chr(10)) + 1}:{at - before.rfind(chr(10))}]"


def unsupported(what: str) -> ApiError:
    """Something that BigQuery can and this server cannot."""
    return ApiError(501, "notImplemented", f"{what} is not supported by the local BigQuery")
