"""The objects of the local Cloud Storage: files in a folder, one for each object, below a folder for each bucket.

gcp-storage-emulator answers the API's requests; this is the store that it is given. Its own writes all metadata of all
objects again at every change (a tenth of a second for each once there are 4,000), loses everything if it is killed
meanwhile, keeps what was deleted for a week, and does not know preconditions.

Here the files are the truth. What only Cloud Storage knows of an object (content type, checksums, generation) is
written once, at the end; after a kill it is made anew from the files, whose time of change is their generation.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gcp_storage_emulator.exceptions import Conflict
from gcp_storage_emulator.handlers import buckets as bucket_resources
from gcp_storage_emulator.handlers import objects as object_resources
from gcp_storage_emulator.storage import RESUMABLE_DIR, Storage, _FileStore

Resource = dict[str, Any]

METADATA = ".objects.json"
INCOMING = "_incoming"
"""Where a file is while it is written; no bucket's name may begin with an underscore."""

BUCKET_NAME = re.compile("[a-z0-9][-_.a-z0-9]{1,220}[a-z0-9]")

KEPT = ("buckets", "objects", "bucket_iam_policies", "soft_deleted")


class PreconditionFailed(Exception):  # noqa: N818 - Cloud Storage's own name for it
    """An object is not of the generation that the request asks for."""


class StoredObjects(Storage):  # type: ignore[misc]
    """What a folder holds, as gcp-storage-emulator's handlers ask for it; not thread-safe.

    Args:
        folder: where the buckets are; made if it is not there.
        endpoint: the address at which the objects are served.
    """

    buckets: dict[str, Resource]
    objects: dict[str, dict[str, Resource]]

    def __init__(self, folder: Path, endpoint: str) -> None:
        # In memory, for else it makes a hidden folder of its own in the one that it is given.
        super().__init__(use_memory_fs=True)
        self._folder = folder
        self._endpoint = endpoint
        self._store = _Files(folder)
        self.expected_generation: int | None = None
        """ifGenerationMatch of the request that is being answered; 0 means that there is to be no such object."""
        self._read()

    def close(self) -> None:
        """Writes what the files do not say."""
        kept = {name: getattr(self, name) for name in KEPT}
        self._store.write_bytes(METADATA, json.dumps(kept).encode())

    def create_bucket(self, bucket_name: str, bucket_obj: Resource) -> Resource:
        """Adds a bucket, or changes one; a new one keeps nothing of what is deleted."""
        if not BUCKET_NAME.fullmatch(bucket_name):
            raise Conflict(f"Invalid bucket name: {bucket_name!r}")
        if bucket_name not in self.buckets:
            bucket_obj = bucket_obj | {"softDeletePolicy": {"retentionDurationSeconds": "0"}}
        super().create_bucket(bucket_name, bucket_obj)
        return bucket_obj

    def create_file(
        self, bucket_name: str, file_name: str, content: bytes, file_obj: Resource, file_id: str | None = None
    ) -> None:
        """Writes an object, whole or not at all."""
        self._check_generation(bucket_name, file_name)
        if "\\" in file_name or any(part in ("", ".", "..") for part in file_name.split("/")):
            raise Conflict(f"The local Cloud Storage has no objects of names like {file_name!r}: each is a file's path")
        try:
            super().create_file(bucket_name, file_name, content, file_obj, file_id)
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            message = f"The local Cloud Storage cannot have {file_name!r} beside what is there: a file is no folder"
            raise Conflict(message) from None
        generation = int(file_obj["generation"])
        os.utime(self._folder / bucket_name / file_name, ns=(generation, generation))

    def delete_file(self, bucket_name: str, file_name: str) -> None:
        """Deletes an object."""
        self._check_generation(bucket_name, file_name)
        super().delete_file(bucket_name, file_name)

    def wipe(self, keep_buckets: bool = False) -> None:
        """Refused: the emulator does it for whoever gets an address, which any page in a browser can."""
        raise Conflict("The local Cloud Storage deletes objects and buckets one by one")

    def _check_generation(self, bucket_name: str, file_name: str) -> None:
        found = int(self.objects.get(bucket_name, {}).get(file_name, {}).get("generation", 0))
        if self.expected_generation not in (None, found):
            raise PreconditionFailed(f"expected generation {self.expected_generation} of {file_name}, found {found}")

    def _write_config_to_file(self) -> None:
        """Called at every change; see close."""

    def _read(self) -> None:
        for name in (INCOMING, RESUMABLE_DIR):  # uploads that were under way when an earlier server ended
            shutil.rmtree(self._folder / name, ignore_errors=True)
        kept = _metadata(self._folder / METADATA)
        for name in KEPT:
            setattr(self, name, kept.get(name) or {})
        known, self.objects = self.objects, {}
        for bucket in sorted(
            path.name for path in self._folder.iterdir() if path.is_dir() and BUCKET_NAME.fullmatch(path.name)
        ):
            if bucket not in self.buckets:
                bucket_resources.create_bucket(bucket, self)
            of_bucket = known.get(bucket, {})
            self.objects[bucket] = {name: self._resource(bucket, name, of_bucket) for name in self._names(bucket)}
        self.buckets = {name: bucket for name, bucket in self.buckets.items() if name in self.objects}

    def _names(self, bucket: str) -> Iterator[str]:
        root = self._folder / bucket
        return (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())

    def _resource(self, bucket: str, name: str, known: dict[str, Resource]) -> Resource:
        path = self._folder / bucket / name
        status = path.stat()
        generation, size = str(status.st_mtime_ns), str(status.st_size)
        resource = known.get(name)
        if resource is None or (resource["generation"], str(resource["size"])) != (generation, size):
            made = (self._endpoint, bucket, name, "application/octet-stream", size)
            resource = object_resources._checksums(path.read_bytes(), object_resources._make_object_resource(*made))
            resource |= {"generation": generation, "id": f"{bucket}/{name}/{generation}"}
        # The port may be another one now.
        link = resource["mediaLink"].partition("/download/")[2].partition("?")[0]
        return resource | {"mediaLink": f"{self._endpoint}/download/{link}?generation={generation}&alt=media"}


class _Files(_FileStore):  # type: ignore[misc]
    """Files that are there whole or not at all."""

    def __init__(self, root: Path) -> None:
        super().__init__(use_memory=False, root=root)

    def write_bytes(self, rel: str, content: bytes) -> None:
        """Writes a file under a name of its own, then renames it."""
        path, incoming = self._disk_path(rel), self._disk_path(f"{INCOMING}/{uuid.uuid4().hex}")
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming.parent.mkdir(exist_ok=True)
        try:
            incoming.write_bytes(content)
            incoming.replace(path)
        except OSError:
            incoming.unlink(missing_ok=True)
            raise

    def remove_file(self, rel: str) -> None:
        """Deletes a file, and the folders that are empty without it: objects may take their names."""
        super().remove_file(rel)
        for folder in self._disk_path(rel).parents:
            if folder.parent == self._root or any(folder.iterdir()):
                return
            folder.rmdir()


def _metadata(path: Path) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return read
