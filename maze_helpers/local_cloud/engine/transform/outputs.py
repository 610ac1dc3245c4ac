"""The outputs of a transform job, which become objects when it ends."""

import sqlite3
import threading

from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.services.s3.attributes import Attributes
from maze_helpers.local_cloud.services.s3.new_content import NewContent, Written
from maze_helpers.local_cloud.services.s3.objects import ObjectStore


class Outputs:
    """What is written and not an object yet: one that is stopped leaves nothing.

    Source: StopTransformJob: a job that is stopped stores no output.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._written: dict[str, Written] = {}

    def new(self) -> NewContent:
        """Return an output to be written."""
        # None in memory, however small: there may be many.
        return NewContent(self._objects.blobs, small_bytes=0)

    def keep(self, uri: str, content: NewContent) -> None:
        """Keep an output that is whole. Raises: the object store's errors, if it may not be."""
        # Here, as nothing is asked within the transaction that stores them.
        self._objects.require("s3:PutObject", *split_s3_uri(uri))
        written = content.close()
        with self._lock:
            self._written[uri] = written

    def holds(self, uri: str) -> bool:
        """Return whether an output of that URI is kept."""
        return uri in self._written

    def store(self, db: sqlite3.Connection) -> list[str]:
        """Make objects of all, within a transaction; return the blobs to remove after it.

        Raises: NoSuchBucket.
        """
        garbage: list[str] = []
        for uri, written in self._written.items():
            garbage += self._objects.put_row(db, *split_s3_uri(uri), written, Attributes())[1]
        return garbage

    def discard(self) -> None:
        """Leave nothing of any of them. Not after they were stored."""
        self._objects.blobs.remove(self.blob_ids())
        self._written.clear()

    def blob_ids(self) -> list[str]:
        """Return the blobs that no object names unless `store` is called."""
        return [written.blob_id for written in self._written.values() if written.blob_id]
