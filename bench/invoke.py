"""Invocations of a forest of digits: `python -m bench.invoke [--rounds 3] [--seconds 2]`.

One cheap client, the same for all, calls three servers in turns: the model server itself on its
socket, which is the floor; the same model server through the local cloud, signed and measured;
and moto's server, which has no model and answers with canned bytes. Two bodies: one row, and the
whole data set as NPY. The last line of each is boto3 in place of the cheap client.
"""

import argparse
import importlib.util
import io
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import joblib
import numpy as np
import psutil
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from bench.invoke_client import Target, load
from bench.s3 import free_port, process
from maze_helpers.local_cloud import server
from maze_helpers.local_cloud.credentials import load_or_create_user_key

CLIENTS = (1, 8, 32)
MOST_ADDED_MS, LEAST_OF_FLOOR = 1.5, 0.9
BUCKET, ENDPOINT = "bench", "bench"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
ROLE = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
PREDICT = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
# By which moto tells the runtime from SageMaker itself.
MOTO_HOST = "runtime.sagemaker.us-east-1.amazonaws.com"
HEADERS = {"Content-Type": "application/x-npy", "Accept": "application/x-npy"}

Measured = tuple[list[float], float]


class Cloud:
    """A local cloud with the endpoint in service."""

    def __init__(self, home: Path) -> None:
        self.info = server.start(home, port=0)
        self.process = psutil.Process(self.info.pid)
        key = load_or_create_user_key(home / "aws" / "credentials", "", "", "")
        self.session = boto3.Session(key.access_key_id, key.secret_access_key, None, "us-east-1")

    def client(self, name: str):
        """Return a boto3 client."""
        return self.session.client(name, endpoint_url=self.info.endpoint_url)

    def cpu_s(self) -> float:
        """Return the CPU time that the server itself has used, its containers not counted."""
        times = self.process.cpu_times()
        return times.user + times.system

    def model_socket(self) -> str:
        """Return the path of the model server's socket."""
        for child in self.process.children(recursive=True):
            path = child.environ().get("MAZE_MODEL_SERVER_SOCKET")
            if path and Path(path).exists():
                return path
        raise SystemExit("no model server runs")


def main() -> None:
    """Measure each body on each server and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2, help="each measurement takes")
    options = parser.parse_args()
    rows = load_digits().data
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cloud = stack.enter_context(local_cloud(folder))
        moto_port = stack.enter_context(moto()) if importlib.util.find_spec("flask") else None
        client = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
        for words, data in (("one row", rows[:1]), (f"{len(rows)} rows", rows)):
            body = npy(data)
            sides = {
                "direct": Target(cloud.model_socket(), plain(body), keeps=False),
                "ours": Target(("127.0.0.1", cloud.info.port), signed(cloud, body)),
            }
            if moto_port:
                # It takes text alone, and closes every connection.
                text = signed(cloud, b"0" * len(body), MOTO_HOST)
                sides["moto"] = Target(("127.0.0.1", moto_port), text, keeps=False)
            print(f"\n{words}, {len(body)} bytes of NPY:")
            measure(cloud, client, sides, options)
            boto3_line(cloud, body, options.seconds)


def measure(cloud: Cloud, client, sides: dict[str, Target], options) -> None:
    """Print a line for each number of clients, and how they stand to what is promised."""
    head = "".join(f"{name + ' ms':>12}{'p99':>8}{'/s':>8}" for name in sides)
    print(f"{'clients':>8}{head}{'CPU ms':>8}{'of direct':>11}")
    for clients in CLIENTS:
        found: dict[str, list[Measured]] = {name: [] for name in sides}
        cpu_s, ratios = 0.0, []
        for _ in range(options.rounds):
            for name, target in sides.items():
                began_s = cloud.cpu_s()
                found[name].append(client.submit(load, target, clients, options.seconds).result())
                cpu_s += cloud.cpu_s() - began_s if name == "ours" else 0
            ratios.append(rate(found["ours"][-1]) / rate(found["direct"][-1]))
        count = sum(len(latencies_s) for latencies_s, _ in found["ours"])
        print(f"{clients:>8}", end="")
        for measured in found.values():
            print(f"{ms(measured, 50):>12.2f}{ms(measured, 99):>8.2f}", end="")
            print(f"{statistics.median(map(rate, measured)):>8.0f}", end="")
        print(f"{cpu_s / count * 1e3:>8.2f}{statistics.median(ratios):>11.0%}", end="")
        print(f"  {verdict(clients, found, statistics.median(ratios))}", flush=True)


def verdict(clients: int, found: dict[str, list[Measured]], ratio: float) -> str:
    """Return how the numbers stand to what is promised of them, if anything is."""
    if clients == 1:
        added_ms = ms(found["ours"], 50) - ms(found["direct"], 50)
        return f"adds {added_ms:.2f} ms, promised {MOST_ADDED_MS}"
    return f"promised {LEAST_OF_FLOOR:.0%}" if clients == CLIENTS[-1] else ""


def ms(measured: list[Measured], percentile: int) -> float:
    """Return a percentile of all latencies, in milliseconds."""
    return (
        float(np.percentile([s for latencies_s, _ in measured for s in latencies_s], percentile))
        * 1e3
    )


def rate(measured: Measured) -> float:
    """Return requests a second."""
    latencies_s, elapsed_s = measured
    return len(latencies_s) / elapsed_s


def boto3_line(cloud: Cloud, body: bytes, seconds: float) -> None:
    """Print what one client has who uses boto3."""
    runtime = cloud.client("sagemaker-runtime")
    latencies_s: list[float] = []
    end_s = time.perf_counter() + seconds
    while time.perf_counter() < end_s:
        began_s = time.perf_counter()
        runtime.invoke_endpoint(
            EndpointName=ENDPOINT,
            Body=body,
            ContentType=HEADERS["Content-Type"],
            Accept=HEADERS["Accept"],
        )["Body"].read()
        latencies_s.append(time.perf_counter() - began_s)
    measured = [(latencies_s, seconds)]
    print(f"{'boto3':>8}{'':>28}{ms(measured, 50):>12.2f}{ms(measured, 99):>8.2f}", end="")
    print(f"{rate(measured[0]):>8.0f}")


def plain(body: bytes) -> bytes:
    """Return the request as it goes to a model server."""
    return _request(
        "/invocations", {**HEADERS, "Host": "localhost:8080", "Connection": "close"}, body
    )


def signed(cloud: Cloud, body: bytes, host: str = "") -> bytes:
    """Return the request as it goes to SageMaker's runtime, signed; it holds for minutes."""
    netloc = host or urlsplit(cloud.info.endpoint_url).netloc
    path = f"/endpoints/{ENDPOINT}/invocations"
    request = AWSRequest("POST", f"http://{netloc}{path}", data=body, headers=HEADERS)
    SigV4Auth(cloud.session.get_credentials(), "sagemaker", "us-east-1").add_auth(request)
    return _request(path, {**dict(request.prepare().headers), "Host": netloc}, body)


def _request(path: str, headers: dict[str, str | bytes], body: bytes) -> bytes:
    headers = {**headers, "Content-Length": str(len(body))}
    texts = {n: v.decode() if isinstance(v, bytes) else v for n, v in headers.items()}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in texts.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def npy(data: np.ndarray) -> bytes:
    """Return an array as NPY."""
    file = io.BytesIO()
    np.save(file, data)
    return file.getvalue()


@contextmanager
def local_cloud(folder: Path) -> Iterator[Cloud]:
    """Yield our side, with a forest of 100 trees deployed on an ml.m5.large."""
    home = folder / ".maze"
    cloud = Cloud(home)
    try:
        deploy(
            cloud,
            archive(folder, "model.tar.gz", save_forest),
            archive(folder, "source.tar.gz", save_source),
        )
        yield cloud
    finally:
        server.stop(home)


def save_forest(folder: Path) -> None:
    """Train on the digits, and write the model."""
    forest = RandomForestClassifier(n_estimators=100, random_state=0)
    joblib.dump(forest.fit(*load_digits(return_X_y=True)), folder / "model.joblib")


def save_source(folder: Path) -> None:
    """Write the script that loads the model."""
    (folder / "predict.py").write_text(PREDICT)


def archive(folder: Path, name: str, save: Callable[[Path], None]) -> Path:
    """Return an archive of what is saved."""
    content = folder / f"content of {name}"
    content.mkdir()
    save(content)
    with tarfile.open(folder / name, "w:gz") as tar:
        for path in content.iterdir():
            tar.add(path, path.name)
    return folder / name


def deploy(cloud: Cloud, model: Path, source: Path) -> None:
    """Bring the endpoint in service."""
    s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    for path in (model, source):
        s3.upload_file(str(path), BUCKET, path.name)
    environment = {
        "SAGEMAKER_PROGRAM": "predict.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/{source.name}",
    }
    container = {
        "Image": IMAGE,
        "ModelDataUrl": f"s3://{BUCKET}/{model.name}",
        "Environment": environment,
    }
    sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "m",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="c")
    waiter = sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=ENDPOINT, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


@contextmanager
def moto() -> Iterator[int]:
    """Yield the port of moto's server, as `moto_server` starts it."""
    port = free_port()
    with process([sys.executable, "-m", "moto.server", "-p", str(port)], port):
        yield port


if __name__ == "__main__":
    main()
