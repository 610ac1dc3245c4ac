"""Serverless variants for tests, whose model does what it is told; no HTTP server, no numpy."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_servers import (
    ENDPOINT,
    PATIENCE_S,
    VARIANT,
    cloud_at,
    gunicorns_of,
    processes_of,
    spec_of,
)

from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.engine.hosting.calls import Call, VariantReply
from maze_helpers.local_cloud.engine.hosting.serverless import ServerlessVariant

# Each request is a line: a command and its argument. A file beside the cloud's folder breaks or
# burdens the containers that start while it is there.
OBEDIENT = """
    import os, signal, time

    def hold(mb):
        held = bytearray(mb << 20)
        held[::4096] = b"x" * len(held[::4096])
        return held

    def until(path):
        while not os.path.exists(path):
            time.sleep(0.01)

    if os.path.exists("{folder}/break"):
        os._exit(7)

    def model_fn(model_dir):
        if os.path.exists("{folder}/raise"):
            raise ValueError("no such model")
        if os.path.exists("{folder}/burden"):
            return hold(300)
        if os.path.exists("{folder}/dawdle"):
            until("{folder}/go")

    def input_fn(body, content_type):
        text = body if isinstance(body, str) else bytes(body).decode()
        return text.partition(" ")

    def predict_fn(request, model):
        command, _, argument = request
        if command == "wait":
            open(argument + ".waits", "a").write("x")
            until(argument)
        elif command == "grow":
            held = hold(int(argument))
            time.sleep(600)
        elif command == "die":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600)
        elif command == "variable":
            return os.environ[argument]
        return str(os.getppid())

    def output_fn(answer, accept):
        return answer
    """


class Trial:
    """A serverless variant under test, and an event loop on a thread of its own."""

    def __init__(self, cloud: LocalCloud, folder: Path, config: dict[str, int]) -> None:
        self.cloud = cloud
        self.folder = folder
        spec = spec_of(cloud, OBEDIENT.replace("{folder}", str(folder)))
        self.variant = ServerlessVariant(cloud, ENDPOINT, VARIANT, spec, config, 1.0)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def send(self, request: str, timeout_s: float = PATIENCE_S):
        """Begin a request and return its future."""
        call = Call(request.encode(), {}, timeout_s)
        return asyncio.run_coroutine_threadsafe(self.variant.invoke(call), self.loop)

    def ask(self, request: str = "hello", timeout_s: float = PATIENCE_S) -> VariantReply:
        """Return the answer to a request."""
        answer = self.send(request, timeout_s).result(PATIENCE_S)
        assert answer.reply.status == 200, answer.reply.body
        return answer

    def touch(self, name: str) -> Path:
        """Make the file of that name."""
        path = self.folder / name
        path.touch()
        return path

    def n_waiting(self, name: str) -> int:
        """Return how many requests began to wait for a file."""
        path = self.folder / f"{name}.waits"
        return len(path.read_text()) if path.exists() else 0

    def n_servers(self) -> int:
        """Return how many containers run: each has one gunicorn whose parent is not another."""
        first, _ = gunicorns_of(processes_of(self.cloud.home))
        return len(first)


@contextmanager
def trial(
    home: Path,
    memory_mb: int = 1024,
    most: int = 3,
    provisioned: int = 0,
    idle_s: float = 600,
) -> Iterator[Trial]:
    """Yield a serverless variant that is not started, and end it."""
    config = {"MemorySizeInMB": memory_mb, "MaxConcurrency": most}
    if provisioned:
        config["ProvisionedConcurrency"] = provisioned
    with cloud_at(home) as cloud:
        cloud.serverless_idle_s = idle_s
        under_test = Trial(cloud, home.parent, config)
        try:
            yield under_test
        finally:
            under_test.variant.stop()
            under_test.loop.call_soon_threadsafe(under_test.loop.stop)
            assert not processes_of(home)
