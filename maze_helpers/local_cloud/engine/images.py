"""The images that the local cloud can stand in for: what an image's URI says, and what runs it."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from maze_helpers.local_cloud.errors import ValidationException

# Source: docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths: <account>.dkr.ecr.<region>.<domain>/…
_ECR_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<domain>[a-z0-9.-]+)"
    r"/(?P<repository>[a-z0-9._/-]+):(?P<tag>[A-Za-z0-9._-]+)"
)
_SCIKIT_LEARN_TAG = re.compile(r"(?P<version>\d+(\.\d+)+(-\d+)?)(-cpu)?(-py\d*)?")
# Source: github.com/aws/deep-learning-containers, "Available Deep Learning Containers Images":
# versions, processor and Python, then perhaps CUDA, operating system, platform and build. Those
# for EC2 hold none of SageMaker's toolkits.
_VERSION = r"\d+\.\d+(\.\d+)?"
_BUILD = r"-(?P<processor>cpu|gpu)-py\d+(-cu\d+)?(-ubuntu[\d.]+)?(-sagemaker)?(-v[\d.]+|-20[\d-]+)?"
_PYTORCH_TAG = re.compile(rf"(?P<version>{_VERSION}){_BUILD}")
_HUGGING_FACE_TAG = re.compile(
    rf"(?P<torch>{_VERSION})-transformers(?P<version>{_VERSION}){_BUILD}"
)
_TRAINING = ("training", "processing")
_INFERENCE = ("inference",)
# What sagemaker.image_uris knows, by purpose.
_SCIKIT_LEARN_VERSIONS = {
    "0.20.0": (*_TRAINING, *_INFERENCE),
    "0.23-1": (*_TRAINING, *_INFERENCE),
    "1.0-1": (*_TRAINING, *_INFERENCE),
    "1.2-1": (*_TRAINING, *_INFERENCE),
    "1.4-2": _TRAINING,
}
_CONTAINER_PACKAGE = "maze_helpers.local_cloud.container"
# Where `python -m maze_helpers…` finds the package, installed or not.
PACKAGE_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Image:
    """An image that has a runtime here.

    framework: "scikit-learn", "pytorch" or "huggingface".
    framework_version: scikit-learn's, PyTorch's or transformers', as the tag says it: "1.2-1".
    purposes: what the image is for: some of "training", "inference" and "processing".
    processor: "cpu" or "gpu", for which the image is made; both run on what is here.
    torch_version: PyTorch's in a Hugging Face image, else "".
    """

    uri: str
    framework: str
    framework_version: str
    purposes: tuple[str, ...]
    processor: str = "cpu"
    torch_version: str = ""

    def train_command(self) -> list[str]:
        """Return the command that stands for `docker run <image> train`."""
        return self._command("train")

    def serve_command(self) -> list[str]:
        """Return the command that stands for `docker run <image> serve`."""
        return self._command("serve")

    def _command(self, module: str) -> list[str]:
        described = [self.framework, self.framework_version]
        if self.framework != "scikit-learn":
            described.append(self.processor)
        if self.torch_version:
            described.append(self.torch_version)
        return [sys.executable, "-m", f"{_CONTAINER_PACKAGE}.{module}", *described]


@dataclass(frozen=True)
class _Repository:
    """A repository of images: how its tags read, and what they are for.

    example: a tag, with words in the place of what varies.
    released: the purposes of each version, where only some versions are known.

    Differs from AWS: without a list of releases, any version is taken, also one that was never
    released and that could not be pulled there. New ones come out all the time.
    """

    framework: str
    tag: re.Pattern[str]
    example: str
    purposes: tuple[str, ...]
    released: Mapping[str, tuple[str, ...]] | None = None

    def image(self, uri: str, tag: str) -> Image | None:
        """Return what the tag stands for, or None where there is no such image."""
        match = self.tag.fullmatch(tag)
        if match is None:
            return None
        parts = match.groupdict()
        version = parts["version"]
        purposes = self.purposes if self.released is None else self.released.get(version, ())
        return Image(
            uri,
            self.framework,
            version,
            purposes,
            parts.get("processor", "cpu"),
            parts.get("torch", ""),
        )

    def tags(self, purpose: str) -> str:
        """Return how the tags of the images of a purpose read, for people."""
        if self.released is None:
            return self.example
        versions = [v for v, purposes in self.released.items() if purpose in purposes]
        return f"{self.example} (version {', '.join(versions)})"


_PYTORCH_EXAMPLE = "<version>-<cpu or gpu>-py<version>"
_HUGGING_FACE_EXAMPLE = f"<PyTorch version>-transformers{_PYTORCH_EXAMPLE}"
_REPOSITORIES = {
    "sagemaker-scikit-learn": _Repository(
        "scikit-learn",
        _SCIKIT_LEARN_TAG,
        "<version>-cpu-py3",
        (*_TRAINING, *_INFERENCE),
        _SCIKIT_LEARN_VERSIONS,
    ),
    "pytorch-training": _Repository("pytorch", _PYTORCH_TAG, _PYTORCH_EXAMPLE, _TRAINING),
    "pytorch-inference": _Repository("pytorch", _PYTORCH_TAG, _PYTORCH_EXAMPLE, _INFERENCE),
    # Of PyTorch up to 1.1, for everything.
    "sagemaker-pytorch": _Repository(
        "pytorch", _PYTORCH_TAG, _PYTORCH_EXAMPLE, (*_TRAINING, *_INFERENCE)
    ),
    "huggingface-pytorch-training": _Repository(
        "huggingface", _HUGGING_FACE_TAG, _HUGGING_FACE_EXAMPLE, _TRAINING
    ),
    "huggingface-pytorch-inference": _Repository(
        "huggingface", _HUGGING_FACE_TAG, _HUGGING_FACE_EXAMPLE, _INFERENCE
    ),
}


def runtime_for(image_uri: str, purpose: str = "training") -> Image:
    """Return what an image's URI stands for here, whichever account and region hosts it.

    Example: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    is scikit-learn, version "1.2-1".
    purpose: "training", "inference" or "processing".
    Raises: ValidationException, listing the images there are, if this is not one of them.
    """
    uri = _ECR_URI.fullmatch(image_uri)
    repository = _REPOSITORIES.get(uri["repository"]) if uri else None
    image = repository.image(image_uri, uri["tag"]) if uri and repository else None
    if image is None or purpose not in image.purposes:
        raise ValidationException(_no_runtime_message(image_uri, purpose))
    return image


def _no_runtime_message(image_uri: str, purpose: str) -> str:
    there_are = [
        f"{name}:{repository.tags(purpose)}"
        for name, repository in _REPOSITORIES.items()
        if purpose in repository.purposes
    ]
    return (
        f"The local cloud has no runtime for the {purpose} image '{image_uri}'. It has, of any "
        f"account and region: {', '.join(there_are)}."
    )
