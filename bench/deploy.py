"""What `deploy()` costs around a model server: `python -m bench.deploy`.

The digits forest, three ways in one run: the serving container alone, until its first good ping;
the SDK's `deploy()` on the local cloud; and `deploy()` on moto's server, which serves nothing. A
second table says how long after the first good ping `deploy()` returns.
"""

import http.client
import io
import os
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from bench.fit import local_cloud, moto_server, print_table
from maze_helpers.local_cloud.engine.images import PACKAGE_ROOT

ROUNDS = 5
MOST_AFTER_PING_S = 0.5
PREDICT = """
import os
import joblib
def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
# In a process of its own: each side has its own environment. Prints a time a round, and where the
# log has a ping, how long before the end it was.
DEPLOY = """
import contextlib, io, sys, time
import boto3, sagemaker
from sagemaker.sklearn.model import SKLearnModel
s3, logs = boto3.client("s3"), boto3.client("logs")
s3.create_bucket(Bucket="bench")
s3.upload_file("model.tar.gz", "bench", "model.tar.gz")
session = sagemaker.session.Session(boto_session=boto3.Session(), default_bucket="bench")
for _ in range(int(sys.argv[1])):
    model = SKLearnModel(
        model_data="s3://bench/model.tar.gz",
        entry_point="predict.py", source_dir="src", framework_version="1.2-1",
        role="arn:aws:iam::111122223333:role/SageMakerExecutionRole", sagemaker_session=session,
    )
    began_s = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        predictor = model.deploy(initial_instance_count=1, instance_type="ml.m5.large")
    ended_s = time.time()
    print("SECONDS", time.monotonic() - began_s)
    if sys.argv[2] == "log":
        time.sleep(0.5)
        group = f"/aws/sagemaker/Endpoints/{predictor.endpoint_name}"
        events = logs.filter_log_events(logGroupName=group, filterPattern='"/ping"')["events"]
        first_s = min(e["timestamp"] for e in events if '" 200 ' in e["message"]) / 1000
        print("AFTER_PING", ended_s - first_s)
    predictor.delete_endpoint()
"""


def main() -> None:
    """Measure all three and print the tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(folder)
        alone_s = [time_alone(folder, number) for number in range(ROUNDS)]
        with local_cloud(folder) as environment:
            local = deploy(folder, environment, ROUNDS, "log")
        seconds = {"model server alone": alone_s, "deploy(), local": local["SECONDS"]}
        try:
            with moto_server(folder) as environment:
                seconds["deploy(), moto"] = deploy(folder, environment, 1, "no log")["SECONDS"]
        except ImportError:
            print("moto's server is left out: pip install 'moto[server]' adds it.")
    print_table(seconds)
    after_s = local["AFTER_PING"]
    print(
        f"\ndeploy() returns {statistics.median(after_s):.2f} s after the first good ping", end=" "
    )
    print(f"(at most {max(after_s):.2f} s; the limit is {MOST_AFTER_PING_S} s)")


def make_model(folder: Path) -> None:
    """Write the digits forest, packed and unpacked, and its script."""
    (folder / "src").mkdir()
    (folder / "src" / "predict.py").write_text(PREDICT)
    model = RandomForestClassifier(random_state=0).fit(*load_digits(return_X_y=True))
    content = io.BytesIO()
    joblib.dump(model, content)
    (folder / "model.joblib").write_bytes(content.getvalue())
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "model.joblib", "model.joblib")


def time_alone(folder: Path, number: int) -> float:
    """Return the seconds from starting the serving container to its first good ping."""
    base, socket_path = folder / f"ml-{number}", folder / f"socket-{number}"
    (base / "model").mkdir(parents=True)
    (base / "model" / "model.joblib").hardlink_to(folder / "model.joblib")
    variables = {
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_SUBMIT_DIRECTORY": str(folder / "src"),
        "SAGEMAKER_PROGRAM": "predict.py",
        "SAGEMAKER_MODEL_SERVER_WORKERS": "2",
        "MAZE_MODEL_SERVER_SOCKET": str(socket_path),
        "HOME": str(base),
    }
    module = "maze_helpers.local_cloud.container.serve"
    began_s = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "-m", module, "scikit-learn", "1.2-1"],
        cwd=PACKAGE_ROOT,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not answers_ping(socket_path):
            if server.poll() is not None:
                raise SystemExit("the serving container ended")
            time.sleep(0.01)
        return time.monotonic() - began_s
    finally:
        server.terminate()
        server.wait()


def answers_ping(socket_path: Path) -> bool:
    """Return whether a model server answers 200."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(socket_path))
        except OSError:
            return False
        client = http.client.HTTPConnection("localhost")
        client.sock = connection
        client.request("GET", "/ping")
        return client.getresponse().status == 200


def deploy(
    folder: Path, environment: dict[str, str], rounds: int, log: str
) -> dict[str, list[float]]:
    """Return the figures that deploying so many times prints, by name."""
    finished = subprocess.run(
        [sys.executable, "-c", DEPLOY, str(rounds), log],
        cwd=folder,
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    figures: dict[str, list[float]] = {"SECONDS": [], "AFTER_PING": []}
    for line in finished.stdout.splitlines():
        name, _, value = line.partition(" ")
        if name in figures:
            figures[name].append(float(value))
    return figures


if __name__ == "__main__":
    main()
