"""The images that the local cloud can stand in for: what an image's URI says, and what runs it."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from maze_helpers.local_cloud.errors import ValidationException

# Source: docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths: <account>.dkr.ecr.<region>.<domain>/…
_ECR_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<domain>[a-z0-9.-]+)"
    r"/(?P<repository>[a-z0-9._/-]+):(?P<tag>[A-Za-z0-9._-]+)"
)
_SCIKIT_LEARN_TAG = re.compile(r"(?P<version>\d+(\.\d+)+(-\d+)?)(-cpu)?(-py\d*)?")
# What sagemaker.image_uris knows, by purpose.
_SCIKIT_LEARN_VERSIONS = {
    "0.20.0": ("training", "inference"),
    "0.23-1": ("training", "inference"),
    "1.0-1": ("training", "inference"),
    "1.2-1": ("training", "inference"),
    "1.4-2": ("training",),
}
_CONTAINER_PACKAGE = "maze_helpers.local_cloud.container"
# Where `python -m maze_helpers…` finds the package, installed or not.
PACKAGE_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Image:
    """An image that has a runtime here.

    framework: the library's name on PyPI. framework_version: the image's, such as "1.2-1".
    purposes: what the image is for: "training", "inference" or both.
    """

    uri: str
    framework: str
    framework_version: str
    purposes: tuple[str, ...]

    def train_command(self) -> list[str]:
        """Return the command that stands for `docker run <image> train`."""
        return self._command("train")

    def serve_command(self) -> list[str]:
        """Return the command that stands for `docker run <image> serve`."""
        return self._command("serve")

    def _command(self, module: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            f"{_CONTAINER_PACKAGE}.{module}",
            self.framework,
            self.framework_version,
        ]


def runtime_for(image_uri: str, purpose: str = "training") -> Image:
    """Return what an image's URI stands for here, whichever account and region hosts it.

    Example: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    is scikit-learn, version "1.2-1".
    purpose: "training" or "inference".
    Raises: ValidationException, listing the images there are, if this is not one of them.
    """
    uri = _ECR_URI.fullmatch(image_uri)
    if uri and uri["repository"] == "sagemaker-scikit-learn":
        tag = _SCIKIT_LEARN_TAG.fullmatch(uri["tag"])
        purposes = _SCIKIT_LEARN_VERSIONS.get(tag["version"], ()) if tag else ()
        if tag and purpose in purposes:
            return Image(image_uri, "scikit-learn", tag["version"], purposes)
    raise ValidationException(_no_runtime_message(image_uri, purpose))


def _no_runtime_message(image_uri: str, purpose: str) -> str:
    versions = [v for v, purposes in _SCIKIT_LEARN_VERSIONS.items() if purpose in purposes]
    return (
        f"The local cloud has no runtime for the {purpose} image '{image_uri}'. It has: "
        f"sagemaker-scikit-learn:<version>-cpu-py3, of any account and region, "
        f"version {', '.join(versions)}."
    )
