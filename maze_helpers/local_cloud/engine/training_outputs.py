"""What a training job leaves in S3: its model and its output, put together from all hosts.

Source: SageMaker guide, "How Amazon SageMaker Processes Training Output".
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maze_helpers.local_cloud.engine.archives import create_merged_archive, merged_members
from maze_helpers.local_cloud.engine.artifacts import output_uri
from maze_helpers.local_cloud.engine.job_folder import HostFolder
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.services.s3.objects import ObjectStore


def upload_outputs(
    objects: ObjectStore, job: Mapping[str, Any], hosts: Sequence[HostFolder], scratch: Path
) -> None:
    """Store the model and the output data of a job's hosts, each as one archive or prefix.

    Where several hosts wrote a file of one name, that of the first host is kept, which is a guess:
    AWS asks scripts to avoid it. scratch: a folder for archives while they are made.
    Raises: OSError, when the disk is full; the object store's errors.
    """
    output = job["OutputDataConfig"]
    compression = output.get("CompressionType", "GZIP")
    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    data = output_uri(output["S3OutputPath"], job["TrainingJobName"], compression)
    folders = {
        model: [(host, host.model) for host in hosts],
        data: [(host, host.output_data) for host in hosts],
    }
    for uri, of_hosts in folders.items():
        real = [folder for host, folder in of_hosts if host.is_untouched(folder)]
        _upload_merged(objects, [folder for folder in real if folder.is_dir()], uri, scratch)


def _upload_merged(objects: ObjectStore, folders: Sequence[Path], uri: str, scratch: Path) -> None:
    """Store folders' content at a URI: file by file below a prefix, else as one archive.

    Where there is nothing, nothing is stored.
    """
    members = merged_members(folders)
    bucket, key = split_s3_uri(uri)
    if key.endswith("/"):
        for name, path in members.items():
            if path.is_file() and not path.is_symlink():
                objects.upload(bucket, key + name, path)
    elif members:
        archive = scratch / Path(key).name
        create_merged_archive(members, archive)
        objects.upload(bucket, key, archive)
        archive.unlink()
