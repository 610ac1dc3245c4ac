"""Application Auto Scaling's own records: scalable targets, their policies, and what was done.

A document is what the Describe operation answers, timestamps as aware datetimes. Members that
begin with "_" are the engine's, and no Describe shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from maze_helpers.local_cloud.services.sagemaker.resources import dump, load
from maze_helpers.local_cloud.store import Store

# Names are unique whatever their case, as those of endpoints are.
SCHEMA = """
CREATE TABLE IF NOT EXISTS scalable_targets (
    resource_id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
    document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS scaling_policies (
    resource_id TEXT NOT NULL COLLATE NOCASE
        REFERENCES scalable_targets (resource_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (resource_id, name)
);
CREATE TABLE IF NOT EXISTS scaling_activities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    activity_id TEXT NOT NULL UNIQUE,
    resource_id TEXT NOT NULL COLLATE NOCASE,
    status TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS scaling_activities_by_resource
    ON scaling_activities (resource_id, id);
CREATE INDEX IF NOT EXISTS scaling_activities_by_status ON scaling_activities (status, id);
"""
Document = dict[str, Any]


def resource_id(endpoint: str, variant: str) -> str:
    """Return the id of an endpoint's variant, as Application Auto Scaling has it."""
    return f"endpoint/{endpoint}/variant/{variant}"


class ScalingStore:
    """The tables of Application Auto Scaling. They hold SageMaker's instance counts only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.create_tables(SCHEMA)

    def targets(self) -> list[Document]:
        """Return all scalable targets, the first registered first."""
        return self._documents("SELECT document FROM scalable_targets ORDER BY rowid")

    def target(self, resource: str) -> Document | None:
        """Return a scalable target, or None."""
        found = self._documents(
            "SELECT document FROM scalable_targets WHERE resource_id = ?", resource
        )
        return found[0] if found else None

    def change_target(
        self, resource: str, change: Callable[[Document | None], Document]
    ) -> Document:
        """Keep what a function makes of a target, or of None where there is none, and return it.

        What `change` raises goes to the caller, and nothing is changed.
        """
        with self._store.transaction() as db:
            document = change(self.target(resource))
            db.execute(
                "INSERT INTO scalable_targets VALUES (?, ?) "
                "ON CONFLICT (resource_id) DO UPDATE SET document = excluded.document",
                (resource, dump(document)),
            )
        return document

    def note(self, resource: str, change: Callable[[Document], Document]) -> None:
        """Keep what a function makes of a target, if it is still there."""
        with self._store.transaction() as db:
            for document in self._documents(
                "SELECT document FROM scalable_targets WHERE resource_id = ?", resource
            ):
                db.execute(
                    "UPDATE scalable_targets SET document = ? WHERE resource_id = ?",
                    (dump(change(document)), resource),
                )

    def remove_target(self, resource: str) -> bool:
        """Forget a target and its policies; return whether it was there."""
        return self._remove("DELETE FROM scalable_targets WHERE resource_id = ?", resource)

    def remove_endpoint(self, endpoint: str) -> None:
        """Forget the targets of an endpoint, and their policies."""
        prefix = resource_id(endpoint, "").lower()
        for target in self.targets():
            if target["ResourceId"].lower().startswith(prefix):
                self.remove_target(target["ResourceId"])

    def policies(self, resource: str | None = None) -> list[Document]:
        """Return the policies of a target, or of all, the first made first."""
        return self._documents(
            "SELECT document FROM scaling_policies WHERE ?1 IS NULL OR resource_id = ?1 "
            "ORDER BY rowid",
            resource,
        )

    def change_policy(
        self, resource: str, name: str, change: Callable[[Document | None], Document]
    ) -> Document:
        """Keep what a function makes of a policy, or of None where there is none, and return it.

        What `change` raises goes to the caller, and nothing is changed.
        """
        with self._store.transaction() as db:
            found = self._documents(
                "SELECT document FROM scaling_policies WHERE resource_id = ? AND name = ?",
                resource,
                name,
            )
            document = change(found[0] if found else None)
            db.execute(
                "INSERT INTO scaling_policies VALUES (?, ?, ?) "
                "ON CONFLICT (resource_id, name) DO UPDATE SET document = excluded.document",
                (resource, name, dump(document)),
            )
        return document

    def remove_policy(self, resource: str, name: str) -> bool:
        """Forget a policy; return whether it was there."""
        return self._remove(
            "DELETE FROM scaling_policies WHERE resource_id = ? AND name = ?", resource, name
        )

    def keep_activity(self, document: Document) -> None:
        """Keep an activity that is new, or as it is by now."""
        self._store.connection.execute(
            "INSERT INTO scaling_activities (activity_id, resource_id, status, document) "
            "VALUES (?, ?, ?, ?) ON CONFLICT (activity_id) "
            "DO UPDATE SET status = excluded.status, document = excluded.document",
            (
                document["ActivityId"],
                document["ResourceId"],
                document["StatusCode"],
                dump(document),
            ),
        )

    def activities_in_progress(self) -> list[Document]:
        """Return the activities that have not come to their end, the first begun first."""
        return self._documents(
            "SELECT document FROM scaling_activities WHERE status = 'InProgress' ORDER BY id"
        )

    def activities(self, resource: str | None = None) -> list[Document]:
        """Return the activities of a target, or of all, the newest first."""
        return self._documents(
            "SELECT document FROM scaling_activities WHERE ?1 IS NULL OR resource_id = ?1 "
            "ORDER BY id DESC",
            resource,
        )

    def _documents(self, query: str, *values: str | None) -> list[Document]:
        rows = self._store.connection.execute(query, values)
        return [load(row["document"]) for row in rows]

    def _remove(self, statement: str, *values: str) -> bool:
        return self._store.connection.execute(statement, values).rowcount > 0
