"""What the tests of the seven checks share: whose work is looked at, and by whose session."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import boto3
import joblib
import pytest
from sklearn.ensemble import RandomForestClassifier

from maze_helpers import data
from maze_helpers.checks import CHECKS, NotBegun, Verdict, Work

LOAD = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""


def forest(features: int = 64, classes: int = 10) -> bytes:
    """Return a digits model as joblib saves it.

    features: 65 takes the label for one of them. classes: fewer leave the last digits out.
    """
    train, _ = data.digits()
    train = train[train[data.LABEL] < classes]
    model = RandomForestClassifier(40, random_state=0)
    model.fit(train.iloc[:, :features].to_numpy(), train[data.LABEL])
    content = io.BytesIO()
    joblib.dump(model, content)
    return content.getvalue()


def now() -> datetime:
    """Return the time: what is created from here on is somebody's work."""
    return datetime.now(timezone.utc)


def check(task: int, session: boto3.Session, since: datetime, folder: Path) -> Verdict:
    """Return the verdict on the work on a task of chapter 2."""
    return CHECKS[f"chapter_2/task_{task}"].verdict(Work(folder, session, since))


def assert_is(verdict: Verdict, kind: type, *words: str, step: int | None = None) -> None:
    """Assert that a verdict is of a kind, holds words in one line, and names a step if any.

    What is not begun may name one: the cell to begin with.
    """
    assert isinstance(verdict, kind), verdict
    for word in words:
        assert word in verdict.sentence
    assert "\n" not in verdict.sentence
    if kind is not NotBegun or step is not None:
        assert getattr(verdict, "step", None) == step


@contextmanager
def as_on_aws(cloud) -> Iterator[boto3.Session]:
    """Yield a session that finds a running cloud as one finds AWS: by keys and a region."""
    key = cloud.session.get_credentials()
    settings = {
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
        "AWS_ACCESS_KEY_ID": key.access_key,
        "AWS_SECRET_ACCESS_KEY": key.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "MAZE_MODE": "aws",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_DATA_PATH", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.delenv(name, raising=False)
        for name, value in settings.items():
            patch.setenv(name, value)
        yield boto3.Session()
