"""A job's checkpoints: to the container at its start, to S3 for as long as it runs.

Source: API reference, CheckpointConfig; SageMaker guide, "Checkpoints in Amazon SageMaker AI",
which says that all hosts of a job share one place in S3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from maze_helpers.local_cloud.engine.channels import channel_objects, download_objects
from maze_helpers.local_cloud.engine.folder_upload import FolderUpload
from maze_helpers.local_cloud.engine.job_folder import HostFolder
from maze_helpers.local_cloud.engine.s3_uri import join_s3_uri
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

# Source: CheckpointConfig.LocalPath.
DEFAULT_LOCAL_PATH = "/opt/ml/checkpoints/"
_OPT_ML = "/opt/ml/"

Document = Mapping[str, Any]


def local_path(config: Document) -> str:
    """Return where a container finds its checkpoints, without a slash at its end."""
    return config.get("LocalPath", DEFAULT_LOCAL_PATH).rstrip("/")


def download_checkpoints(
    objects: ObjectStore, job: Document, folder: HostFolder, check: Callable[[], None]
) -> None:
    """Copy the checkpoints that are in S3 to a host's folder for them, which is made.

    check: called before each; what it raises ends the download.
    Raises: ChannelError; OSError, when the disk is full; the object store's errors.
    """
    config = job.get("CheckpointConfig")
    if config is not None:
        uri = config["S3Uri"].rstrip("/") + "/"
        download_objects(objects, channel_objects(objects, uri), _folder(config, folder), check)


def uploads_of(objects: ObjectStore, job: Document, folder: HostFolder) -> list[FolderUpload]:
    """Return what of a host's folder goes to S3 while the job runs, to be started.

    Its checkpoints, and its intermediate output. Differs from AWS: there, the second goes only
    where the job's image stores it, as those of RL estimators do.
    Source: sagemaker-training 5.1.4, intermediate_output, for the place in S3.
    """
    intermediate = join_s3_uri(
        job["OutputDataConfig"]["S3OutputPath"], job["TrainingJobName"], "output", "intermediate"
    )
    uploads = [FolderUpload(objects, folder.output_intermediate, intermediate)]
    config = job.get("CheckpointConfig")
    if config is not None:
        uploads.append(FolderUpload(objects, _folder(config, folder), config["S3Uri"]))
    return uploads


def _folder(config: Document, folder: HostFolder) -> Path:
    return folder.opt_ml / local_path(config).removeprefix(_OPT_ML)
