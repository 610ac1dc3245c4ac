"""A processing job's inputs: S3 objects, as files in the folders of its hosts."""

from collections.abc import Callable, Sequence

from maze_helpers.local_cloud.engine.channels import (
    ChannelError,
    channel_objects,
    download_objects,
    share_by_key,
)
from maze_helpers.local_cloud.engine.processing.folder import ProcessingFolder, inputs_of
from maze_helpers.local_cloud.engine.processing.record import Document
from maze_helpers.local_cloud.services.s3.objects import ObjectStore


def download_inputs(
    objects: ObjectStore,
    job: Document,
    folders: Sequence[ProcessingFolder],
    check: Callable[[], None],
) -> None:
    """Copy what a job's inputs name to their LocalPath on each host.

    folders: of the hosts, in order. check: called before each object; what it raises ends it all.
    Raises: ChannelError, if there are no such objects or they cannot be files; OSError, when the
    disk is full; the object store's errors.
    """
    for source in inputs_of(job):
        found = channel_objects(objects, source["S3Uri"], source["S3DataType"])
        if not found:
            raise ChannelError(f"No S3 objects found under S3 URL {source['S3Uri']}")
        shares = [found] * len(folders)
        if source["S3DataDistributionType"] == "ShardedByS3Key":
            shares = share_by_key(found, len(folders))
        for folder, share in zip(folders, shares, strict=True):
            download_objects(objects, share, folder.local(source["LocalPath"]), check)
