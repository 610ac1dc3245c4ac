"""Image URIs, as the SDK makes them."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.errors import ValidationException

URI = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
DEEP_LEARNING = "763104351884.dkr.ecr.us-east-1.amazonaws.com/"


def sdk_versions(scope: str, framework: str = "sklearn") -> dict[str, dict]:
    package = Path(find_spec("sagemaker").origin).parent
    config = json.loads((package / "image_uri_config" / f"{framework}.json").read_text())
    return config[scope]["versions"]


def test_the_uri_says_framework_and_version():
    image = runtime_for(URI)
    assert (image.framework, image.framework_version) == ("scikit-learn", "1.2-1")
    assert set(image.purposes) == {"training", "inference", "processing"}


@pytest.mark.parametrize("scope", ["training", "inference"])
def test_every_version_that_the_sdk_lists_is_known(scope):
    for version, details in sdk_versions(scope).items():
        for region, account in details["registries"].items():
            host = f"{account}.dkr.ecr.{region}.amazonaws.com"
            uri = f"{host}/{details['repository']}:{version}-cpu-py3"
            assert runtime_for(uri, scope).framework_version == version


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1"])
def test_what_the_sdk_makes_of_a_region_is_understood(region):
    from sagemaker.image_uris import retrieve

    uri = retrieve("sklearn", region, "1.2-1", image_scope="training")
    assert runtime_for(uri).framework_version == "1.2-1"


def deep_learning_images(scope: str) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """What the SDK is asked for an image by, and what is to be read from the image's URI."""
    for version, details in sdk_versions(scope, "pytorch").items():
        for python in details["py_versions"]:
            asked = {"framework": "pytorch", "version": version, "py_version": python}
            yield asked, {"framework": "pytorch", "framework_version": version}
    for version, bases in sdk_versions(scope, "huggingface").items():
        for base in bases:
            if base.startswith("pytorch"):
                asked = {"framework": "huggingface", "version": version}
                read = {"framework": "huggingface", "framework_version": version}
                read["torch_version"] = base.removeprefix("pytorch")
                python = bases[base]["py_versions"][0]
                yield {**asked, "base_framework_version": base, "py_version": python}, read


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["training", "inference"])
def test_every_image_of_pytorch_and_hugging_face_that_the_sdk_can_name_is_understood(scope):
    from sagemaker.image_uris import retrieve

    regions = itertools.cycle(["us-east-1", "cn-north-1", "us-gov-west-1", "ap-southeast-2"])
    for asked, read in deep_learning_images(scope):
        # The SDK names no Hugging Face image that trains on a CPU.
        on_gpu_only = asked["framework"] == "huggingface" and scope == "training"
        for processor in ("gpu",) if on_gpu_only else ("gpu", "cpu"):
            instance_type = {"gpu": "ml.g4dn.xlarge", "cpu": "ml.m5.xlarge"}[processor]
            uri = retrieve(
                region=next(regions), image_scope=scope, instance_type=instance_type, **asked
            )
            image = runtime_for(uri, scope)
            assert {name: getattr(image, name) for name in read} == read, uri
            assert image.processor == processor, uri
            assert ("processing" in image.purposes) == ("inference" not in uri), uri


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("2.1-cpu-py310", "2.1"),
        ("2.0.1-gpu-py310-cu118-ubuntu20.04-sagemaker", "2.0.1"),
        ("2.0.1-cpu-py310-ubuntu20.04-sagemaker-v1.3", "2.0.1"),
        ("2.6.0-cpu-py312-ubuntu22.04-sagemaker-2025-05-13-20-20-16", "2.6.0"),
        # Differs from AWS: nobody can say which versions there will be.
        ("9.99.0-cpu-py399", "9.99.0"),
    ],
)
def test_tags_of_pytorch_are_read_in_all_their_lengths(tag, version):
    assert runtime_for(DEEP_LEARNING + "pytorch-training:" + tag).framework_version == version


@pytest.mark.parametrize("purpose", ["training", "processing"])
def test_a_hugging_face_image_has_two_versions(purpose):
    tag = "2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04"
    image = runtime_for(f"{DEEP_LEARNING}huggingface-pytorch-training:{tag}", purpose)
    assert (image.framework, image.framework_version) == ("huggingface", "4.36.0")
    assert (image.torch_version, image.processor) == ("2.1.0", "gpu")


@pytest.mark.parametrize(
    "uri",
    [
        DEEP_LEARNING + "pytorch-training:2.0.0-cpu",
        DEEP_LEARNING + "pytorch-training:2.0.0-cpu-py310-ubuntu20.04-ec2",
        DEEP_LEARNING + "pytorch-training:2.0.0-xpu-py310",
        DEEP_LEARNING + "pytorch-training:latest",
        DEEP_LEARNING + "pytorch-inference:2.0.0-cpu-py310",
        DEEP_LEARNING + "pytorch-inference-eia:1.5.1-cpu-py3",
        DEEP_LEARNING + "pytorch-inference-graviton:2.4.0-cpu-py311-ubuntu22.04-sagemaker",
        DEEP_LEARNING + "pytorch-training-neuron:1.11.0-neuron-py38-sdk2.4.0-ubuntu20.04",
        DEEP_LEARNING + "huggingface-pytorch-training:2.1.0-cpu-py310",
        DEEP_LEARNING + "huggingface-tensorflow-training:2.6.3-transformers4.17.0-gpu-py38",
        DEEP_LEARNING + "tensorflow-training:2.14.1-cpu-py310",
        URI.replace("1.2-1", "9.9-9"),
        URI.replace("-cpu-py3", "-gpu-py3"),
        URI.replace("683313688378", "6833"),
        URI.replace("sagemaker-scikit-learn", "sagemaker-scikit-learn-extra"),
        "evil.example/" + URI,
        URI + "\n",
        "sagemaker-scikit-learn:1.2-1-cpu-py3",
        "python:3.11",
        "",
    ],
)
def test_an_image_without_a_runtime_is_refused_with_the_list_of_those_there_are(uri):
    with pytest.raises(ValidationException) as error:
        runtime_for(uri)
    assert f"'{uri}'" in error.value.message
    assert "sagemaker-scikit-learn:<version>-cpu-py3" in error.value.message
    assert "0.20.0, 0.23-1, 1.0-1, 1.2-1, 1.4-2" in error.value.message
    assert "pytorch-training:<version>-<cpu or gpu>-py<version>" in error.value.message
    assert "huggingface-pytorch-training:<PyTorch version>-transformers" in error.value.message
    assert "pytorch-inference" not in error.value.message.partition("It has")[2]


def test_a_training_image_is_refused_for_inference():
    uri = URI.replace("1.2-1", "1.4-2")
    assert set(runtime_for(uri, "training").purposes) == {"training", "processing"}
    with pytest.raises(ValidationException, match="the inference image"):
        runtime_for(uri, "inference")


def test_the_training_command_runs_from_the_package_root_alone(tmp_path):
    from maze_helpers.local_cloud.engine.images import PACKAGE_ROOT

    command = runtime_for(URI).train_command()
    assert command[0] == sys.executable
    result = subprocess.run(
        command,
        cwd=PACKAGE_ROOT,
        env={"SAGEMAKER_BASE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    # There is no job, and so no configuration.
    assert "resourceconfig.json" in result.stderr


def test_the_serving_command_names_the_framework_and_its_version():
    command = runtime_for(URI, "inference").serve_command()
    assert command == [
        sys.executable,
        "-m",
        "maze_helpers.local_cloud.container.serve",
        "scikit-learn",
        "1.2-1",
    ]


def test_the_commands_of_a_hugging_face_image_name_all_its_versions():
    tag = "2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04"
    command = runtime_for(DEEP_LEARNING + "huggingface-pytorch-training:" + tag).train_command()
    assert command[2:] == [
        "maze_helpers.local_cloud.container.train",
        "huggingface",
        "4.36.0",
        "gpu",
        "2.1.0",
    ]
