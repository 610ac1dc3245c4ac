"""What `fit()` costs around a script: `python -m bench.fit`.

The same script, three ways in one run: bare `python train.py`; the SDK's `fit()` on the local
cloud; and `fit()` on moto's server, which runs nothing and answers at once.
"""

import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maze_helpers.environment import local_environment
from maze_helpers.local_cloud import server

ROUNDS = 5
TRAIN = """
import os
import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
model = RandomForestClassifier(n_estimators=50, random_state=0).fit(*load_digits(return_X_y=True))
joblib.dump(model, os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
"""
# In a process of its own: each side has its own environment. Prints a time a round.
FIT = """
import contextlib, io, sys, time
import boto3, sagemaker
from sagemaker.sklearn.estimator import SKLearn
boto3.client("s3").create_bucket(Bucket="bench")
session = sagemaker.session.Session(boto_session=boto3.Session(), default_bucket="bench")
for _ in range(int(sys.argv[1])):
    estimator = SKLearn(
        entry_point="train.py", source_dir="src", framework_version="1.2-1",
        role="arn:aws:iam::111122223333:role/SageMakerExecutionRole",
        instance_type="ml.m5.large", sagemaker_session=session,
    )
    began_s = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        estimator.fit()
    print("SECONDS", time.monotonic() - began_s)
"""


def main() -> None:
    """Measure all three and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "src").mkdir()
        (folder / "src" / "train.py").write_text(TRAIN)
        bare_s = [time_bare(folder) for _ in range(ROUNDS)]
        with local_cloud(folder) as environment:
            local_s = time_fits(folder, environment, ROUNDS)
        seconds = {"python train.py": bare_s, "fit(), local cloud": local_s}
        try:
            with moto_server(folder) as environment:
                seconds["fit(), moto"] = time_fits(folder, environment, 2)
        except ImportError:
            print("moto's server is left out: pip install 'moto[server]' adds it.")
    print_table(seconds)


def time_bare(folder: Path) -> float:
    """Return the seconds that `python train.py` takes."""
    began_s = time.monotonic()
    subprocess.run(
        [sys.executable, "src/train.py"],
        cwd=folder,
        env={**os.environ, "SM_MODEL_DIR": str(folder)},
        check=True,
    )
    return time.monotonic() - began_s


def time_fits(folder: Path, environment: dict[str, str], rounds: int) -> list[float]:
    """Return the seconds of each `fit()` in an environment."""
    finished = subprocess.run(
        [sys.executable, "-c", FIT, str(rounds)],
        cwd=folder,
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    lines = finished.stdout.splitlines()
    return [float(line.split()[1]) for line in lines if line.startswith("SECONDS ")]


@contextmanager
def local_cloud(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of a new local cloud."""
    home = folder / ".maze"
    server.start(home, port=0)
    try:
        yield local_environment(home)
    finally:
        server.stop(home)


@contextmanager
def moto_server(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of moto's server, with the SDK as it comes but for its telemetry."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    config = folder / "sagemaker.yaml"
    config.write_text(
        "SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n"
    )
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    try:
        yield plain | {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(config),
        }
    finally:
        moto.stop()


def print_table(seconds: dict[str, list[float]]) -> None:
    """Print each side's median and its ratio to, and difference from, the first side."""
    floor_s = statistics.median(next(iter(seconds.values())))
    print(f"{'':<20}{'median s':>10}{'fastest s':>11}{'ratio':>8}{'over bare s':>13}")
    for name, times_s in seconds.items():
        median_s = statistics.median(times_s)
        print(
            f"{name:<20}{median_s:>10.2f}{min(times_s):>11.2f}"
            f"{median_s / floor_s:>8.2f}{median_s - floor_s:>13.2f}"
        )


if __name__ == "__main__":
    main()
