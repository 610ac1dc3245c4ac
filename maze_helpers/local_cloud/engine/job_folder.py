"""A training job's folder: for each host /opt/ml as its container finds it, and scratch space.

Source: SageMaker guide, "How Amazon SageMaker Provides Training Information".
"""

from pathlib import Path
from typing import Any

from maze_helpers.local_cloud.engine.cluster import Cluster, Host
from maze_helpers.local_cloud.engine.container_folder import (
    ContainerFolder,
    remove_folder,
    write_json,
)
from maze_helpers.local_cloud.engine.training_channels import channels_of, input_mode

_HOSTS = "hosts"


class HostFolder(ContainerFolder):
    """The paths below the folder of one of a job's hosts."""

    tmp_prefix = "maze-job-"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.config = self.opt_ml / "input" / "config"
        self.data = self.opt_ml / "input" / "data"
        self.output = self.opt_ml / "output"
        self.output_data = self.output / "data"
        self.output_intermediate = self.output / "intermediate"
        self.failure = self.output / "failure"

    def make(self, job: dict[str, Any], cluster: Cluster, host: Host) -> None:
        """Make the folder anew, with the files that tell a container about its job."""
        self.make_anew()
        for folder in (self.config, self.data, self.output_data, self.output_intermediate):
            folder.mkdir(parents=True)
        write_json(self.config / "hyperparameters.json", job.get("HyperParameters", {}))
        write_json(self.config / "inputdataconfig.json", input_data_config(job, host))
        write_json(self.config / "resourceconfig.json", resource_config(job, cluster, host))


class JobFolder:
    """The folder of one job: a folder for each host, and what they share."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hosts_file = root / "etc-hosts"
        self.scratch = root / "scratch"

    def make(self, job: dict[str, Any], cluster: Cluster) -> None:
        """Make the folder anew, with that of each host."""
        self.remove()
        self.scratch.mkdir(parents=True)
        self.hosts_file.write_text(cluster.hosts_file(), encoding="utf-8")
        for host in cluster.hosts:
            self.of(host).make(job, cluster, host)

    def of(self, host: Host) -> HostFolder:
        """Return the folder of a host."""
        return HostFolder(self.root / _HOSTS / host.name)

    def end_containers(self) -> None:
        """End the containers that were written down, if they still run."""
        for folder in self._host_folders():
            folder.end_container()

    def remove(self) -> None:
        """Remove the folder and all below it; it may be missing.

        Raises: OSError, if something cannot be removed.
        """
        for folder in self._host_folders():
            folder.remove()
        remove_folder(self.root)

    def _host_folders(self) -> list[HostFolder]:
        hosts = self.root / _HOSTS
        return [HostFolder(path) for path in hosts.iterdir()] if hosts.is_dir() else []


def input_data_config(job: dict[str, Any], host: Host) -> dict[str, dict[str, str]]:
    """Return what a host's inputdataconfig.json holds, by channel."""
    channels = {}
    for channel in channels_of(job, host):
        source = channel["DataSource"]["S3DataSource"]
        config = {
            # What is in FastFile mode looks like files.
            "TrainingInputMode": "Pipe" if input_mode(job, channel) == "Pipe" else "File",
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if channel.get("ContentType"):
            config["ContentType"] = channel["ContentType"]
        channels[channel["ChannelName"]] = config
    return channels


def resource_config(job: dict[str, Any], cluster: Cluster, host: Host) -> dict[str, Any]:
    """Return what a host's resourceconfig.json holds."""
    groups = [
        {
            "instance_group_name": name,
            "instance_type": members[0].instance_type,
            "hosts": sorted(member.name for member in members),
        }
        for name, members in cluster.groups().items()
    ]
    return {
        "current_host": host.name,
        "current_instance_type": host.instance_type,
        "current_group_name": host.group,
        "hosts": cluster.names,
        "instance_groups": groups,
        "network_interface_name": cluster.network_interface(
            bool(job.get("EnableNetworkIsolation"))
        ),
    }
