"""Access keys: the user's own, and the temporary ones that a role is lent."""

import base64
import configparser
import hashlib
import json
import os
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS temporary_credentials (
    access_key_id TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    expires_at REAL NOT NULL
);
"""
PROFILE = "maze"
_KEY_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class AccessKey:
    """A key pair and who it speaks for.

    role_name: the assumed role. session_token: None for a long-lived key.
    expires_at: seconds since the epoch, or None for a long-lived key.
    is_administrator: whether it may do everything, whatever the role's policies say.
    session_policies: documents that all the role's permissions are further limited by.
    session_tags: what it is tagged with, besides the role's own tags.
    """

    access_key_id: str
    secret_access_key: str
    account_id: str
    role_name: str
    session_name: str
    session_token: str | None = None
    expires_at: float | None = None
    is_administrator: bool = False
    session_policies: tuple[str, ...] = ()
    session_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The caller's ARN, as GetCallerIdentity reports it."""
        return f"arn:aws:sts::{self.account_id}:assumed-role/{self.role_name}/{self.session_name}"

    @property
    def user_id(self) -> str:
        """The caller's UserId: the role's id, then the session's name."""
        return f"{role_id(self.role_name)}:{self.session_name}"


def role_id(role_name: str) -> str:
    """Return a stable AROA… id for a role's name."""
    digest = hashlib.sha256(role_name.encode()).digest()
    return "AROA" + base64.b32encode(digest).decode()[:17]


class Credentials:
    """The keys that the local cloud accepts."""

    def __init__(self, store: Store, clock: Clock, user: AccessKey) -> None:
        self._store = store
        self._clock = clock
        self.user = user
        store.create_tables(SCHEMA)

    def find(self, access_key_id: str) -> AccessKey | None:
        """Return the key of that id, expired or not, or None."""
        if access_key_id == self.user.access_key_id:
            return self.user
        row = self._store.connection.execute(
            "SELECT document FROM temporary_credentials WHERE access_key_id = ?", (access_key_id,)
        ).fetchone()
        return _from_json(row["document"]) if row else None

    def lend(
        self, role_name: str, session_name: str, duration_s: float, **limits: Any
    ) -> AccessKey:
        """Return new temporary credentials of a role, and forget the expired ones.

        limits: further members of AccessKey, such as session_policies.
        """
        now = self._clock.time_s()
        key = AccessKey(
            access_key_id="ASIA" + _random_key(16),
            secret_access_key=secrets.token_urlsafe(30),
            account_id=self.user.account_id,
            role_name=role_name,
            session_name=session_name,
            session_token=secrets.token_urlsafe(120),
            expires_at=now + duration_s,
            **limits,
        )
        with self._store.transaction() as db:
            # Kept for a day past their end, so that a late caller hears "expired", not "unknown".
            db.execute("DELETE FROM temporary_credentials WHERE expires_at < ?", (now - 86_400,))
            db.execute(
                "INSERT INTO temporary_credentials VALUES (?, ?, ?)",
                (key.access_key_id, json.dumps(key.__dict__), key.expires_at),
            )
        return key

    def revoke(self, access_key_id: str) -> None:
        """Forget temporary credentials before their time."""
        with self._store.transaction() as db:
            db.execute(
                "DELETE FROM temporary_credentials WHERE access_key_id = ?", (access_key_id,)
            )


def load_or_create_user_key(
    path: Path, account_id: str, role_name: str, session_name: str
) -> AccessKey:
    """Return the user's key from an AWS credentials file, making a random one (mode 600)."""
    parser = configparser.RawConfigParser()
    parser.read(path)
    if not parser.has_option(PROFILE, "aws_secret_access_key"):
        parser[PROFILE] = {
            "aws_access_key_id": "AKIA" + _random_key(16),
            "aws_secret_access_key": secrets.token_urlsafe(30),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            parser.write(file)
        partial.replace(path)
    return AccessKey(
        access_key_id=parser[PROFILE]["aws_access_key_id"],
        secret_access_key=parser[PROFILE]["aws_secret_access_key"],
        account_id=account_id,
        role_name=role_name,
        session_name=session_name,
        is_administrator=True,
    )


def _from_json(document: str) -> AccessKey:
    members = json.loads(document)
    policies = tuple(members.pop("session_policies", ()))
    return AccessKey(**members, session_policies=policies)


def _random_key(length: int) -> str:
    return "".join(secrets.choice(_KEY_ALPHABET) for _ in range(length))
