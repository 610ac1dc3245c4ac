"""What a load test costs its client: `python -m bench.load_test`.

The exercise's snippet, 1000 processes that call the endpoint once each, and our client, 1000 calls
at 50 at a time: both with the SDK's predictor, against the same local endpoint, in one run. CPU
seconds are those of the client and its children. Memory is the sum over their processes, what they
share counted once (PSS), over what the client has before it begins. Then: how near our open loop
keeps to its schedule, against an endpoint whose model answers at once.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from maze_helpers.environment import local_environment
from maze_helpers.local_cloud import server

MIB = 1024**2
SAMPLE_EVERY_S = 0.25
RATES = (50, 100, 200)

FOREST = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
AT_ONCE = """
def model_fn(model_dir):
    return None

def predict_fn(data, model):
    return data[:, 0]
"""
SETUP = """
import io, json, resource, sys, tarfile
import boto3, joblib, sagemaker
from sagemaker.sklearn.model import SKLearnModel, SKLearnPredictor
from maze_helpers import data
train, digits_df = data.digits()
session = sagemaker.session.Session(boto_session=boto3.Session(), default_bucket="bench")
predictor = SKLearnPredictor("forest", sagemaker_session=session)

def cpu_s():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
"""
DEPLOY = """
from sklearn.ensemble import RandomForestClassifier
forest = RandomForestClassifier(100, random_state=0).fit(train.iloc[:, :-1].values, train["label"])
dumped, archive = io.BytesIO(), io.BytesIO()
joblib.dump(forest, dumped)
with tarfile.open(fileobj=archive, mode="w:gz") as tar:
    member = tarfile.TarInfo("model.joblib")
    member.size = dumped.tell()
    tar.addfile(member, io.BytesIO(dumped.getvalue()))
boto3.client("s3").create_bucket(Bucket="bench")
boto3.client("s3").put_object(Bucket="bench", Key="model.tar.gz", Body=archive.getvalue())
for name in ("forest", "at_once"):
    model = SKLearnModel(
        model_data="s3://bench/model.tar.gz", entry_point=f"{name}.py", source_dir="src",
        role=sagemaker.get_execution_role(), framework_version="1.2-1", sagemaker_session=session,
    )
    model.deploy(1, "ml.m5.large", endpoint_name=name.replace("_", "-"))
"""
# Between the lines of dashes: the exercise's own, but for the number.
SNIPPET = """
print("READY", flush=True)
sys.stdin.readline()
calls, before_s = int(sys.argv[1]), cpu_s()
# ----
from multiprocessing import Process
from datetime import datetime

processes = []
def predict(i):
    response = predictor.predict(digits_df.iloc[:, :-1])
    now = datetime.now()
    print(f'{now} {response}. Process N {i} has completed.', end='\\r', file=sys.stderr)

for i in range(0, calls):
    p = Process(target=predict, args=[i])
    processes.append(p)
    p.start()

for p in processes:
    p.join()
# ----
ok = sum(process.exitcode == 0 for process in processes)
print("RESULT", json.dumps({"ok": ok, "cpu_s": cpu_s() - before_s}), flush=True)
"""
OURS = """
from maze_helpers.load_test import closed_loop
print("READY", flush=True)
sys.stdin.readline()
before_s = cpu_s()
result = closed_loop(predictor, digits_df.iloc[:, :-1], calls=int(sys.argv[1]), at_a_time=50)
found = {"ok": int(result.outcomes.get("ok", 0)), "cpu_s": cpu_s() - before_s}
print("RESULT", json.dumps(found), flush=True)
"""
SCHEDULE = """
from maze_helpers.load_test import open_loop
predictor.endpoint_name = "at-once"
result = open_loop(predictor, digits_df.iloc[:1, :-1], rate=float(sys.argv[1]), duration_s=5)
late_ms = result.lateness_ms
late = {f"p{percent}": late_ms.quantile(percent / 100) for percent in (50, 99)}
print("RESULT", json.dumps(late | {"max": late_ms.max(), "outcomes": result.outcomes.to_dict()}))
"""


def main() -> None:
    """Measure both clients and the schedule, and print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--calls", type=int, default=1000)
    calls = arguments.parse_args().calls
    with tempfile.TemporaryDirectory() as name, local_cloud(Path(name)) as environment:
        folder = Path(name)
        (folder / "src").mkdir()
        (folder / "src" / "forest.py").write_text(FOREST)
        (folder / "src" / "at_once.py").write_text(AT_ONCE)
        subprocess.run(
            [sys.executable, "-c", SETUP + DEPLOY],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        print(f"{calls} calls{'':<12}{'ok':>6}{'wall s':>9}{'CPU s':>8}{'ms a call':>11}{'MiB':>7}")
        for side, code in (("the snippet", SNIPPET), ("our client", OURS)):
            found = measure(code, calls, folder, environment)
            print(
                f"{side:<22}{found['ok']:>6}{found['wall_s']:>9.1f}{found['cpu_s']:>8.2f}"
                f"{found['cpu_s'] / calls * 1000:>11.2f}{found['peak_bytes'] / MIB:>7.0f}",
                flush=True,
            )
        print(f"\n{'arrivals a second':<18}{'late by, ms: p50':>18}{'p99':>8}{'max':>8}  outcomes")
        for rate in RATES:
            with client(SCHEDULE, rate, folder, environment) as process:
                found = result_of(process)
            print(
                f"{rate:<18}{found['p50']:>18.2f}{found['p99']:>8.2f}{found['max']:>8.2f}"
                f"  {found['outcomes']}",
                flush=True,
            )


def measure(code: str, calls: int, folder: Path, environment: dict[str, str]) -> dict:
    """Return a client's result, with its wall time and its peak memory over that at rest."""
    with client(code, calls, folder, environment) as process:
        while process.stdout.readline() != "READY\n":
            if process.poll() is not None:
                raise SystemExit("the client does not start")
        at_rest_bytes = memory_bytes(process.pid)
        with peak_memory(process.pid) as peaks:
            began_s = time.monotonic()
            process.stdin.write("\n")
            process.stdin.flush()
            found = result_of(process)
            found["wall_s"] = time.monotonic() - began_s
    return found | {"peak_bytes": max(peaks, default=at_rest_bytes) - at_rest_bytes}


@contextmanager
def client(
    code: str, argument: float, folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen]:
    """Yield a client in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", SETUP + code, str(argument)],
        cwd=folder,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def result_of(process: subprocess.Popen) -> dict:
    """Return what a client says that it found."""
    for line in process.stdout:
        if line.startswith("RESULT "):
            return json.loads(line.removeprefix("RESULT "))
    raise SystemExit("the client failed")


@contextmanager
def peak_memory(pid: int) -> Iterator[list[int]]:
    """Yield a list that fills with what a process and its children use, in bytes."""
    done, samples = threading.Event(), []

    def watch() -> None:
        while not done.wait(SAMPLE_EVERY_S):
            samples.append(memory_bytes(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield samples
    finally:
        done.set()
        watcher.join()


def memory_bytes(pid: int) -> int:
    """Return the proportional set size of a process and its children."""
    total = 0
    process = psutil.Process(pid)
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_full_info().pss
        except psutil.NoSuchProcess:  # it has ended meanwhile
            continue
    return total


@contextmanager
def local_cloud(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of a new local cloud."""
    home = folder / ".maze"
    server.start(home, port=0)
    try:
        yield local_environment(home)
    finally:
        server.stop(home)


if __name__ == "__main__":
    main()
