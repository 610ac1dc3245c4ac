"""Job folders for the train contract: what /opt/ml holds before a container runs on it."""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from maze_helpers.local_cloud.engine.images import PACKAGE_ROOT

_TRAIN = [sys.executable, "-m", "maze_helpers.local_cloud.container.train"]
TRAIN = [*_TRAIN, "scikit-learn", "1.2-1"]
TRAIN_PYTORCH = [*_TRAIN, "pytorch", "2.6.0", "cpu"]
TRAIN_HUGGING_FACE = [*_TRAIN, "huggingface", "4.49.0", "gpu", "2.5.1"]
# Writes down all that it was given.
PROBE = """
import json, os, sys
with open(os.path.join(os.environ["SM_MODEL_DIR"], "probe.json"), "w") as file:
    json.dump({"arguments": sys.argv, "variables": dict(os.environ), "cwd": os.getcwd()}, file)
"""
ONE_HOST = {
    "current_host": "algo-1",
    "current_instance_type": "ml.m5.large",
    "current_group_name": "homogeneousCluster",
    "hosts": ["algo-1"],
    "instance_groups": [
        {
            "instance_group_name": "homogeneousCluster",
            "instance_type": "ml.m5.large",
            "hosts": ["algo-1"],
        }
    ],
    "network_interface_name": "eth0",
}


@dataclass
class Job:
    """What a job is made of.

    files: the source code. hyperparameters: as the API holds them, all strings.
    members: of the archive, where it is not plain files; they come after these.
    """

    files: Mapping[str, str] = field(default_factory=lambda: {"train.py": PROBE})
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    resource_config: Mapping[str, object] = field(default_factory=lambda: ONE_HOST)
    members: Iterable[tarfile.TarInfo] = ()
    program: str | None = "train.py"

    def make(self, folder: Path) -> None:
        """Lay the job out; its code is in an archive, which the container has to unpack."""
        config = folder / "input" / "config"
        for path in (config, folder / "model", folder / "output" / "data"):
            path.mkdir(parents=True)
        for channel in self.channels:
            (folder / "input" / "data" / channel).mkdir(parents=True)
        archive = folder / "sourcedir.tar.gz"
        archive.write_bytes(source_archive(self.files, self.members))
        given = {"sagemaker_submit_directory": json.dumps(str(archive))}
        if self.program is not None:
            given["sagemaker_program"] = json.dumps(self.program)
        contents = {
            "hyperparameters.json": {**given, **self.hyperparameters},
            "inputdataconfig.json": self.channels,
            "resourceconfig.json": self.resource_config,
        }
        for name, content in contents.items():
            (config / name).write_text(json.dumps(content))


@dataclass
class Outcome:
    """What came of a job."""

    folder: Path
    exit_code: int
    log: str

    @property
    def failure(self) -> str | None:
        path = self.folder / "output" / "failure"
        return path.read_text() if path.exists() else None

    @property
    def succeeded(self) -> bool:
        return (self.folder / "output" / "success").exists()

    @property
    def probe(self) -> dict:
        return json.loads((self.folder / "model" / "probe.json").read_text())

    @property
    def variables(self) -> dict[str, str]:
        return self.probe["variables"]

    @property
    def code(self) -> dict[str, str]:
        """The unpacked files, by path."""
        root = self.folder / "code"
        files = [path for path in sorted(root.rglob("*")) if path.is_file()]
        return {str(path.relative_to(root)): path.read_text() for path in files if not hidden(path)}


def hidden(path: Path) -> bool:
    return "__pycache__" in path.parts or path.suffix == ".pyc"


def source_archive(files: Mapping[str, str], members: Iterable[tarfile.TarInfo] = ()) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            tar.addfile(file_member(name, text), io.BytesIO(text.encode()))
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)) if member.isreg() else None)
    return buffer.getvalue()


def file_member(name: str, text: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = len(text.encode())
    return member


def link_member(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member


def run_job(
    job: Job, folder: Path, command: list[str] = TRAIN, cwd: Path = PACKAGE_ROOT
) -> Outcome:
    """Lay a job out in a new folder and run a train command on it, without a container."""
    job.make(folder)
    return run_command(job, folder, command, cwd)


def run_command(
    job: Job, folder: Path, command: list[str] = TRAIN, cwd: Path = PACKAGE_ROOT
) -> Outcome:
    """Run a train command on a job that is laid out."""
    home = folder.parent / f"home-of-{folder.name}"
    home.mkdir(exist_ok=True)
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    process = subprocess.run(
        command,
        cwd=cwd,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "SAGEMAKER_BASE_DIR": str(folder),
            **pip,
            **job.variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return Outcome(folder, process.returncode, process.stdout)
