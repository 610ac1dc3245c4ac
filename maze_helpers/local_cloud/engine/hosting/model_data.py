"""A model's data: fetched from S3 once a deployment, and given to each of its servers."""

import os
import shutil
import threading
from pathlib import Path

from maze_helpers.local_cloud.engine.archives import BadArchiveError, extract_archive
from maze_helpers.local_cloud.engine.channels import ChannelError, download_channel
from maze_helpers.local_cloud.engine.container_folder import remove_folder
from maze_helpers.local_cloud.engine.hosting.endpoint_record import Document
from maze_helpers.local_cloud.engine.hosting.failures import ModelDataFailed
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

# Larger files are not copied for each server: all of them share one, which none can write to.
# A container may write to the others, and add, replace and remove any.
SHARED_BYTES = 1_000_000


def data_url(container: Document) -> str | None:
    """Return where a container definition says that its model data is, or None.

    A URL that ends in a slash is that of a prefix, whose objects are the data as they are.
    """
    if "ModelDataSource" in container:
        return container["ModelDataSource"]["S3DataSource"]["S3Uri"]
    return container.get("ModelDataUrl")


class ModelData:
    """The files of one model."""

    def __init__(self, objects: ObjectStore, url: str, folder: Path) -> None:
        """Name the data; it is fetched when it is first placed.

        url: of a tar.gz archive, or of a prefix, then with a slash at its end. folder: where it
        will be kept, not there yet.
        """
        self._objects = objects
        self._url = url
        self._folder = folder
        self._fetched = False
        self._lock = threading.Lock()

    def place(self, folder: Path) -> None:
        """Put the data into a server's folder, which is there and empty.

        Raises: ModelDataFailed; OSError, when the disk is full.
        """
        with self._lock:
            if not self._fetched:
                self._fetch()
                self._fetched = True
        shutil.copytree(self._folder, folder, copy_function=_give, dirs_exist_ok=True)

    def remove(self) -> None:
        """Remove what was fetched. Raises: OSError, if something cannot be removed."""
        with self._lock:
            self._fetched = False
            remove_folder(self._folder)

    def _fetch(self) -> None:
        remove_folder(self._folder)
        self._folder.mkdir(parents=True)
        if self._url.endswith("/"):
            self._download()
        else:
            self._unpack()
        for path, _, names in os.walk(self._folder):
            for name in names:
                _protect(os.path.join(path, name))

    def _download(self) -> None:
        try:
            download_channel(self._objects, self._url, self._folder, lambda: None)
        except AWSError as error:
            raise self._not_found() from error
        except ChannelError as error:
            raise ModelDataFailed(f"{self._not_found()} The cause: {error}.") from error
        if not any(self._folder.iterdir()):
            raise self._not_found()

    def _unpack(self) -> None:
        try:
            archive = self._objects.open(*split_s3_uri(self._url))
        except AWSError as error:
            raise self._not_found() from error
        with archive:
            try:
                extract_archive(archive, self._folder)
            except BadArchiveError as error:
                raise self._not_unpacked(error) from error

    def _not_found(self) -> ModelDataFailed:
        # Source: FailureReason as public reports quote it.
        return ModelDataFailed(
            'Failed to download model data for container "container_1" from URL: '
            f'"{self._url}". Please ensure that there is an object located at the URL and that '
            "the role passed to CreateModel has permissions to download the object."
        )

    def _not_unpacked(self, error: BadArchiveError) -> ModelDataFailed:
        # Source: FailureReason in github.com/aws/deep-learning-containers/pull/569. The cause,
        # behind it, is ours.
        return ModelDataFailed(
            'Failed to extract model data archive for container "container_1" from URL '
            f'"{self._url}". Please ensure that the object located at the URL is a valid tar.gz '
            f"archive. {error}"
        )


def _protect(path: str) -> None:
    status = os.stat(path)
    if status.st_size > SHARED_BYTES:
        os.chmod(path, status.st_mode & 0o555)


def _give(source: str, target: str) -> None:
    if os.stat(source).st_size > SHARED_BYTES:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
