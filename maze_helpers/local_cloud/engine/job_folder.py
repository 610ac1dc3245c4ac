"""A training job's folder: /opt/ml as the container finds it, and scratch space beside it.

Source: SageMaker guide, "How Amazon SageMaker Provides Training Information".
"""

from pathlib import Path
from typing import Any

from maze_helpers.local_cloud.engine.container_folder import ContainerFolder, write_json

HOST = "algo-1"
# What AWS calls the one group of a job without instance groups.
GROUP = "homogeneousCluster"


class JobFolder(ContainerFolder):
    """The paths below one job's folder."""

    tmp_prefix = "maze-job-"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.config = self.opt_ml / "input" / "config"
        self.data = self.opt_ml / "input" / "data"
        self.output = self.opt_ml / "output"
        self.output_data = self.output / "data"
        self.failure = self.output / "failure"
        self.scratch = root / "scratch"

    def make(self, job: dict[str, Any]) -> None:
        """Make the folder anew, with the files that tell a container about its job."""
        self.make_anew()
        for folder in (self.config, self.data, self.output_data, self.scratch):
            folder.mkdir(parents=True)
        write_json(self.config / "hyperparameters.json", job.get("HyperParameters", {}))
        write_json(self.config / "inputdataconfig.json", input_data_config(job))
        write_json(self.config / "resourceconfig.json", resource_config(job))


def input_data_config(job: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return what inputdataconfig.json holds, by channel."""
    channels = {}
    for channel in job.get("InputDataConfig", []):
        config = {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
        if channel.get("ContentType"):
            config["ContentType"] = channel["ContentType"]
        channels[channel["ChannelName"]] = config
    return channels


def resource_config(job: dict[str, Any]) -> dict[str, Any]:
    """Return what resourceconfig.json holds."""
    instance_type = job["ResourceConfig"]["InstanceType"]
    group = {"instance_group_name": GROUP, "instance_type": instance_type, "hosts": [HOST]}
    return {
        "current_host": HOST,
        "current_instance_type": instance_type,
        "current_group_name": GROUP,
        "hosts": [HOST],
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }
