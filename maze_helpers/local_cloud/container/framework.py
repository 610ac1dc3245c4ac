"""The framework that an image is for, and the versions of its libraries that really run."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping, MutableMapping

from maze_helpers.local_cloud.container.python_environment import PythonEnvironment
from maze_helpers.local_cloud.container.train_log import TrainLog

OURS = "local-cloud"
SCIKIT_LEARN, PYTORCH, HUGGING_FACE = "scikit-learn", "pytorch", "huggingface"
# Source: the Dockerfiles of aws/sagemaker-scikit-learn-container and of PyTorch and Hugging Face
# in aws/deep-learning-containers. Hugging Face's image is PyTorch's, with libraries added.
_TRAINING_MODULES = {
    SCIKIT_LEARN: "sagemaker_sklearn_container.training:main",
    PYTORCH: "sagemaker_pytorch_container.training:main",
    HUGGING_FACE: "sagemaker_pytorch_container.training:main",
}

_HOW_TO_INSTALL = 'Install PyTorch and transformers: pip install "sagemaker-maze[intent]"'


class Framework:
    """A framework image.

    name: "scikit-learn", "pytorch" or "huggingface".
    image_version: scikit-learn's, PyTorch's or transformers' in the image, such as "1.2-1".
    processor: "cpu" or "gpu", for which the image is made.
    torch_version: PyTorch's in a Hugging Face image.
    """

    def __init__(
        self, name: str, image_version: str, processor: str = "cpu", torch_version: str = ""
    ) -> None:
        self.name = name
        self.image_version = image_version
        self.processor = processor
        self.torch_version = torch_version

    @property
    def libraries(self) -> dict[str, str]:
        """The version in the image of each library it is for, by the library's name on PyPI."""
        if self.name == PYTORCH:
            return {"torch": self.image_version}
        if self.name == HUGGING_FACE:
            return {"torch": self.torch_version, "transformers": self.image_version}
        return {self.name: self.image_version}

    @property
    def is_pytorch(self) -> bool:
        """Whether PyTorch's toolkit is in the image."""
        return self.name in (PYTORCH, HUGGING_FACE)

    @property
    def module(self) -> str:
        """The module by which the image runs training; it is named in the log only."""
        return _TRAINING_MODULES[self.name].partition(":")[0]

    def variables(self, input_folder: str, given: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that the image sets, where the job did not."""
        own = {"SAGEMAKER_TRAINING_MODULE": _TRAINING_MODULES[self.name]}
        if self.name == SCIKIT_LEARN:
            config = f"{input_folder}/config"
            own.update(
                {
                    "SAGEMAKER_SKLEARN_VERSION": self.image_version,
                    "SM_INPUT": input_folder,
                    "SM_INPUT_TRAINING_CONFIG_FILE": f"{config}/hyperparameters.json",
                    "SM_INPUT_DATA_CONFIG_FILE": f"{config}/inputdataconfig.json",
                    "SM_CHECKPOINT_CONFIG_FILE": f"{config}/checkpointconfig.json",
                }
            )
        else:
            own["DLC_CONTAINER_TYPE"] = "training"
        return {name: value for name, value in own.items() if name not in given}

    def prepare(self, python: PythonEnvironment, variables: MutableMapping[str, str]) -> None:
        """Put into a training's environment what PyTorch's image has there beside libraries."""
        if self.is_pytorch:
            python.add_program("torchrun", "torch.distributed.run")
            version = python.version_of("torch")
            if version is not None:
                variables["SM_DLC_TORCH_VERSION"] = version

    def check_version(self, python: PythonEnvironment, log: TrainLog) -> None:
        """Log which versions run, and on what; warn where they are not the image's.

        Differs from AWS: what is installed on this machine runs, whatever the image holds.
        """
        # Differs from AWS: there, such an image has the GPUs of its instance.
        if self.processor == "gpu" and shutil.which("nvidia-smi") is None:
            log.info("The image is made for GPUs. There is none here: it runs on the CPU.", OURS)
        for library, image_version in self.libraries.items():
            _check_version(library, image_version, python, log)


def _check_version(
    library: str, image_version: str, python: PythonEnvironment, log: TrainLog
) -> None:
    version = python.version_of(library)
    if version is None:
        how = "" if library == SCIKIT_LEARN else f" {_HOW_TO_INSTALL}"
        log.warning(f"{library} is not installed here; the image holds it.{how}", OURS)
        return
    log.info(f"{library} {version} runs here, on Python {platform.python_version()}.", OURS)
    image_series = image_version.partition("-")[0].split(".")[:2]
    if version.split(".")[:2] != image_series:
        log.warning(
            f"The image {image_version} holds {library} {'.'.join(image_series)}: on "
            f"AWS, this script runs with that, and a model saved here may not load there.",
            OURS,
        )
