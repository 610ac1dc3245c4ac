"""Services that moto answers: what changes something is kept in a journal, and replayed."""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
from botocore.model import OperationModel
from starlette.requests import Request
from starlette.responses import Response

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import AWSError, UnknownOperation
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.services.moto_calls import MotoAnswer, MotoCall, moto
from maze_helpers.local_cloud.wire import models

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS delegated_calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    time_s REAL NOT NULL,
    seed INTEGER NOT NULL
);
"""
# What an operation's name begins with when it changes nothing.
READING = ("Check", "Describe", "Get", "List", "Search", "Simulate")
# Services with one endpoint for all regions.
GLOBAL = frozenset({"budgets", "iam"})


class DelegatedError(AWSError):
    """An error that moto answered."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def changes_something(operation_name: str) -> bool:
    """Return whether an operation does more than read."""
    return not operation_name.startswith(READING)


class Delegated:
    """A service that is forwarded to moto, and whose state comes back after a restart."""

    def __init__(self, cloud: LocalCloud, service_name: str) -> None:
        self.cloud = cloud
        self.service_name = service_name
        self.protocol = ServiceProtocol(service_name)
        # What moto does not do, or not well: from parameters to a result.
        self.own_operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        # Held while the state is looked at or changed.
        self.lock = threading.RLock()
        self._replayed = False
        cloud.store.create_tables(SCHEMA)

    def call(self, request: Request, body: bytes, caller: AccessKey) -> Response:
        """Return moto's response to a request.

        Raises: AWSError, if the request breaks the service's model, or is not the caller's to make.
        """
        operation_name, parameters = self.protocol.parse(request, body)
        self.cloud.guard.check(self.service_name, operation_name, parameters, caller, request)
        if own := self.own_operations.get(operation_name):
            return self.protocol.response(request, operation_name, own(parameters))
        # What was checked, rather than the request: moto reads some requests otherwise than we do,
        # such as those that name something twice.
        answer = self.forward(operation_name, parameters, self._call_of(operation_name, parameters))
        content_type = answer.headers.get("Content-Type") or answer.headers.get("content-type")
        response = Response(answer.body, answer.status, media_type=content_type)
        for name, text in answer.headers.items():
            if name.lower().startswith("x-amz"):
                response.headers[name] = text
        return response

    def invoke(self, operation_name: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of an operation that the local cloud itself calls.

        Raises: DelegatedError.
        """
        answer = self.forward(operation_name, parameters, self._call_of(operation_name, parameters))
        operation, protocol = self._operation(operation_name)
        parsed = botocore.parsers.create_parser(protocol).parse(
            {"status_code": answer.status, "headers": answer.headers, "body": answer.body},
            operation.output_shape,
        )
        if answer.status >= 400:
            error = parsed["Error"]
            raise DelegatedError(error["Code"], error.get("Message", ""), answer.status)
        return parsed

    def _operation(self, operation_name: str) -> tuple[OperationModel, str]:
        """Return an operation, and the protocol in which moto is called and answers."""
        operation = models.service_model(self.service_name).operation_model(operation_name)
        return operation, models.protocols(operation.service_model)[0]

    def _call_of(self, operation_name: str, parameters: dict[str, Any]) -> MotoCall:
        operation, protocol = self._operation(operation_name)
        serialized = botocore.serialize.create_serializer(protocol).serialize_to_request(
            parameters, operation
        )
        body = serialized["body"]
        host = models.service_model(self.service_name).endpoint_prefix
        if self.service_name not in GLOBAL:
            host += f".{self.cloud.region}"
        return MotoCall(
            method=serialized["method"],
            url=f"https://{host}.amazonaws.com{serialized['url_path']}",
            headers={**serialized["headers"], "x-moto-account-id": self.cloud.account_id},
            body=urlencode(body).encode() if isinstance(body, dict) else body,
            time_s=self.cloud.clock.time_s(),
            seed=secrets.randbits(63),
        )

    def forward(
        self, operation_name: str, parameters: dict[str, Any], call: MotoCall
    ) -> MotoAnswer:
        """Return moto's answer, once a change that it made is in the journal.

        Raises: UnknownOperation.
        """
        with self.lock:
            self._catch_up()
            try:
                answer = moto().call(call)
            except NotImplementedError:
                answer = None
            if answer is None:
                raise UnknownOperation(
                    f"The local cloud does not implement {self.service_name} {operation_name}."
                )
            if answer.status < 400 and changes_something(operation_name):
                self._write(call)
        return answer

    def _write(self, call: MotoCall) -> None:
        self.cloud.store.connection.execute(
            """INSERT INTO delegated_calls (service, method, url, headers, body, time_s, seed)
            VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (
                self.service_name,
                call.method,
                call.url,
                json.dumps(call.headers),
                call.body,
                call.time_s,
                call.seed,
            ),
        )

    def _catch_up(self) -> None:
        """Bring moto to where the journal ends, the first time that it is needed."""
        if self._replayed:
            return
        self._replayed = True
        # In tests, an earlier cloud of this process may have left its own state there.
        moto().forget(self.service_name)
        rows = self.cloud.store.connection.execute(
            "SELECT * FROM delegated_calls WHERE service = ? ORDER BY id", (self.service_name,)
        ).fetchall()
        for row in rows:
            call = MotoCall(
                method=row["method"],
                url=row["url"],
                headers=json.loads(row["headers"]),
                body=row["body"],
                time_s=row["time_s"],
                seed=row["seed"],
            )
            answer = moto().call(call)
            if answer is None or answer.status >= 400:
                log.error("%s: call %d could not be replayed", self.service_name, row["id"])
        if not rows:
            with self.cloud.store.transaction():
                self.prepare()

    def prepare(self) -> None:
        """Make what a new account of the service holds: nothing, unless a service says so."""
