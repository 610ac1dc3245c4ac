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


def is_tagged(sagemaker: Any, arn: str, tag: dict[str, str] = MAZE_TAG) -> bool:
    """Return whether the SageMaker resource carries a tag; one that is gone carries none."""
    # Late: not all who tag need the AWS SDK, which takes a while to import.
    from botocore.exceptions import ClientError

    from maze_helpers.gone import is_gone

    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    try:
        return any(tag in page["Tags"] for page in pages)
    except ClientError as error:
        if not is_gone(error):
            raise
        return False
