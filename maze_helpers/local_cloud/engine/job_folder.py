"""A training job's folder: /opt/ml as the container finds it, and scratch space beside it.

Source: SageMaker guide, "How Amazon SageMaker Provides Training Information".
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from maze_helpers.local_cloud.engine.containers import end_stray

HOST = "algo-1"
# What AWS calls the one group of a job without instance groups.
GROUP = "homogeneousCluster"
_TMP_PREFIX = "maze-job-"


class JobFolder:
    """The paths below one job's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opt_ml = root / "opt" / "ml"
        self.config = self.opt_ml / "input" / "config"
        self.data = self.opt_ml / "input" / "data"
        self.model = self.opt_ml / "model"
        self.output = self.opt_ml / "output"
        self.output_data = self.output / "data"
        self.failure = self.output / "failure"
        self.home = root / "home"
        self.scratch = root / "scratch"
        self._tmp = root / "tmp"
        self._container = root / "container.json"

    @property
    def tmp(self) -> Path:
        """The job's folder for temporary files, elsewhere: sockets in it need a short path."""
        return Path(os.readlink(self._tmp))

    def make(self, job: dict[str, Any]) -> None:
        """Make the folder anew, with the files that tell a container about its job."""
        self.remove()
        folders = [self.config, self.data, self.model, self.output_data]
        for folder in [*folders, self.home, self.scratch]:
            folder.mkdir(parents=True)
        self._tmp.symlink_to(tempfile.mkdtemp(prefix=_TMP_PREFIX))
        write_json(self.config / "hyperparameters.json", job.get("HyperParameters", {}))
        write_json(self.config / "inputdataconfig.json", input_data_config(job))
        write_json(self.config / "resourceconfig.json", resource_config(job))

    def remove(self) -> None:
        """Remove the folder and all below it; it may be missing.

        Raises: OSError, if something cannot be removed.
        """
        # The link is the job's to change: only a folder that can be one of ours is removed.
        if self._tmp.is_symlink() and self.tmp.name.startswith(_TMP_PREFIX):
            remove_folder(Path(tempfile.gettempdir()) / self.tmp.name)
        remove_folder(self.root)

    def note_container(self, pid: int, created_at: float) -> None:
        """Write down which process is the job's container."""
        write_json(self._container, {"pid": pid, "created_at": created_at})

    def end_container(self) -> None:
        """End the container that was written down, if it still runs."""
        try:
            noted = json.loads(self._container.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return  # It was never started, or ended with the server that was starting it.
        end_stray(noted["pid"], noted["created_at"])

    def is_untouched(self, path: Path) -> bool:
        """Return whether no link took a path's place, or that of a folder above it.

        The job owns its folders, and could put a link to anywhere there.
        """
        real_root = os.path.realpath(self.root)
        return os.path.realpath(path) == os.path.join(real_root, path.relative_to(self.root))


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


def write_json(path: Path, value: object) -> None:
    """Write a value as a JSON file."""
    path.write_text(json.dumps(value), encoding="utf-8")


def remove_folder(folder: Path) -> None:
    """Remove a folder and all below it, even what a job made unwritable; it may be missing.

    Raises: OSError, if something cannot be removed.
    """
    if not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except PermissionError:
        for parent, names, _ in os.walk(folder):
            for name in names:
                if not os.path.islink(path := os.path.join(parent, name)):
                    os.chmod(path, 0o700)
        shutil.rmtree(folder)
