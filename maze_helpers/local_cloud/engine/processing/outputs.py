"""A processing job's outputs: what is in the folders of its hosts, as S3 objects."""

from collections.abc import Sequence

from maze_helpers.local_cloud.engine.folder_upload import FolderUpload
from maze_helpers.local_cloud.engine.processing.folder import ProcessingFolder, outputs_of
from maze_helpers.local_cloud.engine.processing.record import Document
from maze_helpers.local_cloud.services.s3.objects import ObjectStore


class Outputs:
    """All outputs of a job's hosts, in order. Links are left out.

    Source: SageMaker guide, "How Amazon SageMaker Processing Configures Input and Output For Your
    Processing Container".
    """

    def __init__(
        self, objects: ObjectStore, job: Document, folders: Sequence[ProcessingFolder]
    ) -> None:
        """Make the outputs of a job; the hosts' folders are there."""
        self._continuous: list[FolderUpload] = []
        self._uploads: list[FolderUpload] = []
        for folder in folders:
            for target in outputs_of(job):
                upload = FolderUpload(objects, folder.local(target["LocalPath"]), target["S3Uri"])
                self._uploads.append(upload)
                if target["S3UploadMode"] == "Continuous":
                    self._continuous.append(upload)

    def __enter__(self) -> None:
        """Begin to store what the continuous outputs hold, which is nothing yet."""
        for upload in self._continuous:
            upload.start()

    def __exit__(self, *_: object) -> None:
        """Store no more by itself."""
        for upload in self._continuous:
            upload.stop()

    def store(self) -> None:
        """Store all that is not stored yet.

        Raises: OSError, if a file cannot be read; the object store's errors.
        """
        for upload in self._uploads:
            upload.store()
