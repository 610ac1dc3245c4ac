"""What the hosts of a training job find when they start: channels and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from maze_helpers.local_cloud.engine.channel_pipe import ChannelPipe
from maze_helpers.local_cloud.engine.checkpoints import download_checkpoints
from maze_helpers.local_cloud.engine.cluster import Cluster, Host
from maze_helpers.local_cloud.engine.job_folder import JobFolder
from maze_helpers.local_cloud.engine.training_channels import channels_of, provide_channel
from maze_helpers.local_cloud.services.s3.objects import ObjectStore


def download_inputs(
    objects: ObjectStore,
    job: Mapping[str, Any],
    cluster: Cluster,
    folder: JobFolder,
    check: Callable[[], None],
    on_error: Callable[[Exception], None],
) -> dict[Host, list[ChannelPipe]]:
    """Fill the hosts' folders; return the pipes of each host's channels in Pipe mode.

    check: called before each object; what it raises ends the download. on_error: called with what
    ends a pipe early.
    Raises: ChannelError; OSError, when the disk is full; the object store's errors.
    """
    pipes: dict[Host, list[ChannelPipe]] = {host: [] for host in cluster.hosts}
    for channel in job.get("InputDataConfig", []):
        folders = {
            host: folder.of(host).data
            for host in cluster.hosts
            if channel in channels_of(job, host)
        }
        provided = provide_channel(objects, job, channel, folders, check, on_error)
        for host, pipe in provided.items():
            pipes[host].append(pipe)
    for host in cluster.hosts:
        download_checkpoints(objects, job, folder.of(host), check)
    return pipes
