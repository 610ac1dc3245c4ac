"""The outputs of a transform job, which become objects when it ends."""

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
        return NewContent(self._objects.blobs)

    def keep(self, uri: str, content: NewContent) -> None:
        """Keep an output that is whole."""
        with self._lock:
            self._written[uri] = content.close()

    def store(self) -> None:
        """Make objects of all. Raises: NoSuchBucket; then those that are left are discarded."""
        try:
            for uri in list(self._written):
                self._objects.put(*split_s3_uri(uri), self._written[uri], Attributes())
                del self._written[uri]
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave nothing of those that are no objects."""
        self._objects.blobs.remove([w.blob_id for w in self._written.values() if w.blob_id])
        self._written.clear()
