"""Requests for more of a quota: what they hold, and how they are decided."""

import secrets
import string
import uuid
from typing import Any

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.errors import ResourceAlreadyExistsException
from maze_helpers.local_cloud.services.sagemaker.quotas import (
    MEMORY,
    SERVERLESS_ENDPOINTS,
    TOTAL_CONCURRENCY,
    Quota,
)
from maze_helpers.local_cloud.services.service_quotas.applied import AppliedQuotas
from maze_helpers.local_cloud.services.service_quotas.catalogue import ListedQuota
from maze_helpers.local_cloud.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS quota_requests (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    case_id TEXT,
    service_code TEXT NOT NULL,
    quota_code TEXT NOT NULL,
    desired_value REAL NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    requester TEXT NOT NULL
);
"""
# Differs from AWS: up to these values, a request is approved at once.
APPROVED_UP_TO = {MEMORY: 6144, SERVERLESS_ENDPOINTS: 200, TOTAL_CONCURRENCY: 10_000}
APPROVED_INSTANCES_UP_TO = 100
# Differs from AWS: nobody decides a case, so that it is closed after this time.
CASE_OPEN_S = 3600
_OPEN = "CASE_OPENED"

Row = dict[str, Any]


class QuotaRequests:
    """The requests for more of a service's quotas. It holds no state but the store's."""

    def __init__(self, store: Store, clock: Clock, service_code: str) -> None:
        self._store = store
        self._clock = clock
        self._service_code = service_code
        self.applied = AppliedQuotas(store, service_code)
        store.create_tables(SCHEMA)

    def ask(self, listed: ListedQuota, value: float, requester: str, case_allowed: bool) -> Row:
        """Record a request, decide it, and return it as it was before that: PENDING.

        Raises: ResourceAlreadyExistsException, if another one for the quota is open.
        """
        status = _decision(listed.quota, value, case_allowed)
        now_s = round(self._clock.time_s(), 3)
        row: Row = {
            "id": uuid.uuid4().hex
            + "".join(secrets.choice(string.ascii_letters) for _ in range(8)),
            "case_id": str(secrets.randbelow(10**15)).zfill(15) if status == _OPEN else None,
            "service_code": self._service_code,
            "quota_code": listed.code,
            "desired_value": value,
            "status": status,
            "created_at": now_s,
            "updated_at": now_s,
            "requester": requester,
        }
        with self._store.transaction() as db:
            self._close_cases()
            if self.page(status=(_OPEN,), quota_code=listed.code, size=1):
                raise ResourceAlreadyExistsException(
                    "Only one open service quota increase request is allowed per quota."
                )
            columns = ", ".join(row)
            marks = ", ".join(f":{column}" for column in row)
            db.execute(f"INSERT INTO quota_requests ({columns}) VALUES ({marks})", row)
            if status == "APPROVED":
                self.applied.raise_to(listed.quota.name, value)
        return row | {"status": "PENDING"}

    def _close_cases(self) -> None:
        now_s = self._clock.time_s()
        self._store.connection.execute(
            "UPDATE quota_requests SET status = 'CASE_CLOSED', updated_at = created_at + :open "
            "WHERE status = 'CASE_OPENED' AND created_at + :open < :now",
            {"open": CASE_OPEN_S, "now": now_s},
        )

    def find(self, request_id: str) -> Row | None:
        """Return a request as it is now, or None."""
        self._close_cases()
        row = self._store.connection.execute(
            "SELECT * FROM quota_requests WHERE id = ?", (request_id,)
        ).fetchone()
        return dict(row) if row else None

    def page(
        self,
        size: int,
        status: tuple[str, ...] = (),
        quota_code: str | None = None,
        before: int | None = None,
    ) -> list[Row]:
        """Return requests as they are now, the latest first.

        status: those that count, () for all. before: a row's sequence, whose successors are wanted.
        """
        self._close_cases()
        marks = ", ".join("?" * len(status))
        rows = self._store.connection.execute(
            f"SELECT * FROM quota_requests WHERE service_code = ? "
            f"AND (? IS NULL OR quota_code = ?) AND (? IS NULL OR sequence < ?) "
            f"AND (? OR status IN ({marks})) ORDER BY sequence DESC LIMIT ?",
            (
                *(self._service_code, quota_code, quota_code, before, before),
                *(not status, *status, size),
            ),
        )
        return [dict(row) for row in rows]


def _decision(quota: Quota, value: float, case_allowed: bool) -> str:
    if value <= APPROVED_UP_TO.get(quota, APPROVED_INSTANCES_UP_TO):
        return "APPROVED"
    return _OPEN if case_allowed else "NOT_APPROVED"
