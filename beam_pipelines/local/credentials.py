"""Credentials for clients of the local cloud: files that ``google.auth.default()``, gcloud and bq are content with.

Without them clients look for a metadata server, for half a minute and more. What stands in them opens nothing: the
servers of the local cloud do not look at it.

A user's saved credentials with a token that never expires are the one kind for which google-auth asks nobody anything:
not for a token, and not, as for a service account, where Google wants the requests of this account to be sent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ACCESS_TOKEN = "local"  # noqa: S105 - opens nothing


@dataclass(frozen=True)
class Credentials:
    """Files that stand for an identity.

    Attributes:
        application: for GOOGLE_APPLICATION_CREDENTIALS.
        access_token: a token alone, which gcloud and bq take.
    """

    application: Path
    access_token: Path


def saved_user() -> dict[str, str]:
    """The content of a file of application default credentials, as ``gcloud auth application-default login`` writes it.

    >>> saved_user()["type"], saved_user()["expiry"]
    ('authorized_user', '9999-12-31T23:59:59Z')
    """
    return {
        "type": "authorized_user",
        "account": "local-cloud@localhost",
        "token": ACCESS_TOKEN,
        "expiry": "9999-12-31T23:59:59Z",
        # Required, for asking for the next token, which never happens.
        "client_id": "local",
        "client_secret": "local",
        "refresh_token": "local",
    }


@contextmanager
def issued(folder: Path) -> Iterator[Credentials]:
    """Writes the files, readable by their owner only, and deletes them when the context ends."""
    credentials = Credentials(folder / ".credentials.json", folder / ".access-token")
    try:
        _write_privately(credentials.application, json.dumps(saved_user(), indent=2))
        _write_privately(credentials.access_token, ACCESS_TOKEN)
        yield credentials
    finally:
        credentials.application.unlink(missing_ok=True)
        credentials.access_token.unlink(missing_ok=True)


def _write_privately(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)  # one that a killed server left behind may have other permissions
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
