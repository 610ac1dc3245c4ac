"""S3 with boto3 as it comes: `python -m bench.s3 [--sizes 1k,1M,64M,256M,1G]`.

The same client calls three servers in one run, in turns: the local cloud; moto's server; and
the floor, a bare ASGI file server that checks and hashes nothing. 1k counts requests a second,
one client; the others MB/s of upload_file and download_file. Memory is the server's largest.
"""

import argparse
import importlib.util
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import psutil
from botocore.client import BaseClient

from maze_helpers.local_cloud import server
from maze_helpers.local_cloud.credentials import load_or_create_user_key

BUCKET = "bench"
RATE_S = 1.5
UNITS = {"k": 1000, "M": 1024**2, "G": 1024**3}
# moto keeps a multiple of each object in memory, and would take long.
MOTO_UP_TO_BYTES = 256 * UNITS["M"]


@dataclass
class Side:
    """A server, a client of it, and the most memory that it has been seen to use."""

    name: str
    s3: BaseClient
    process: psutil.Process
    rss_bytes: int = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note the server's memory while it works."""
        done = threading.Event()
        self.rss_bytes = 0

        def watch() -> None:
            while not done.wait(0.02):
                self.rss_bytes = max(self.rss_bytes, self.process.memory_info().rss)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            self.rss_bytes = max(self.rss_bytes, self.process.memory_info().rss)


def main() -> None:
    """Measure each size on each side and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--sizes", default="1k,1M,64M,256M,1G")
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides = [stack.enter_context(side(folder)) for side in (local_cloud, file_server)]
        if importlib.util.find_spec("flask"):
            sides.insert(1, stack.enter_context(moto(folder)))
        else:
            print("moto's server is left out: pip install 'moto[server]' adds it.")
        for each in sides:
            each.s3.create_bucket(Bucket=BUCKET)
        names = [each.name for each in sides]
        print(f"{'':>14}" + "".join(f"{name:>10}" for name in names), end="  of floor  MB:")
        print("".join(f"{name:>8}" for name in names))
        for size in options.sizes.split(","):
            measure(size, sides, folder, options.rounds)


def measure(size: str, sides: list[Side], folder: Path, rounds: int) -> None:
    """Print the two lines of one size."""
    size_bytes = int(size[:-1]) * UNITS[size[-1]]
    within = [each for each in sides if each.name != "moto" or size_bytes <= MOTO_UP_TO_BYTES]
    if size_bytes <= UNITS["k"]:
        up, down, unit = put_rate, get_rate, "/s"
    else:
        up, down, unit = upload, download, "MB/s"
    source = folder / "source"
    with source.open("wb") as file:
        for _ in range(size_bytes // UNITS["k"]):
            file.write(secrets.token_bytes(UNITS["k"]))
        file.write(bytes(size_bytes % UNITS["k"]))
    # The largest take long enough to say something the first time.
    rounds = rounds if size_bytes <= 256 * UNITS["M"] else 1
    for word, action in (("up", up), ("down", down)):
        speeds = {each.name: [] for each in sides}
        for _ in range(rounds):
            for each in within:
                with each.watched():
                    speeds[each.name].append(action(each.s3, source))
        print_line(size, f"{word} {unit}", sides, speeds)


def print_line(size: str, word: str, sides: list[Side], speeds: dict[str, list[float]]) -> None:
    """Print one line: each side's median speed, ours over the floor's, each side's memory."""
    medians = {name: statistics.median(times) for name, times in speeds.items() if times}
    print(f"{size:>4}{word:>10}", end="")
    for each in sides:
        print(f"{medians[each.name]:>10.0f}" if each.name in medians else f"{'-':>10}", end="")
    print(f"{medians['ours'] / medians['floor']:>10.0%}     ", end="")
    for each in sides:
        shown = f"{each.rss_bytes / UNITS['M']:.0f}" if each.name in medians else "-"
        print(f"{shown:>8}", end="")
    print(flush=True)


def put_rate(s3, source: Path) -> float:
    """Return how many small puts a second one client makes."""
    body = source.read_bytes()
    return rate(lambda number: s3.put_object(Bucket=BUCKET, Key=f"k{number % 100}", Body=body))


def get_rate(s3, source: Path) -> float:
    """Return how many small gets a second one client makes."""
    for number in range(100):
        s3.put_object(Bucket=BUCKET, Key=f"k{number}", Body=source.read_bytes())
    return rate(lambda number: s3.get_object(Bucket=BUCKET, Key=f"k{number % 100}")["Body"].read())


def rate(call: Callable[[int], object]) -> float:
    """Return how often a second the call can be made."""
    began_s, count = time.perf_counter(), 0
    while time.perf_counter() - began_s < RATE_S:
        call(count)
        count += 1
    return count / (time.perf_counter() - began_s)


def upload(s3, source: Path) -> float:
    """Return MB/s of upload_file."""
    began_s = time.perf_counter()
    s3.upload_file(str(source), BUCKET, "file")
    return source.stat().st_size / UNITS["M"] / (time.perf_counter() - began_s)


def download(s3, source: Path) -> float:
    """Return MB/s of download_file, of what was uploaded before."""
    target = source.with_name("target")
    began_s = time.perf_counter()
    s3.download_file(BUCKET, "file", str(target))
    speed = source.stat().st_size / UNITS["M"] / (time.perf_counter() - began_s)
    if target.stat().st_size != source.stat().st_size:
        raise SystemExit("the download is not as long as the upload")
    target.unlink()
    return speed


@contextmanager
def local_cloud(folder: Path) -> Iterator[Side]:
    """Yield our side: a local cloud as `maze up` starts it."""
    home = folder / ".maze"
    info = server.start(home, port=0)
    try:
        key = load_or_create_user_key(home / "aws" / "credentials", "", "", "")
        s3 = client(info.endpoint_url, key.access_key_id, key.secret_access_key)
        yield Side("ours", s3, psutil.Process(info.pid))
    finally:
        server.stop(home)


@contextmanager
def moto(folder: Path) -> Iterator[Side]:
    """Yield moto's side: its server, as `moto_server` starts it."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    with process(command, port) as started:
        yield Side("moto", client(f"http://127.0.0.1:{port}"), started)


@contextmanager
def file_server(folder: Path) -> Iterator[Side]:
    """Yield the floor's side."""
    files = folder / "files"
    files.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "bench.file_server", str(files), str(port)]
    with process(command, port) as started:
        yield Side("floor", client(f"http://127.0.0.1:{port}"), started)


@contextmanager
def process(command: list[str], port: int) -> Iterator[psutil.Process]:
    """Yield a running server, once it answers."""
    started = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + 30
        while not answers(port):
            if started.poll() is not None or time.monotonic() > deadline_s:
                raise SystemExit(f"{' '.join(command)} does not start")
            time.sleep(0.05)
        yield started
    finally:
        started.kill()
        started.wait()


def answers(port: int) -> bool:
    """Return whether a server listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def client(endpoint_url: str, access_key_id: str = "bench", secret: str = "bench") -> BaseClient:
    """Return an S3 client with boto3's defaults."""
    session = boto3.Session(access_key_id, secret, region_name="us-east-1")
    return session.client("s3", endpoint_url=endpoint_url)


if __name__ == "__main__":
    main()
