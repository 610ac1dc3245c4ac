"""Image URIs, as the SDK makes them."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from maze_helpers.local_cloud.engine.images import runtime_for
from maze_helpers.local_cloud.errors import ValidationException

URI = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
DEEP_LEARNING = "763104351884.dkr.ecr.us-east-1.amazonaws.com/"


def sdk_versions(scope: str) -> dict[str, dict]:
    package = Path(find_spec("sagemaker").origin).parent
    config = json.loads((package / "image_uri_config" / "sklearn.json").read_text())
    return config[scope]["versions"]


def test_the_uri_says_framework_and_version():
    image = runtime_for(URI)
    assert (image.framework, image.framework_version) == ("scikit-learn", "1.2-1")
    assert image.purposes == ("training", "inference")


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


@pytest.mark.parametrize(
    "uri",
    [
        DEEP_LEARNING + "pytorch-training:2.0.0-cpu-py310",
        DEEP_LEARNING + "huggingface-pytorch-training:2.1.0-transformers4.36.0-cpu-py310",
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


def test_a_training_image_is_refused_for_inference():
    uri = URI.replace("1.2-1", "1.4-2")
    assert runtime_for(uri, "training").purposes == ("training",)
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
