"""What the tests of the hosting engine share: a cloud without its HTTP server, and model servers.

A model's code is in its archive, below code/, since nothing answers the container's downloads.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from trainer import tar_gz

from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.engine.hosting.calls import Call
from maze_helpers.local_cloud.engine.hosting.forwarding import send
from maze_helpers.local_cloud.engine.hosting.model_data import ModelData
from maze_helpers.local_cloud.engine.hosting.model_server import ModelServer
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerIdentity, ServerSpec
from maze_helpers.local_cloud.engine.images import runtime_for

BUCKET = "models"
URL = f"s3://{BUCKET}/model.tar.gz"
ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
ENVIRONMENT = {
    "SAGEMAKER_PROGRAM": "predict.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
}
# Answers what it is asked, without numpy.
ECHO = """
    def model_fn(model_dir):
        return model_dir
    def input_fn(body, content_type):
        return body
    def predict_fn(body, model):
        return body
    def output_fn(answer, accept):
        return answer
    """
PATIENCE_S = 60
ENDPOINT, VARIANT = "digits", "AllTraffic"
GROUP = f"/aws/sagemaker/Endpoints/{ENDPOINT}"


@contextmanager
def cloud_at(home: Path) -> Iterator[LocalCloud]:
    """Yield a cloud on a folder, with a bucket, and end all that runs on it."""
    home.mkdir(exist_ok=True)
    cloud = LocalCloud(home, "http://127.0.0.1:1")
    cloud.objects.create_bucket(BUCKET)
    try:
        yield cloud
    finally:
        cloud.close()


def put(cloud: LocalCloud, content: bytes, key: str = "model.tar.gz") -> None:
    """Store an object."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        cloud.objects.upload(BUCKET, key, Path(file.name))


def spec_of(
    cloud: LocalCloud, script: str = ECHO, program: str = "predict.py", **members: object
) -> ServerSpec:
    """Return what a server runs whose code is one script."""
    put(cloud, tar_gz({f"code/{program}": script, "model.txt": "a model"}))
    data = ModelData(cloud.objects, URL, cloud.home / "hosting" / "models" / "test")
    environment = {**ENVIRONMENT, **members.pop("environment", {})}
    image = runtime_for(IMAGE, "inference")
    return ServerSpec(image, ROLE, data, environment, **members)


def server_of(
    cloud: LocalCloud, spec: ServerSpec, on_end: Callable[[ModelServer], None] = lambda _: None
) -> ModelServer:
    """Return a server that is not started."""
    return ModelServer(cloud, spec, ServerIdentity(ENDPOINT, VARIANT), on_end)


def ask(server: ModelServer, body: bytes = b"hello") -> bytes:
    """Return a server's answer."""
    return asyncio.run(send(server.socket_path, Call(body, {}, PATIENCE_S))).body


def lines(cloud: LocalCloud, group: str = GROUP) -> list[str]:
    """Return all that an endpoint's containers printed."""
    found = cloud.store.connection.execute(
        "SELECT message FROM log_events JOIN log_streams ON log_streams.id = stream_id "
        "WHERE group_name = ? ORDER BY timestamp_ms, sequence",
        (group,),
    )
    return [row["message"] for row in found]


def leftovers(cloud: LocalCloud) -> list[Path]:
    """Return what is left of model servers: folders and sockets' folders."""
    mine = list((cloud.home / "hosting" / "servers").glob("*"))
    return [path for path in mine if path.exists()]


def processes_of(home: Path) -> list[psutil.Process]:
    """Return the processes whose environment or arguments name a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in process.environ().get("HOME", "") or any(
                str(home) in argument for argument in process.cmdline()
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def gunicorns_of(
    processes: list[psutil.Process],
) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """Return, of those that still run, the model servers' first processes and the workers."""
    parents = {}
    for process in processes:
        try:
            if "gunicorn" in " ".join(process.cmdline()):
                parents[process] = process.ppid()
        except psutil.NoSuchProcess:
            continue
    ids = {process.pid for process in parents}
    first = [process for process, parent in parents.items() if parent not in ids]
    return first, [process for process in parents if process not in first]


def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Return once a condition holds."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"{what} did not come about"
        time.sleep(0.02)
