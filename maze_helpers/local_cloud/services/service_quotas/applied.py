"""The account's own values of quotas: what was approved, beside the values that all start with."""

from maze_helpers.local_cloud.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS applied_quotas (
    service_code TEXT NOT NULL,
    quota_name TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (service_code, quota_name)
);
"""


class AppliedQuotas:
    """The values that one service's quotas were raised to. It holds no state but the store's."""

    def __init__(self, store: Store, service_code: str) -> None:
        self._store = store
        self._service_code = service_code
        store.create_tables(SCHEMA)

    def value(self, quota_name: str) -> float | None:
        """Return what a quota was raised to, or None."""
        row = self._store.connection.execute(
            "SELECT value FROM applied_quotas WHERE service_code = ? AND quota_name = ?",
            (self._service_code, quota_name),
        ).fetchone()
        return row["value"] if row else None

    def raise_to(self, quota_name: str, value: float) -> None:
        """Have a quota's value be another one from now on."""
        self._store.connection.execute(
            "INSERT INTO applied_quotas VALUES (?, ?, ?) "
            "ON CONFLICT (service_code, quota_name) DO UPDATE SET value = excluded.value",
            (self._service_code, quota_name, value),
        )
