"""Batch transform of CSV by a forest of digits: `python -m bench.transform [--copies 120]`.

The floor, in the same run: bare processes that decode, predict and encode the same batches with
the same functions, from a file to a file. Against it, a job on one instance and on two, a worker
each. Then the memory of the local cloud's server while 10 MB, 100 MB and 1 GB pass through it, with
a model that costs nothing.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import joblib
import numpy as np
import psutil
from sklearn.datasets import load_digits

from bench.invoke import IMAGE, PREDICT, ROLE, Cloud, archive, save_forest
from maze_helpers.local_cloud import server
from maze_helpers.local_cloud.container.codecs import decode, encode

BUCKET = "bench"
PAYLOAD_MB, OBJECTS = 1, 8
MOST_OF_FLOOR, LEAST_OF_TWO = 1.3, 0.9
SIZES_MB = (10, 100, 1000)
# Looks at each row, and no more.
COUNT = """
def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    return "1\\n" * (body.count("\\n") + 1), "text/csv"
"""


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", type=int, default=120, help="of the 1,797 digits")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cloud = Cloud(folder / ".maze")
        try:
            jobs = Jobs(cloud, folder)
            speed(jobs, folder, options)
            memory(jobs, folder)
        finally:
            server.stop(folder / ".maze")


class Jobs:
    """Transform jobs on a local cloud."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud = cloud
        self.s3, self.sagemaker = cloud.client("s3"), cloud.client("sagemaker")
        self.s3.create_bucket(Bucket=BUCKET)
        model = archive(folder, "model.tar.gz", save_forest)
        self.s3.upload_file(str(model), BUCKET, model.name)
        for name, script in (("forest", PREDICT), ("count", COUNT)):
            self._create_model(folder, name, script)
        self._count = 0

    def _create_model(self, folder: Path, name: str, script: str) -> None:
        def save(content: Path) -> None:
            (content / "predict.py").write_text(script)

        source = archive(folder, f"{name}.tar.gz", save)
        self.s3.upload_file(str(source), BUCKET, source.name)
        environment = {
            "SAGEMAKER_PROGRAM": "predict.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/{source.name}",
            "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
            "OMP_NUM_THREADS": "1",
        }
        container = {
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
            "Environment": environment,
        }
        self.sagemaker.create_model(
            ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE
        )

    def run(self, model: str, prefix: str, instances: int) -> float:
        """Return the seconds that a job's instances were at work."""
        self._count += 1
        name = f"bench-{self._count}"
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}"}
        self.sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=model,
            BatchStrategy="MultiRecord",
            MaxPayloadInMB=PAYLOAD_MB,
            TransformInput={
                "DataSource": {"S3DataSource": source},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            TransformOutput={
                "S3OutputPath": f"s3://{BUCKET}/out/{name}",
                "Accept": "text/csv",
                "AssembleWith": "Line",
            },
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": instances},
        )
        while True:
            job = self.sagemaker.describe_transform_job(TransformJobName=name)
            if job["TransformJobStatus"] == "Completed":
                return (job["TransformEndTime"] - job["TransformStartTime"]).total_seconds()
            if job["TransformJobStatus"] != "InProgress":
                raise SystemExit(f"{name}: {job.get('FailureReason')}")
            time.sleep(0.05)


def speed(jobs: Jobs, folder: Path, options: argparse.Namespace) -> None:
    """Print rows a second of one and of two, bare and as jobs."""
    rows = np.tile(load_digits().data.astype(int), (options.copies, 1))
    paths = []
    for number, part in enumerate(np.array_split(rows, OBJECTS)):
        path = folder / f"part-{number}.csv"
        path.write_bytes(encode(part, "text/csv").encode())
        jobs.s3.upload_file(str(path), BUCKET, f"in/{path.name}")
        paths.append(path)
    model = folder / "content of model.tar.gz" / "model.joblib"
    found: dict[str, list[float]] = {name: [] for name in ("bare 1", "job 1", "bare 2", "job 2")}
    for _ in range(options.rounds):
        for count in (1, 2):
            found[f"bare {count}"].append(bare(model, paths, count))
            found[f"job {count}"].append(jobs.run("forest", "in/", count))
    seconds = {name: statistics.median(times) for name, times in found.items()}
    print(f"\n{len(rows):,} rows in {OBJECTS} objects, {PAYLOAD_MB} MB a request:")
    print(f"{'':>8}{'seconds':>10}{'rows/s':>10}")
    for name, times_s in seconds.items():
        print(f"{name:>8}{times_s:>10.2f}{len(rows) / times_s:>10,.0f}")
    print(
        f"one instance takes {seconds['job 1'] / seconds['bare 1']:.2f} × the bare process's time",
        end="",
    )
    print(f" (at most {MOST_OF_FLOOR})")
    print(f"two have {seconds['bare 2'] / seconds['job 2']:.0%} of two bare ones' speed", end="")
    print(f" (at least {LEAST_OF_TWO:.0%})")
    print(f"two have {seconds['job 1'] / seconds['job 2']:.2f} × the speed of one")


def bare(model: Path, paths: list[Path], count: int) -> float:
    """Return the seconds that so many processes take for the files, without start and end."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Barrier(count + 1), context.Barrier(count + 1)
    processes = [
        context.Process(target=transform, args=(model, paths[number::count], ready, done))
        for number in range(count)
    ]
    for process in processes:
        process.start()
    ready.wait()
    began_s = time.perf_counter()
    done.wait()
    took_s = time.perf_counter() - began_s
    for process in processes:
        process.join()
    return took_s


def transform(model_path: Path, paths: list[Path], ready, done) -> None:
    """Decode, predict and encode files, batch by batch."""
    model = joblib.load(model_path)
    model.predict(np.zeros((1, 64)))
    ready.wait()
    for path in paths:
        with path.open("rb") as source, open(f"{path}.out", "w") as target:
            for batch in batches(source.read()):
                target.write(encode(model.predict(decode(batch.decode(), "text/csv")), "text/csv"))
    done.wait()


def batches(data: bytes) -> Iterator[bytes]:
    """Yield as many lines at a time as fit into a payload."""
    begin = 0
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + PAYLOAD_MB * 2**20) + 1
        yield data[begin:end]
        begin = end


def memory(jobs: Jobs, folder: Path) -> None:
    """Print the most memory that the server has while objects of several sizes pass."""
    line = b",".join(b"%d" % (number % 17) for number in range(64)) + b"\n"
    block = line * (2**20 // len(line))
    print(f"\n{'input':>9}{'seconds':>10}{'server at rest':>17}{'at most':>10}")
    for size_mb in SIZES_MB:
        path = folder / "large.csv"
        with path.open("wb") as file:
            for _ in range(size_mb):
                file.write(block)
        jobs.s3.upload_file(str(path), BUCKET, f"large-{size_mb}/large.csv")
        path.unlink()
        with closing(Watch(jobs.cloud.process)) as watch:
            rest = watch.peak_bytes
            seconds = jobs.run("count", f"large-{size_mb}/", 1)
        print(
            f"{size_mb:>6} MB{seconds:>10.1f}{rest / 2**20:>13.0f} MiB"
            f"{watch.peak_bytes / 2**20:>6.0f} MiB",
            flush=True,
        )


class Watch:
    """Looks at a process's memory until it is closed. peak_bytes: the most that was seen."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.peak_bytes = process.memory_info().rss
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)


if __name__ == "__main__":
    main()
