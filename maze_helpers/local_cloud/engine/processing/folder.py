"""The folder of one of a processing job's hosts: /opt/ml as its container finds it.

Source: SageMaker guide, "Build Your Own Processing Container".
"""

from pathlib import Path, PurePosixPath
from typing import Any

from maze_helpers.local_cloud.engine.container_folder import ContainerFolder, write_json

_OPT_ML = PurePosixPath("/opt/ml")


class ProcessingFolder(ContainerFolder):
    """The paths below one host's folder."""

    tmp_prefix = "maze-processing-"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.config = self.opt_ml / "config"
        self.message = self.opt_ml / "output" / "message"
        self.hosts_file = root / "hosts"

    def make(self, job: dict[str, Any], host: str, hosts: list[str]) -> None:
        """Make the folder anew, with the files that tell a container about its job.

        The folders of all inputs and outputs are there, and empty.
        """
        self.make_anew()
        for folder in (self.config, self.message.parent):
            folder.mkdir(parents=True)
        for path in local_paths(job):
            self.local(path).mkdir(parents=True, exist_ok=True)
        write_json(self.config / "processingjobconfig.json", job_config(job))
        write_json(self.config / "resourceconfig.json", {"current_host": host, "hosts": hosts})

    def local(self, path: str) -> Path:
        """Return where a path of the container's, below /opt/ml, is on this machine."""
        return self.opt_ml / PurePosixPath(path).relative_to(_OPT_ML)


def remove_job_folder(root: Path) -> None:
    """Remove the folders of all of a job's hosts, and what holds them; it may be missing.

    Raises: OSError, if something cannot be removed.
    """
    if root.is_dir():
        for path in root.iterdir():
            ProcessingFolder(path).remove()
        root.rmdir()


def inputs_of(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the S3Input of each input that the job does not manage by itself."""
    inputs = job.get("ProcessingInputs", [])
    return [one["S3Input"] for one in inputs if not one["AppManaged"]]


def outputs_of(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the S3Output of each output that the job does not manage by itself."""
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return [one["S3Output"] for one in outputs if not one["AppManaged"]]


def local_paths(job: dict[str, Any]) -> list[str]:
    """Return the folders, in the container, of the inputs and outputs."""
    return [transfer["LocalPath"] for transfer in (*inputs_of(job), *outputs_of(job))]


def job_config(job: dict[str, Any]) -> dict[str, Any]:
    """Return what processingjobconfig.json holds: the request, what it left out as null.

    Source: the guide's example, whose inputs have a member more than the API knows.
    """
    application = {"ContainerEntrypoint": None, "ContainerArguments": None}
    cluster = {"VolumeKmsKeyId": None, **job["ProcessingResources"]["ClusterConfig"]}
    config = {
        "ProcessingJobArn": job["ProcessingJobArn"],
        "ProcessingJobName": job["ProcessingJobName"],
        "AppSpecification": {**application, **job["AppSpecification"]},
        "Environment": job.get("Environment", {}),
        "ProcessingInputs": [_input_config(one) for one in job.get("ProcessingInputs", [])],
        "ProcessingOutputConfig": {
            "Outputs": [],
            "KmsKeyId": None,
            **job.get("ProcessingOutputConfig", {}),
        },
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": job["RoleArn"],
        "StoppingCondition": job["StoppingCondition"],
    }
    for member in ("ExperimentConfig", "NetworkConfig"):
        if member in job:
            config[member] = job[member]
    return config


def _input_config(processing_input: dict[str, Any]) -> dict[str, Any]:
    source = {**processing_input["S3Input"], "S3DownloadMode": "StartOfJob"}
    return {**processing_input, "S3Input": source}
