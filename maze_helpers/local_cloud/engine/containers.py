"""A container is a process: its own process group, /opt/ml, log and measurements."""

import functools
import logging
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from maze_helpers.local_cloud.engine.images import PACKAGE_ROOT
from maze_helpers.local_cloud.engine.isolated_network import IsolatedNetwork
from maze_helpers.local_cloud.engine.log_lines import LineSplitter
from maze_helpers.local_cloud.engine.memory_limit import MemoryLimit
from maze_helpers.local_cloud.engine.sampling import Sample, Sampler

log = logging.getLogger(__name__)

SAMPLE_PERIOD_S = 1.0
# Over less, CPU time that the kernel counts in hundredths of a second says nothing.
SHORTEST_SAMPLE_S = 0.1
# Measuring may take this share of one core.
SAMPLING_SHARE = 0.05
# How long the supervisor may take to end everything.
KILL_TIMEOUT_S = 5.0
# Lines that come one by one, such as those of an access log, are gathered for so long: to wake up
# for each costs more than all else that is done with it.
_GATHER_S = 0.02
_TRICKLE_BYTES = 4096
# Two readings of one process's start may differ by the clock's adjustments.
_SAME_START_S = 2.0
# /opt/ml itself, not the same name at the end of a longer path.
_OPT_ML = re.compile(r"(?<![\w./-])/opt/ml\b")
_NO_SUCH_FILE = re.compile(r"No such file|FileNotFound|Permission denied|cannot open|can't open")
_OPT_ML_HINT = (
    "Hint: this machine does not allow user namespaces, so there is no /opt/ml here: use "
    "SM_MODEL_DIR, SM_CHANNEL_<NAME> and the other SM_* variables instead of fixed paths."
)


@dataclass(frozen=True)
class ContainerNetwork:
    """What a container knows of the network. Without namespaces it knows what the machine does.

    host_name: what it is called. hosts_file: what it sees at /etc/hosts.
    isolated: the network that is all it reaches; None for the machine's own.
    """

    host_name: str
    hosts_file: Path
    isolated: IsolatedNetwork | None = None

    def options(self) -> list[str]:
        """Return the supervisor's options that bring it about."""
        options = ["--host-name", self.host_name, "--hosts-file", str(self.hosts_file)]
        if self.isolated is not None:
            options += ["--network", ",".join(map(str, self.file_descriptors))]
        return options

    @property
    def file_descriptors(self) -> tuple[int, ...]:
        """What the supervisor is to inherit."""
        return self.isolated.file_descriptors if self.isolated is not None else ()


class Container:
    """One container: a command and everything that it starts, which ends with it.

    folder: holds `opt/ml`, which the container sees at `ml_path`.
    environment: the whole of it; nothing of the server's is added, except SAGEMAKER_BASE_DIR
    where the container cannot have its own /opt/ml. It starts from `base_environment`.
    on_line: called in order with the time (seconds since the epoch) and text of each line that
    the container writes to stdout or stderr, all from one thread.
    on_sample: called with each measurement: every sample_period_s, and at the end.
    isolated: False makes the container do without namespaces, as on machines without them.
    on_end: called last, once every process has ended and every line was handed over.
    memory_limit_bytes: it is killed when it uses more, and its last line says so.
    memory: the watch over that limit, once it is started; None where there is none.
    network: its host name and what it reaches; None for the machine's.
    directory: where the command starts; None for where Python finds this package.
    user_home: what it sees at /home/ec2-user, where it has namespaces; None for the machine's.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[float, str], None],
        on_sample: Callable[[Sample], None],
        isolated: bool = True,
        sample_period_s: float = SAMPLE_PERIOD_S,
        on_end: Callable[[], None] | None = None,
        memory_limit_bytes: int | None = None,
        network: ContainerNetwork | None = None,
        directory: Path | None = None,
        user_home: Path | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.isolation = isolation() if isolated else "none"
        self._command = list(command)
        self._environment = dict(environment)
        if self.isolation == "none":
            self._environment["SAGEMAKER_BASE_DIR"] = self.ml_path
        self._on_line = on_line
        self._on_sample = on_sample
        self._sample_period_s = sample_period_s
        self._on_end = on_end
        self._memory_limit_bytes = memory_limit_bytes
        self._network = network if self.isolation != "none" else None
        self._directory = directory
        self._user_home = user_home if self.isolation != "none" else None
        self.memory: MemoryLimit | None = None
        self._hinted = False
        self._output_ended = threading.Event()
        self._ended = threading.Event()
        self._exit_code: int | None = None

    @property
    def ml_path(self) -> str:
        """Where the container finds `opt/ml`."""
        return str(self.folder / "opt" / "ml") if self.isolation == "none" else "/opt/ml"

    @property
    def pid(self) -> int:
        """The id of the container's outermost process, which is also its session's."""
        return self._process.pid

    @property
    def created_at(self) -> float:
        """When that process started, in seconds since the epoch: with `pid`, its identity."""
        return self._created_at

    def start(self) -> None:
        """Start the command. A command that cannot run exits with 127, and says so in the log."""
        options = self._network.options() if self._network else []
        if self._directory is not None:
            options += ["--directory", str(self._directory)]
        if self._user_home is not None:
            options += ["--user-home", str(self._user_home.resolve())]
        self._process = subprocess.Popen(
            _supervised(self.isolation, self.folder / "opt" / "ml", self._command, options),
            cwd=PACKAGE_ROOT,
            env=self._environment,
            pass_fds=self._network.file_descriptors if self._network else (),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        root = psutil.Process(self._process.pid)
        self._created_at = root.create_time()
        self._sampler = Sampler(root, self.folder / "opt" / "ml")
        if self._memory_limit_bytes is not None:
            self.memory = MemoryLimit(self.pid, self._memory_limit_bytes, lambda: self.stop(0))
        threading.Thread(target=self._read_output, name=f"log of {self.pid}", daemon=True).start()
        threading.Thread(target=self._watch, name=f"watch {self.pid}", daemon=True).start()

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Return the exit code once every process has ended and every line was handed over.

        128 + n after signal n, as `docker` reports it. None: the time ran out first.
        """
        self._ended.wait(timeout_s)
        return self._exit_code

    def stop(self, grace_s: float) -> int:
        """Ask the container to end (SIGTERM), kill it after the grace, and return its exit code.

        grace_s: 0 to kill it unasked.
        """
        if grace_s > 0:
            self._process.terminate()
        if grace_s <= 0 or self.wait(grace_s) is None:
            self.kill()
        if self.wait(KILL_TIMEOUT_S) is None:
            # The job can stop its supervisor where they share process ids.
            _kill_all(_tree(self.pid, self.created_at))
        exit_code = self.wait()
        assert exit_code is not None
        return exit_code

    def kill(self) -> None:
        """End every process of the container at once."""
        assert self._process.stdin
        self._process.stdin.close()

    def _read_output(self) -> None:
        assert self._process.stdout
        splitter = LineSplitter()
        while chunk := os.read(self._process.stdout.fileno(), 65_536):
            self._hand_over(splitter.feed(chunk))
            if len(chunk) < _TRICKLE_BYTES:
                time.sleep(_GATHER_S)
        self._hand_over(splitter.finish())
        if self.memory is not None and (verdict := self.memory.verdict()):
            self._hand_over([verdict])
        self._output_ended.set()

    def _hand_over(self, lines: list[str]) -> None:
        now_s = time.time()
        for line in lines:
            self._call(self._on_line, now_s, line)
            if self.isolation == "none" and not self._hinted and _misses_opt_ml(line):
                self._hinted = True
                self._call(self._on_line, now_s, _OPT_ML_HINT)

    def _watch(self) -> None:
        """Measure until the container ends, then see that nothing of it is left."""
        self._call(self._sampler.measure)
        pause_s = SHORTEST_SAMPLE_S
        last_s = -math.inf
        while not self._output_ended.wait(pause_s):
            began_s = time.monotonic()
            self._call(self._sample)
            last_s = time.monotonic()
            pause_s = max(self._sample_period_s, (last_s - began_s) / SAMPLING_SHARE)
            if self._process.poll() is not None:
                # Something that escaped the supervisor holds the output open, or a supervisor
                # that its own parent was killed before it could ask to die with.
                self.kill()
                _kill_all(self._sampler.seen)
        if time.monotonic() - last_s >= SHORTEST_SAMPLE_S:
            self._call(self._sample)
        exit_code = self._process.wait()
        _kill_all(self._sampler.seen)
        self._exit_code = exit_code if exit_code >= 0 else 128 - exit_code
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        if self.memory is not None:
            self.memory.end()
        self._ended.set()
        if self._on_end is not None:
            self._call(self._on_end)

    def _sample(self) -> None:
        self._on_sample(self._sampler.measure())

    def _call(self, callback: Callable[..., object], *arguments: object) -> None:
        """Call back; a fault there is ours, and must not stop the container's output."""
        try:
            callback(*arguments)
        except Exception:
            log.exception("container %s: %s failed", self.pid, callback)


def end_stray(pid: int, created_at: float) -> bool:
    """End a container that an earlier server started; return whether it was still there.

    pid, created_at: as the container gave them. A later process of the same id is left alone.
    """
    processes = _tree(pid, created_at)
    _kill_all(processes)
    psutil.wait_procs(processes, timeout=KILL_TIMEOUT_S)
    return bool(processes)


@functools.cache
def isolation() -> str:
    """Return how much of its own a container can have here: "pid", "mount" or "none".

    "pid": /opt/ml and process ids; "mount": /opt/ml alone. Found by trying, once.
    """
    with tempfile.TemporaryDirectory() as folder:
        for level in ("pid", "mount"):
            trial = subprocess.Popen(
                _supervised(level, Path(folder), ["test", "-d", "/opt/ml"]),
                cwd=PACKAGE_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            with trial:
                if trial.wait() == 0:
                    return level
    return "none"


def _supervised(
    level: str, ml_folder: Path, command: Sequence[str], options: Sequence[str] = ()
) -> list[str]:
    module = "maze_helpers.local_cloud.engine.supervisor"
    # -S and -E: the container's environment is for its command, not for the supervisor.
    return [sys.executable, "-S", "-E", "-m", module, *options, level, str(ml_folder), *command]


def _tree(pid: int, created_at: float) -> list[psutil.Process]:
    """Return a container's processes, or none where its id is another process's by now."""
    try:
        root = psutil.Process(pid)
        if abs(root.create_time() - created_at) > _SAME_START_S:
            return []
        return [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return []


def _kill_all(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def _misses_opt_ml(text: str) -> bool:
    return bool(_NO_SUCH_FILE.search(text) and _OPT_ML.search(text))
