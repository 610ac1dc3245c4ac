"""The serve contract against AWS's own: sagemaker-containers answers the same requests."""

import os

import pytest
from cached_environment import cached_environment, find_python38
from serving_cases import CASES, FLASK_CASE
from serving_peers import check, peers

pytestmark = pytest.mark.slow

LIBRARY = "sagemaker-containers==2.8.6"
# As in the image, as far as they matter; what the library asks for beside these does not install
# with today's pip.
PACKAGES = [
    "--no-deps",
    LIBRARY,
    *("flask==1.1.1", "werkzeug==0.15.6", "jinja2==3.0.3", "markupsafe==2.1.1"),
    *("itsdangerous==2.0.1", "click==8.1.7", "gunicorn==20.0.4", "protobuf==3.20.3"),
    *("numpy", "scipy", "six", "retrying", "psutil", "inotify_simple"),
    *("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3<2"),
]
# What sagemaker-scikit-learn-container does with the library.
FRAMEWORK_MODULE = """
import importlib, logging
import numpy
from sagemaker_containers.beta.framework import content_types, encoders, env, transformer, worker

logging.basicConfig(level=logging.INFO)
application = None

def decode(content, content_type):
    array = encoders.decode(content, content_type)
    return array.astype(numpy.float32) if content_type in content_types.UTF8_TYPES else array

def predict(data, model):
    return model.predict(data)

def encode(prediction, accept):
    return worker.Response(encoders.encode(prediction, accept), accept, mimetype=accept)

def make_application():
    module = importlib.import_module(env.ServingEnv().module_name)
    given = {n: getattr(module, n, None) for n in ("input_fn", "predict_fn", "output_fn")}
    if getattr(module, "transform_fn", None):
        functions = {"transform_fn": module.transform_fn}
    else:
        defaults = {"input_fn": decode, "predict_fn": predict, "output_fn": encode}
        functions = {name: given[name] or defaults[name] for name in defaults}
    served = transformer.Transformer(model_fn=module.model_fn, **functions)
    served.initialize()
    return worker.Worker(
        transform_fn=served.transform,
        module_name=env.ServingEnv().module_name,
        execution_parameters_fn=getattr(module, "execution_parameters_fn", None),
    )

def main(environ, start_response):
    global application
    if application is None:
        application = make_application()
    return application(environ, start_response)
"""
# What `serve` does there, without nginx and without installing the code.
START = """
import os, sys, tarfile
code = os.path.join(os.environ["SAGEMAKER_BASE_DIR"], "code")
tarfile.open(os.environ["SAGEMAKER_SUBMIT_DIRECTORY"]).extractall(code)
os.environ["PYTHONPATH"] = os.pathsep.join([code, os.path.dirname(__file__)])
socket = "unix:" + os.environ["MAZE_MODEL_SERVER_SOCKET"]
command = [sys.executable, "-m", "gunicorn.app.wsgiapp", "-b", socket, "framework_module:main"]
os.execv(sys.executable, command)
"""


@pytest.fixture(scope="module")
def theirs():
    """AWS's library at work, in an environment that is kept from run to run."""
    python38 = find_python38()
    if python38 is None:
        pytest.skip("there is no Python 3.8 on this machine, and the library needs 3.9 at most")
    python = cached_environment(f"{LIBRARY.replace('==', '-')}-py3.8", python38, *PACKAGES)
    folder = python.parents[1] / "modules"
    folder.mkdir(exist_ok=True)
    # It imports paramiko for MPI, which nothing here uses.
    sources = {"framework_module": FRAMEWORK_MODULE, "start": START, "paramiko": ""}
    for name, source in sources.items():
        draft = folder / f"{name}.{os.getpid()}"
        draft.write_text(source)
        draft.rename(folder / f"{name}.py")
    with peers([str(python), str(folder / "start.py")]) as servers:
        yield servers


@pytest.fixture(scope="module")
def ours():
    with peers() as servers:
        yield servers


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_of_the_image_is_so(name, theirs):
    check(CASES[name], theirs.answer(CASES[name]))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.status >= 400])
def test_the_page_of_an_error_is_theirs(name, ours, theirs):
    assert ours.answer(CASES[name]).body == theirs.answer(CASES[name]).body


def test_flask_knows_the_request_there(theirs):
    check(FLASK_CASE, theirs.answer(FLASK_CASE))
