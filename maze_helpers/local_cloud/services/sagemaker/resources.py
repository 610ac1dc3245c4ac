"""SageMaker's resources as documents: names, ARNs, statuses, tags, filters and pages.

A document is what the resource's Describe answers, timestamps as aware datetimes.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from maze_helpers.local_cloud.errors import AWSError, ResourceInUse, ValidationException
from maze_helpers.local_cloud.store import Store

# Names are unique whatever their case: an ARN holds its name in lower case.
SCHEMA = """
CREATE TABLE IF NOT EXISTS sagemaker_resources (
    kind TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    arn TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    modified_at REAL NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE INDEX IF NOT EXISTS sagemaker_resources_by_creation
    ON sagemaker_resources (kind, created_at, name);
CREATE TABLE IF NOT EXISTS sagemaker_tags (
    arn TEXT NOT NULL REFERENCES sagemaker_resources (arn) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
);
"""
_MOMENT = "epoch_s"

Document = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of resource: how its ARN, its members and its errors are spelled.

    arn_type: the ARN's part before the name. noun: its name in a member, as in TrainingJobName.
    not_found, taken: messages; {arn} stands for the ARN, {name} for the name.
    """

    arn_type: str
    noun: str
    not_found: str
    taken: str
    taken_error: type[AWSError] = ValidationException

    @property
    def name_member(self) -> str:
        """The member that holds the name, such as TrainingJobName."""
        return f"{self.noun}Name"

    @property
    def arn_member(self) -> str:
        """The member that holds the ARN, such as TrainingJobArn."""
        return f"{self.noun}Arn"

    @property
    def status_member(self) -> str:
        """The member that holds the status, such as TrainingJobStatus."""
        return f"{self.noun}Status"


TRAINING_JOB = Kind(
    arn_type="training-job",
    noun="TrainingJob",
    not_found="Requested resource not found.",
    # Source: pull request 3108 of amazon-sagemaker-examples, issue 384 of SuperCowPowers/workbench.
    taken=(
        "Training job names must be unique within an AWS account and region, and a training job "
        "with this name already exists ({arn})"
    ),
    taken_error=ResourceInUse,
)
_JOB_TAKEN = (
    "Job name must be unique within an AWS account and region, and a job with this name already "
    "exists ({arn})"
)
TRANSFORM_JOB = Kind(
    arn_type="transform-job",
    noun="TransformJob",
    # Source: aws-controllers-k8s/sagemaker-controller, generator.yaml, which knows it by its start.
    not_found="Could not find requested job with name: {name}",
    taken=_JOB_TAKEN,
    taken_error=ResourceInUse,
)
PROCESSING_JOB = Kind(
    arn_type="processing-job",
    noun="ProcessingJob",
    # Source: as a transform job's; that it is so is a guess.
    not_found=TRANSFORM_JOB.not_found,
    taken=_JOB_TAKEN,
    taken_error=ResourceInUse,
)
MODEL = Kind(
    arn_type="model",
    noun="Model",
    not_found='Could not find model "{arn}".',
    taken='Cannot create already existing model "{arn}".',
)
ENDPOINT_CONFIG = Kind(
    arn_type="endpoint-config",
    noun="EndpointConfig",
    not_found='Could not find endpoint configuration "{arn}".',
    taken='Cannot create already existing endpoint configuration "{arn}".',
)
ENDPOINT = Kind(
    arn_type="endpoint",
    noun="Endpoint",
    not_found='Could not find endpoint "{arn}".',
    taken='Cannot create already existing endpoint "{arn}".',
)
NOTEBOOK_INSTANCE = Kind(
    arn_type="notebook-instance",
    noun="NotebookInstance",
    # Source of both: moto, which has them from AWS.
    not_found="RecordNotFound",
    taken="Cannot create a duplicate Notebook Instance ({arn})",
)
LIFECYCLE_CONFIG = Kind(
    arn_type="notebook-instance-lifecycle-config",
    noun="NotebookInstanceLifecycleConfig",
    # Source of both: moto, which has them from AWS.
    not_found=(
        "Unable to describe Notebook Instance Lifecycle Config '{arn}'. (Details: Notebook "
        "Instance Lifecycle Config does not exist.)"
    ),
    taken=(
        "Unable to create Notebook Instance Lifecycle Config {arn}. (Details: Notebook Instance "
        "Lifecycle Config already exists.)"
    ),
)


class Resources:
    """The table of SageMaker's resources. It holds no state but the store's."""

    def __init__(self, store: Store, region: str, account_id: str) -> None:
        self._store = store
        self._arn_prefix = f"arn:aws:sagemaker:{region}:{account_id}"
        store.create_tables(SCHEMA)

    def arn(self, kind: Kind, name: str) -> str:
        """Return the ARN that a resource of this name has."""
        return f"{self._arn_prefix}:{kind.arn_type}/{name.lower()}"

    def insert(
        self,
        kind: Kind,
        document: Document,
        tags: dict[str, str],
        check: Callable[[], None] = lambda: None,
    ) -> str:
        """Store a new resource with its tags, unless `check` raises, and return its ARN.

        Nothing else is stored between the check and the resource.
        Raises: the kind's error for a name that is taken.
        """
        arn = document[kind.arn_member]
        with self._store.transaction() as db:
            check()
            try:
                db.execute(
                    "INSERT INTO sagemaker_resources VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        kind.arn_type,
                        document[kind.name_member],
                        arn,
                        *_columns(kind, document),
                        dump(document),
                    ),
                )
            except sqlite3.IntegrityError as error:
                raise kind.taken_error(kind.taken.format(arn=arn)) from error
            db.executemany(
                "INSERT INTO sagemaker_tags VALUES (?, ?, ?)",
                [(arn, key, value) for key, value in tags.items()],
            )
        return arn

    def get(self, kind: Kind, name: str) -> Document:
        """Return a resource's document.

        Raises: ValidationException, in the kind's words, if there is none.
        """
        row = self._store.connection.execute(
            "SELECT document FROM sagemaker_resources WHERE kind = ? AND name = ?",
            (kind.arn_type, name),
        ).fetchone()
        if row is None:
            raise self.not_found(kind, name)
        return load(row["document"])

    def update(self, kind: Kind, name: str, change: Callable[[Document], None]) -> Document:
        """Apply a change to a resource's document, all or nothing, and return the new one.

        What `change` raises goes to the caller, and nothing is changed.
        Raises: ValidationException, if there is no such resource.
        """
        with self._store.transaction() as db:
            document = self.get(kind, name)
            change(document)
            db.execute(
                "UPDATE sagemaker_resources SET status = ?, created_at = ?, modified_at = ?, "
                "document = ? WHERE kind = ? AND name = ?",
                (*_columns(kind, document), dump(document), kind.arn_type, name),
            )
        return document

    def delete(self, kind: Kind, name: str, check: Callable[[Document], None]) -> None:
        """Delete a resource and its tags, unless `check` raises on its document.

        Raises: ValidationException, if there is no such resource.
        """
        with self._store.transaction() as db:
            check(self.get(kind, name))
            db.execute(
                "DELETE FROM sagemaker_resources WHERE kind = ? AND name = ?",
                (kind.arn_type, name),
            )

    def documents(self, kind: Kind) -> list[Document]:
        """Return the documents of all resources of a kind, oldest first."""
        rows = self._store.connection.execute(
            "SELECT document FROM sagemaker_resources WHERE kind = ? ORDER BY created_at, name",
            (kind.arn_type,),
        )
        return [load(row["document"]) for row in rows]

    def names_in_status(self, kind: Kind, *statuses: str) -> list[str]:
        """Return the names of the resources that are in one of the statuses, oldest first."""
        marks = ", ".join("?" * len(statuses))
        rows = self._store.connection.execute(
            f"SELECT name FROM sagemaker_resources WHERE kind = ? AND status IN ({marks}) "
            "ORDER BY created_at, name",
            (kind.arn_type, *statuses),
        )
        return [row["name"] for row in rows]

    def not_found(self, kind: Kind, name: str) -> ValidationException:
        """Return the error that says a resource is not there."""
        return ValidationException(kind.not_found.format(arn=self.arn(kind, name), name=name))


def dump(document: Document) -> str:
    """Return a document as JSON; a datetime becomes {"epoch_s": seconds}."""
    return json.dumps(document, default=_dump_moment, separators=(",", ":"))


def load(text: str) -> Document:
    """Return the document that `dump` wrote."""
    return json.loads(text, object_hook=_load_moment)


def _dump_moment(moment: datetime) -> dict[str, float]:
    # To the millisecond, as the wire has it: what a client reads back compares equal.
    return {_MOMENT: round(moment.timestamp(), 3)}


def _load_moment(value: dict[str, Any]) -> Any:
    if value.keys() == {_MOMENT} and not isinstance(value[_MOMENT], str):
        return datetime.fromtimestamp(value[_MOMENT], tz=timezone.utc)
    return value


def _columns(kind: Kind, document: Document) -> tuple[str, float, float]:
    created = document["CreationTime"].timestamp()
    modified = document.get("LastModifiedTime", document["CreationTime"]).timestamp()
    return document.get(kind.status_member, ""), round(created, 3), round(modified, 3)
