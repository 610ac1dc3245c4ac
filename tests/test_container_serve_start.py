"""The serve contract: how a model server comes up, and what it says where it does not."""

import json
import re

import pytest
from serving_cases import ECHO
from serving_container import SUMS, Served, serving
from test_container_train import installed, wheel
from training_folder import source_archive

COUNTS_LOADS = """
import os

def model_fn(model_dir):
    with open(os.path.join(model_dir, "loads"), "a") as file:
        file.write("x")
    return None
"""


def refusal(served: Served) -> tuple[str, str, int]:
    """Return the log, the reason and the exit code of a server that does not start."""
    with serving(served) as server:
        exit_code = server.wait()
        assert not server.socket_path.exists()
        return server.log, server.why, exit_code


def test_the_log_is_gunicorns():
    with serving() as server:
        server.ping()
        assert "[INFO] Starting gunicorn " in server.log
        assert f"[INFO] Listening at: unix:{server.socket_path} (" in server.log
        assert "[INFO] Using worker: " in server.log
        assert f"[INFO] Booting worker with pid: {server.workers[0].pid}" in server.log
        assert "INFO - local-cloud - predict.py and its model are loaded: it took " in server.log


def test_the_model_is_loaded_before_the_first_answer_and_once():
    with serving(Served(files={"predict.py": COUNTS_LOADS})) as server:
        for _ in range(3):
            assert server.ping().status == 200
        assert (server.base / "model" / "loads").read_text() == "x"


def test_there_are_as_many_workers_as_asked_for_and_each_loads_the_model():
    with serving(Served(files={"predict.py": COUNTS_LOADS}, workers=3)) as server:
        server.wait_for_log("(?s)(are loaded.*){3}")
        assert len(server.workers) == 3
        assert (server.base / "model" / "loads").read_text() == "xxx"


def test_code_in_the_models_own_folder_is_served():
    model = {"code/predict.py": SUMS + "import near\n", "code/near.py": ""}
    served = Served(files={"other.py": ""}, model=model, code_uri="/opt/ml/model/code")
    with serving(served) as server:
        assert server.ping().status == 200
        assert server.invoke("[[1, 2]]").body == b"[3.0]"


def test_the_code_cannot_hide_the_standard_library_but_hides_packages():
    hides = """
import json, csv, six, tests
assert json.dumps([]) == "[]"
assert six.mine and tests.mine
"""
    files = {
        "predict.py": ECHO + hides,
        "json.py": "raise RuntimeError('a script is no standard library')",
        "csv.py": "raise RuntimeError('a script is no standard library')",
        "six.py": "mine = True",
        # Where this package is installed to be edited, its folder has such a module, too.
        "tests/__init__.py": "mine = True",
    }
    with serving(Served(files=files)) as server:
        assert server.ping().status == 200, server.log


def test_the_working_directory_is_not_the_code():
    script = ECHO + "import os\nassert not os.path.exists('predict.py')\nopen('own', 'w').close()\n"
    with serving(Served(files={"predict.py": script})) as server:
        assert server.ping().status == 200, server.log
        assert (server.folder / "home" / "own").exists()


def test_the_script_sees_the_images_variables():
    script = """
import json, os

def model_fn(model_dir):
    assert model_dir == os.environ["SM_MODEL_DIR"]

def transform_fn(model, content, content_type, accept):
    return {name: os.environ.get(name) for name in json.loads(content)}
"""
    names = ["SAGEMAKER_SKLEARN_VERSION", "SAGEMAKER_PROGRAM", "MY_OWN", "PYTHONUNBUFFERED"]
    served = Served(files={"predict.py": script}, variables={"MY_OWN": "yes"})
    with serving(served) as server:
        server.ping()
        given = json.loads(server.invoke(json.dumps(names)).body)
    assert given == dict(zip(names, ["1.2-1", "predict.py", "yes", "1"], strict=True))


def test_requirements_are_installed_once_for_this_server_alone(tmp_path):
    before = installed()
    (tmp_path / "tiny_requirement-1.0-py3-none-any.whl").write_bytes(
        wheel("tiny_requirement", "1.0", "VALUE = 7")
    )
    requirements = f"--no-index\n--find-links {tmp_path}\ntiny_requirement\n"
    script = SUMS + "import tiny_requirement\nassert tiny_requirement.VALUE == 7\n"
    files = {"predict.py": script, "requirements.txt": requirements}
    with serving(Served(files=files, workers=2)) as server:
        assert server.ping().status == 200, server.log
        assert server.log.count("Successfully installed tiny_requirement-1.0") == 1
        assert server.log.index("Successfully installed") < server.log.index("Starting gunicorn")
    assert installed() == before


# pip fetches what builds a package.
@pytest.mark.slow
def test_code_with_a_setup_is_installed():
    setup = (
        "from setuptools import setup\nsetup(name='own-code', version='1.0', py_modules=['near'])"
    )
    files = {"setup.py": setup, "predict.py": SUMS + "import near\n", "near.py": ""}
    with serving(Served(files=files)) as server:
        assert server.ping().status == 200, server.log
        assert re.search("Successfully installed own.code-1.0", server.log)


def test_requirements_that_do_not_install_end_the_server():
    files = {"predict.py": SUMS, "requirements.txt": "--no-index\nno_such_package\n"}
    log, why, exit_code = refusal(Served(files=files))
    assert exit_code == 1
    assert "No matching distribution found for no_such_package" in log
    assert why == (
        "What requirements.txt asks for could not be installed: pip exited with 1; "
        "the log says why."
    )
    assert why in log
    assert "gunicorn" not in log


def test_an_entry_point_that_is_missing_names_the_files_that_were_found():
    log, why, exit_code = refusal(Served(files={"inference.py": SUMS, "helpers/x.py": ""}))
    assert exit_code == 1
    assert why == (
        "The entry point predict.py is not in the source archive; "
        "it holds: inference.py, helpers/x.py."
    )
    assert f"ERROR - sagemaker-containers - {why}\n" in log
    assert "Traceback" not in log


def test_an_archive_of_many_files_is_not_listed_whole():
    _, why, _ = refusal(Served(files={f"module_{n:03}.py": "" for n in range(500)}))
    assert "module_000.py" in why
    assert why.endswith("module_019.py, and 480 more.")


def test_an_empty_archive_holds_nothing():
    _, why, _ = refusal(Served(files={}))
    assert why.endswith("it holds: nothing.")


def test_an_entry_point_in_a_folder_says_where_it_must_be():
    served = Served(files={"src/predict.py": SUMS}, program="src/predict.py")
    _, why, _ = refusal(served)
    assert "src/predict.py must be at the top of the source directory" in why


@pytest.mark.parametrize(
    ("served", "sentence"),
    [
        (Served(program=None), "SAGEMAKER_PROGRAM is missing"),
        (Served(variables={"MAZE_MODEL_SERVER_SOCKET": ""}), "MAZE_MODEL_SERVER_SOCKET is missing"),
        (Served(variables={"SAGEMAKER_MODEL_SERVER_WORKERS": "many"}), "WORKERS is 'many'"),
        (Served(variables={"SAGEMAKER_MODEL_SERVER_TIMEOUT": "0"}), "TIMEOUT is '0'"),
        (Served(code_uri="/no/such/folder"), "could not be fetched from /no/such/folder"),
    ],
)
def test_what_is_missing_or_wrong_is_named(served, sentence):
    log, why, exit_code = refusal(served)
    assert exit_code == 1
    assert sentence in why
    assert why in log


def test_an_archive_that_is_none_is_named(tmp_path):
    broken = tmp_path / "sourcedir.tar.gz"
    broken.write_bytes(source_archive({"predict.py": SUMS})[:40])
    _, why, _ = refusal(Served(code_uri=str(broken)))
    assert f"could not be fetched from {broken}" in why


def s3_settings(cloud, key: str, bucket: str) -> Served:
    credentials = cloud.session.get_credentials()
    variables = {
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
    }
    return Served(files={}, variables=variables, code_uri=f"s3://{bucket}/{key}")


def test_source_code_comes_from_s3(local_cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b/c.tar.gz", Body=source_archive({"predict.py": SUMS}))
    with serving(s3_settings(local_cloud, "a b/c.tar.gz", bucket)) as server:
        assert server.ping().status == 200, server.log
        assert server.invoke("[[1, 2]]").body == b"[3.0]"


def test_source_code_that_is_not_in_s3_is_named(local_cloud, bucket):
    _, why, exit_code = refusal(s3_settings(local_cloud, "none.tar.gz", bucket))
    assert exit_code == 1
    assert f"s3://{bucket}/none.tar.gz" in why
    assert "NoSuchKey" in why
