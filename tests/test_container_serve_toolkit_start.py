"""How the model servers of the PyTorch and Hugging Face images come up, and what they are told."""

import json
import os
import subprocess
import sys

import pytest
from serving_container import JSON, PATIENCE_S, Served, serving
from test_container_serve_model_servers import HUGGING_FACE_SERVE, PYTORCH_SERVE
from test_container_train import installed, wheel

from maze_helpers.local_cloud.engine.images import PACKAGE_ROOT

SURROUNDINGS = """
import json, os, sys

def model_fn(model_dir):
    return os.getcwd()

def transform_fn(model, data, content_type, accept):
    variables = {name: os.environ.get(name) for name in json.loads(data)}
    return json.dumps([model, sys.path[0], variables])
"""
IMAGE_PACKAGES = PACKAGE_ROOT / "maze_helpers/local_cloud/container/image_packages"
both = pytest.mark.parametrize("command", [PYTORCH_SERVE, HUGGING_FACE_SERVE], ids=["pt", "hf"])
# What the images have from the same code: one is enough for the fast tests.
both_slowly = pytest.mark.parametrize(
    "command",
    [
        pytest.param(PYTORCH_SERVE, id="pt"),
        pytest.param(HUGGING_FACE_SERVE, id="hf", marks=pytest.mark.slow),
    ],
)


def served(script: str | None, files: dict[str, str | bytes] | None = None, **more) -> Served:
    """Return a server of a model's archive, with the script as its code."""
    model = {"weights": "", **(files or {})}
    if script is not None:
        model["code/inference.py"] = script
    settings = {"program": None, "code_uri": "/opt/ml/model/code", **more}
    return Served(files={"unused.py": ""}, model=model, **settings)


def refusal(what: Served, command: list[str]) -> tuple[str, str, int]:
    """Return the log, the reason and the exit code of a server that does not start."""
    with serving(what, command) as server:
        exit_code = server.wait()
        return server.log, server.why, exit_code


@both
def test_a_worker_runs_in_the_models_folder_and_finds_the_code_first(command):
    names = ["SAGEMAKER_PROGRAM", "SM_MODEL_DIR", "DLC_CONTAINER_TYPE", "MINE"]
    with serving(served(SURROUNDINGS, variables={"MINE": "yes"}), command) as server:
        assert server.ping().status == 200
        folder, first, variables = json.loads(server.invoke(json.dumps(names)).body)
        model = str(server.base / "model")
    assert (folder, first) == (model, f"{model}/code")
    assert list(variables.values()) == ["inference.py", model, "inference", "yes"]


@both_slowly
def test_an_entry_point_of_another_name_is_served(command):
    files = {"code/predict.py": "import near\n" + SURROUNDINGS, "code/near.py": ""}
    with serving(served(None, files, program="predict.py"), command) as server:
        assert server.invoke_when_up("[]").status == 200


@both_slowly
def test_an_empty_entry_point_is_the_default_one(command):
    what = served(SURROUNDINGS, variables={"SAGEMAKER_PROGRAM": ""})
    with serving(what, command) as server:
        assert server.invoke_when_up("[]").status == 200


@both_slowly
def test_requirements_are_installed_once_for_this_server_alone(command, tmp_path):
    before = installed()
    (tmp_path / "tiny_requirement-1.0-py3-none-any.whl").write_bytes(
        wheel("tiny_requirement", "1.0", "VALUE = 7")
    )
    requirements = f"--no-index\n--find-links {tmp_path}\ntiny_requirement\n"
    script = "import tiny_requirement\n" + SURROUNDINGS
    files = {"code/requirements.txt": requirements}
    with serving(served(script, files, workers=2), command) as server:
        assert server.invoke_when_up("[]").status == 200, server.log
        assert server.log.count("Successfully installed tiny_requirement-1.0") == 1
    assert installed() == before


# test_container_serve_start tells the same of scikit-learn's.
@pytest.mark.slow
def test_requirements_that_do_not_install_end_the_server():
    files = {"code/requirements.txt": "--no-index\nno_such_package\n"}
    log, why, exit_code = refusal(served(SURROUNDINGS, files), PYTORCH_SERVE)
    assert exit_code == 1
    assert why.startswith("What requirements.txt asks for could not be installed")
    assert why in log


# As many recipes pack it: the script is found beside the model, the requirements are not.
@pytest.mark.slow
def test_code_at_the_top_is_served_and_its_requirements_are_not_installed():
    files = {"inference.py": SURROUNDINGS, "requirements.txt": "--no-index\nno_such_package\n"}
    with serving(served(None, files), PYTORCH_SERVE) as server:
        assert server.invoke_when_up("[]").status == 200
        assert "installing packages" not in server.log


def test_code_that_the_image_does_not_fetch_is_named_in_the_log():
    what = served(None, code_uri="s3://bucket/sourcedir.tar.gz")
    with serving(what, HUGGING_FACE_SERVE) as server:
        server.wait_for_log(
            "SAGEMAKER_SUBMIT_DIRECTORY is s3://bucket/sourcedir.tar.gz: this image"
        )


@both_slowly
def test_no_ping_is_answered_before_the_model_is_loaded(command):
    script = """
import os, time

def model_fn(model_dir):
    print("begun", flush=True)
    while not os.path.exists("ready"):
        time.sleep(0.01)
"""
    with serving(served(script), command) as server:
        server.wait_for_log("^begun$")
        with server.connect() as early:
            early.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            early.settimeout(0.5)
            with pytest.raises(TimeoutError):
                early.recv(1)
            (server.base / "model" / "ready").touch()
            early.settimeout(PATIENCE_S)
            assert early.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")


def test_a_model_of_pytorch_that_cannot_be_loaded_fails_its_pings():
    with serving(
        served("def model_fn(model_dir):\n    raise ValueError('no')\n"), PYTORCH_SERVE
    ) as s:
        assert s.ping().status == 500
        assert json.loads(s.ping().body) == {"status": "Unhealthy"}
        assert s.why == "inference.py cannot be served: ValueError: no"
        answer = s.invoke("[]")
    assert answer.status == 500
    assert json.loads(answer.body)["message"] == "Worker died."


def test_a_transform_fn_beside_an_input_fn_is_refused_by_pytorch():
    script = SURROUNDINGS + "\ndef input_fn(data, content_type):\n    return data\n"
    with serving(served(script), PYTORCH_SERVE) as server:
        assert server.ping().status == 500
        assert "Cannot use transform_fn implementation in conjunction with" in server.why


def test_a_hugging_face_model_that_cannot_be_loaded_is_tried_again_at_each_request():
    script = """
import os

def model_fn(model_dir):
    if not os.path.exists("ready"):
        raise ValueError("not ready")
    return None

def transform_fn(model, data, content_type, accept):
    return "{}"
"""
    with serving(served(script), HUGGING_FACE_SERVE) as server:
        assert server.ping().status == 200
        first = server.invoke("[]")
        (server.base / "model" / "ready").touch()
        second = server.invoke("[]")
    assert (first.status, json.loads(first.body)["message"]) == (400, "not ready")
    assert (second.status, second.body) == (200, b"{}")


@both_slowly
def test_a_library_of_the_images_that_is_missing_ends_the_server_with_what_to_install(command):
    # As if it were not installed.
    script = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
    log, why, exit_code = refusal(served(script), command)
    assert exit_code != 0
    assert why == (
        "torch is not installed here, and the image's model server needs it: "
        'pip install "sagemaker-maze[intent]".'
    )
    assert log.count(why) == 1


def test_a_model_of_the_hub_is_not_downloaded():
    what = served(None, variables={"HF_MODEL_ID": "distilbert-base-uncased"})
    log, why, exit_code = refusal(what, HUGGING_FACE_SERVE)
    assert exit_code == 1
    assert why.startswith("HF_MODEL_ID is distilbert-base-uncased, a model of the Hugging Face Hub")
    assert why in log


def test_a_model_in_a_folder_that_hf_model_id_names_is_served(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(SURROUNDINGS)
    what = served(None, variables={"HF_MODEL_ID": str(tmp_path)})
    with serving(what, HUGGING_FACE_SERVE) as server:
        assert server.invoke_when_up("[]").status == 200


def test_torchserves_own_settings_replace_the_others():
    script = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    import time
    time.sleep(float(data))
    return "{}"
"""
    variables = {"SAGEMAKER_TS_MIN_WORKERS": "2", "SAGEMAKER_TS_RESPONSE_TIMEOUT": "1"}
    with serving(served(script, variables=variables, workers=1), PYTORCH_SERVE) as server:
        server.wait_for_log("(?s)(is loaded.*){2}")
        assert len(server.workers) == 2
        answer = server.invoke("600")
        assert (answer.status, json.loads(answer.body)["message"]) == (500, "Worker died.")


def test_a_setting_of_torchserves_that_is_no_number_is_named():
    what = served(SURROUNDINGS, variables={"SAGEMAKER_TS_BATCH_SIZE": "many"})
    _, why, exit_code = refusal(what, PYTORCH_SERVE)
    assert exit_code == 1
    assert "SAGEMAKER_TS_BATCH_SIZE is 'many'" in why


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        (PYTORCH_SERVE, {"TS_MAX_REQUEST_SIZE": "10", "TS_MAX_RESPONSE_SIZE": "20"}),
        pytest.param(
            HUGGING_FACE_SERVE,
            {"MMS_MAX_REQUEST_SIZE": "10", "MMS_MAX_RESPONSE_SIZE": "20"},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["pt", "hf"],
)
def test_bodies_have_a_limit_that_is_a_setting(command, variables):
    script = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    return "x" * int(data)
"""
    with serving(served(script, variables=variables), command) as server:
        server.ping()
        assert server.invoke("20", JSON).status == 200
        assert server.invoke(" " * 11, JSON).status == 413
        answer = server.invoke("21", JSON)
    assert (answer.status, json.loads(answer.body)["message"]) == (500, "Worker died.")


@both_slowly
def test_a_form_is_a_body_like_any_other(command):
    script = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    return bytes(data)
"""
    with serving(served(script), command) as server:
        answer = server.invoke_when_up("body=1&x=2", "application/x-www-form-urlencoded")
    assert answer.body == b"body=1&x=2"


IMPORTS = """
from sagemaker_inference import (
    content_types, decoder, encoder, environment, errors, logging, utils)
from sagemaker_huggingface_inference_toolkit import content_types as types, decoder_encoder

assert "image_packages" in decoder.__file__
assert utils.parse_accept("a/b, c/d") == ["a/b", "c/d"]
assert utils.retrieve_content_type_header({"ContentType": "a/b"}) == "a/b"
assert encoder.encode(decoder.decode("[1]", content_types.JSON), content_types.JSON) == "[1]"
assert decoder_encoder.decode("inputs\\nfine", types.CSV) == {"inputs": ["fine"]}
assert errors.GenericInferenceToolkitError(400).message == "Invalid Request"
assert environment.code_dir == "/opt/ml/model/code"
logging.get_logger().info("here")
"""


def test_scripts_find_the_libraries_of_both_images():
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, [IMAGE_PACKAGES, PACKAGE_ROOT])),
    }
    subprocess.run([sys.executable, "-c", IMPORTS], env=variables, cwd="/", check=True)
