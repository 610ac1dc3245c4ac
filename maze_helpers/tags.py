"""The mark on everything the maze makes: a tag on AWS resources, a prefix on S3 keys."""

import os
from typing import Any

TAG_KEY = "sagemaker-maze"
TAG_VALUE = "true"
MAZE_TAG = {"Key": TAG_KEY, "Value": TAG_VALUE}
# `maze run` names itself here, so that it can end what its own notebooks leave running.
RUN_VARIABLE, RUN_KEY = "MAZE_RUN", "sagemaker-maze-run"
_RUN_TAGS = (
    [{"Key": RUN_KEY, "Value": os.environ[RUN_VARIABLE]}] if RUN_VARIABLE in os.environ else []
)
# What a notebook passes to everything it makes: `SKLearn(…, tags=TAGS)`.
TAGS = [MAZE_TAG, *_RUN_TAGS]
# Where its objects live in the default bucket.
PREFIX = "sagemaker-maze"


def is_tagged(sagemaker: Any, arn: str) -> bool:
    """Return whether the SageMaker resource carries the maze's tag."""
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return any(tag == MAZE_TAG for page in pages for tag in page["Tags"])
