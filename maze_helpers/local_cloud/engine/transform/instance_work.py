"""The work of one instance of a transform job: its objects, on an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.log_writer import LogWriter
from maze_helpers.local_cloud.engine.transform.asking import (
    BadAnswer,
    InstanceModel,
    asked_parameters,
)
from maze_helpers.local_cloud.engine.transform.data_log import DataLog
from maze_helpers.local_cloud.engine.transform.inputs import InputObject, output_uri
from maze_helpers.local_cloud.engine.transform.instance import Instance
from maze_helpers.local_cloud.engine.transform.json_path import InvalidJsonPath
from maze_helpers.local_cloud.engine.transform.object_run import ObjectFailed, ObjectRun
from maze_helpers.local_cloud.engine.transform.outputs import Outputs
from maze_helpers.local_cloud.engine.transform.settings import Document, Settings, settings_of
from maze_helpers.local_cloud.errors import AWSError

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud


class InstanceWork:
    """What an instance does.

    failures: of the objects that have no output.
    """

    def __init__(
        self,
        cloud: LocalCloud,
        job: Document,
        instance: Instance,
        inputs: list[InputObject],
        outputs: Outputs,
    ) -> None:
        self.failures: list[ObjectFailed] = []
        self._cloud = cloud
        self._objects = cloud.objects_as(job["_Model"]["ExecutionRoleArn"])
        self._job = job
        self._instance = instance
        self._inputs = deque(inputs)
        self._outputs = outputs
        self._lock = threading.Lock()
        self._cancelled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Return when every object has its output or has failed, or when it was asked to end.

        Raises: as Instance.start, when the instance cannot go on; BadExecutionParameters and
        NotAnswered, when it cannot begin.
        """
        identity = self._instance.identity
        logs = self._cloud.logs_as(self._job["_Model"]["ExecutionRoleArn"])
        writer = LogWriter(logs, identity.log_group, identity.data_log_stream)
        try:
            asyncio.run(self._work(DataLog(writer)))
        except asyncio.CancelledError:
            if not self._cancelled:
                raise
        finally:
            writer.close()

    def cancel(self) -> None:
        """Have it end soon. It may be called from any thread, at any time."""
        with self._lock:
            self._cancelled = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)

    async def _work(self, data_log: DataLog) -> None:
        with self._lock:
            if self._cancelled:
                raise asyncio.CancelledError
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            settings = settings_of(self._job, await asked_parameters(self._instance))
            data_log.settings(settings)
            await self._transform_inputs(settings, data_log)
        except InvalidJsonPath as error:
            for found in self._inputs:
                data_log.failure(found, str(error))
            self.failures.append(ObjectFailed(str(error)))
        finally:
            with self._lock:
                self._loop = None

    async def _transform_inputs(self, settings: Settings, data_log: DataLog) -> None:
        """Transform as many objects at a time as requests: one alone may have too few."""
        model = InstanceModel(self._instance, settings, self._cloud.home)
        # One batch more than may be asked for at a time is ready.
        room = asyncio.Semaphore(settings.max_concurrent + 1)
        workers = [
            asyncio.create_task(self._transform_all(settings, model, room, data_log))
            for _ in range(min(settings.max_concurrent, len(self._inputs)))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _transform_all(
        self, settings: Settings, model: InstanceModel, room: asyncio.Semaphore, data_log: DataLog
    ) -> None:
        while self._inputs:
            found = self._inputs.popleft()
            try:
                await self._transform(found, settings, model, room)
            except BadAnswer as failure:
                data_log.bad_answer(found, failure.reply.status, failure.reply.body)
                self.failures.append(failure)
            except ObjectFailed as failure:
                data_log.failure(found, str(failure))
                self.failures.append(failure)

    async def _transform(
        self, found: InputObject, settings: Settings, model: InstanceModel, room: asyncio.Semaphore
    ) -> None:
        try:
            # What it is now, it stays for this reader.
            source = self._objects.open(found.bucket, found.key)
        except AWSError as error:
            raise ObjectFailed(f"{error.code}: {error.message}") from error
        content = self._outputs.new()
        try:
            with source:
                await ObjectRun(source, settings, model, room, content.write).run()
            path = self._job["TransformOutput"]["S3OutputPath"]
            self._outputs.keep(output_uri(path, found), content)
        except BaseException:
            content.discard()
            raise
