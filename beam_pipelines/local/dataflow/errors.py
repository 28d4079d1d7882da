"""What goes wrong, as Dataflow's API puts it: over REST as JSON, over gRPC as a status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_CODES_AND_REASONS = {
    "INVALID_ARGUMENT": (400, "badRequest"),
    "FAILED_PRECONDITION": (400, "failedPrecondition"),
    "NOT_FOUND": (404, "notFound"),
    "ALREADY_EXISTS": (409, "alreadyExists"),
    "INTERNAL": (500, "backendError"),
    "UNIMPLEMENTED": (501, "notImplemented"),
}


class ApiError(Exception):
    """An answer that Dataflow gives as an error.

    >>> ApiError("NOT_FOUND", "Information about job 7 could not be found").code
    404
    """

    def __init__(self, status: str, message: str, details: Sequence[dict[str, Any]] = ()) -> None:
        """Takes the error apart as gRPC does.

        Args:
            status: the canonical name of a gRPC status, such as ``INVALID_ARGUMENT``.
            message: what is wrong, for people.
            details: messages of google.rpc or of Dataflow as JSON, each with its ``@type``.
        """
        super().__init__(message)
        self.status = status
        self.code, self._reason = _CODES_AND_REASONS[status]
        self.message = message
        self.details = list(details)

    @property
    def body(self) -> dict[str, Any]:
        """The error as the body of an HTTP answer."""
        item = {"message": self.message, "domain": "global", "reason": self._reason}
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "errors": [item],
            "status": self.status,
        }
        return {"error": error | ({"details": self.details} if self.details else {})}


def invalid(message: str) -> ApiError:
    """A request that says something wrong."""
    return ApiError("INVALID_ARGUMENT", message)


def refused(message: str) -> ApiError:
    """A request that is right in itself and does not fit what it is about, such as the state of a job."""
    return ApiError("FAILED_PRECONDITION", message)


def not_found(message: str) -> ApiError:
    """A job, a project or a method that is not there."""
    return ApiError("NOT_FOUND", message)


def unsupported(what: str) -> ApiError:
    """Something that Dataflow can and this server cannot.

    Not 501: clients repeat a request after any code from 500 on, Beam's and gcloud for minutes.
    """
    return refused(f"{what} is not supported by the local Dataflow")


def no_such_method(name: str) -> ApiError:
    """A whole method of the API that this server has not."""
    return ApiError("UNIMPLEMENTED", f"{name} is not supported by the local Dataflow")
