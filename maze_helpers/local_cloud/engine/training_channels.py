"""A training job's channels: which host gets which objects of which, and how.

Source: API reference, Channel and S3DataSource; SageMaker guide, "Access training data".
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from maze_helpers.local_cloud.engine.channel_pipe import ChannelPipe
from maze_helpers.local_cloud.engine.channels import (
    ChannelObject,
    channel_objects,
    download_objects,
    share_by_key,
)
from maze_helpers.local_cloud.engine.cluster import Host
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

Document = Mapping[str, Any]


def input_mode(job: Document, channel: Document) -> str:
    """Return a channel's input mode, its own or else the job's: File, FastFile or Pipe.

    Differs from AWS: FastFile is as File here, its objects are files before the job starts. It
    looks the same to the job, save for how long it waits.
    """
    return channel.get("InputMode") or job["AlgorithmSpecification"]["TrainingInputMode"]


def channels_of(job: Document, host: Host) -> list[Document]:
    """Return the channels that a host has: all, but for those of other instance groups."""
    return [
        channel
        for channel in job.get("InputDataConfig", [])
        if host.group in _groups(channel, host)
    ]


def provide_channel(
    objects: ObjectStore,
    job: Document,
    channel: Document,
    folders: Mapping[Host, Path],
    check: Callable[[], None],
    on_error: Callable[[Exception], None],
) -> dict[Host, ChannelPipe]:
    """Give each host its share of a channel: as files in a folder, or by a pipe in Pipe mode.

    folders: the data folders of the hosts that have the channel, in the hosts' order. check:
    called before each object; what it raises ends the download. on_error: called with what ends
    a pipe early. The pipes are to be started.
    Raises: ChannelError; OSError, when the disk is full; the object store's errors.
    """
    source = channel["DataSource"]["S3DataSource"]
    found = channel_objects(objects, source["S3Uri"], source["S3DataType"])
    pipes = {}
    for place, (host, folder) in enumerate(folders.items()):
        share = _Share(channel, found, place, len(folders))
        path = folder / channel["ChannelName"]
        if input_mode(job, channel) == "Pipe":
            pipes[host] = ChannelPipe(objects, share, path, channel, on_error)
        else:
            download_objects(objects, share(0), path, check)
    return pipes


class _Share:
    """One host's objects of a channel, in each epoch."""

    def __init__(
        self, channel: Document, found: Sequence[ChannelObject], place: int, hosts: int
    ) -> None:
        """Make the share of the host at a place among those that have the channel."""
        source = channel["DataSource"]["S3DataSource"]
        self._is_sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
        self._seed = channel.get("ShuffleConfig", {}).get("Seed")
        self._found, self._place, self._hosts = found, place, hosts

    def __call__(self, epoch: int) -> list[ChannelObject]:
        """Return the objects of an epoch. Each is shuffled anew, with ShuffleConfig, for all."""
        found = list(self._found)
        if self._seed is not None:
            random.Random(f"{self._seed} {epoch}").shuffle(found)
        return share_by_key(found, self._hosts)[self._place] if self._is_sharded else found


def _groups(channel: Document, host: Host) -> list[str]:
    source = channel["DataSource"]["S3DataSource"]
    return source.get("InstanceGroupNames") or [host.group]
