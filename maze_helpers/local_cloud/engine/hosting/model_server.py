"""A model server: one container that answers /ping and /invocations, from start to end."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.artifacts import read_start
from maze_helpers.local_cloud.engine.containers import Container
from maze_helpers.local_cloud.engine.hosting.calls import CallFailed, ConnectionLost
from maze_helpers.local_cloud.engine.hosting.failures import (
    OutOfMemory,
    ServerExited,
    ServerFailed,
)
from maze_helpers.local_cloud.engine.hosting.forwarding import get
from maze_helpers.local_cloud.engine.hosting.server_environment import server_environment
from maze_helpers.local_cloud.engine.hosting.server_folder import ServerFolder
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerIdentity, ServerSpec
from maze_helpers.local_cloud.engine.log_writer import LogWriter
from maze_helpers.local_cloud.engine.memory_limit import MemoryLimit
from maze_helpers.local_cloud.engine.sampling import Sample

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

# Source: SageMaker guide, "Use Your Own Inference Code with Hosting Services".
PING_TIMEOUT_S = 2.0
STOP_GRACE_S = 30.0
_PING_PAUSE_S = 0.1
# Differs from AWS: there, a server may answer errors until the time to start up is over.
_MOST_BAD_PINGS = 5
_OK = 200
_MAX_CAUSE_CHARACTERS = 700
# Each measurement reads all of the machine's processes.
SAMPLE_PERIOD_S = 5.0


class ModelServer:
    """One server, in a container and a folder of its own.

    socket_path: where it answers. ready_at_s: when it first answered a ping well, by the
    monotonic clock.
    """

    def __init__(
        self,
        cloud: LocalCloud,
        spec: ServerSpec,
        identity: ServerIdentity,
        on_end: Callable[[ModelServer], None],
        on_sample: Callable[[Sample], None] | None = None,
        sample_period_s: float = SAMPLE_PERIOD_S,
    ) -> None:
        """Name the server.

        on_end: called once it has ended, and nothing of it is left, if it had been ready and
        nobody asked it to end. on_sample: called with what it uses, once a period.
        """
        self.spec = spec
        self.identity = identity
        self.ready_at_s = 0.0
        self._cloud = cloud
        self._on_end = on_end
        self._on_sample = on_sample
        self._sample_period_s = sample_period_s
        self._folder = ServerFolder(cloud.home / "hosting" / "servers" / identity.instance_id)
        self._log: LogWriter | None = None
        self._container: Container | None = None
        self._lock = threading.Lock()
        self._started = False
        self._ready = False
        self._asked_to_end = False
        self._failure = ""
        self._ended = threading.Event()
        self._gone = threading.Event()

    @property
    def log_stream(self) -> str:
        """The stream of its output."""
        return self.identity.log_stream

    @property
    def alive(self) -> bool:
        """Whether it is ready and has not ended."""
        return self._ready and not self._ended.is_set()

    @property
    def pid(self) -> int:
        """The id of its container's outermost process, once it is started."""
        assert self._container
        return self._container.pid

    @property
    def memory(self) -> MemoryLimit | None:
        """The watch over its memory limit, once it is started; None where it has no limit."""
        return self._container.memory if self._container else None

    @property
    def exit_code(self) -> int | None:
        """What its container exited with, None while that runs or was never started."""
        return self._container.wait(0) if self._container else None

    def start(self) -> None:
        """Return once it has answered a ping well.

        Raises: ServerFailed; ModelDataFailed; OSError, when the disk is full. Nothing of it is
        left then.
        """
        began_s = time.monotonic()
        with self._lock:
            if self._asked_to_end:
                raise ServerFailed("It was stopped before it had started.")
            self._started = True
        try:
            self._launch()
            self._await_good_ping(began_s + self.spec.startup_timeout_s)
            self._become_ready()
        except BaseException:
            self._give_up()
            raise
        self.ready_at_s = time.monotonic()

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Let it finish what it has come to, for a while, and return when nothing is left of it."""
        with self._lock:
            self._asked_to_end = True
            container, started = self._container, self._started
        if container is not None:
            container.stop(grace_s)
        if started:
            # Where start() is still under way, it finds out, and leaves nothing.
            self._gone.wait()

    def kill(self) -> None:
        """End it at once, and return when nothing is left of it."""
        self.stop(grace_s=0)

    def _launch(self) -> None:
        self._folder.make_anew()
        self.socket_path = self._folder.socket
        self._failure_file = self._folder.failure
        if self.spec.model_data is not None:
            self.spec.model_data.place(self._folder.model)
        self._log = LogWriter(
            self._cloud.logs_as(self.spec.role_arn), self.identity.log_group, self.log_stream
        )
        for line in self.spec.first_lines:
            self._log.add(time.time(), line)
        container = Container(
            self._folder.root,
            self.spec.image.serve_command(),
            server_environment(self._cloud, self.spec, self._folder),
            on_line=self._log.add,
            on_sample=self._on_sample or _ignore,
            sample_period_s=self._sample_period_s,
            on_end=self._container_ended,
            memory_limit_bytes=self.spec.memory_limit_bytes,
        )
        with self._lock:
            if self._asked_to_end:
                raise ServerFailed("It was stopped before it had started.")
            container.start()
            self._container = container
            # It may end at once: with the lock held, its folder is still there.
            self._folder.note_container(container.pid, container.created_at)

    def _await_good_ping(self, deadline_s: float) -> None:
        assert self._container
        bad_pings = 0
        while (status := self._ping()) != _OK:
            bad_pings = 0 if status is None else bad_pings + 1
            exit_code = self._container.wait(_PING_PAUSE_S)
            if exit_code is not None:
                self._gone.wait()
                raise self._exited(exit_code)
            if bad_pings == _MOST_BAD_PINGS:
                raise self._failed(f"GET /ping was answered with status {status}.")
            if time.monotonic() > deadline_s:
                limit_s = self.spec.startup_timeout_s
                raise self._failed(f"GET /ping was not answered within {limit_s:g} seconds.")

    def _ping(self) -> int | None:
        """Return the status of an answer to /ping, None where none came: 0 where it broke off."""
        try:
            return asyncio.run(get(self.socket_path, "/ping", PING_TIMEOUT_S)).status
        except ConnectionLost:
            return 0
        except CallFailed:
            return None

    def _failed(self, what: str) -> ServerFailed:
        """Return the failure whose text is the container's own, or else what was seen of it."""
        return ServerFailed(self._failure or self._read_failure() or what)

    def _exited(self, exit_code: int) -> ServerFailed:
        if self.memory is not None and (verdict := self.memory.verdict()):
            return OutOfMemory(verdict)
        return ServerExited(self._failure or f"The container exited with code {exit_code}.")

    def _read_failure(self) -> str:
        return read_start(self._failure_file, _MAX_CAUSE_CHARACTERS)

    def _become_ready(self) -> None:
        with self._lock:
            if self._ended.is_set() or self._asked_to_end:
                raise ServerFailed("It ended right after it had started.")
            self._ready = True
        if self.memory is not None:
            self.memory.set_busy(False)

    def _give_up(self) -> None:
        with self._lock:
            self._asked_to_end = True
            container = self._container
        if container is None:
            self._clean_up()
        else:
            self.kill()

    def _container_ended(self) -> None:
        self._failure = self._read_failure()
        with self._lock:
            self._ended.set()
            by_itself = self._ready and not self._asked_to_end
        self._clean_up()
        if by_itself:
            log.warning("the model server %s ended by itself", self.log_stream)
            self._on_end(self)

    def _clean_up(self) -> None:
        try:
            if self._log is not None:
                self._log.close()
        finally:
            self._folder.revoke_key(self._cloud.credentials)
            try:
                self._folder.remove()
            except OSError:
                log.exception("the model server %s left files behind", self.log_stream)
            self._gone.set()


def _ignore(sample: Sample) -> None:
    """Take a sample that nobody asked for."""
