"""The mark on everything the maze makes: a tag on AWS resources, a prefix on S3 keys."""

from typing import Any

TAG_KEY = "sagemaker-maze"
TAG_VALUE = "true"
# What a notebook passes to everything it makes: `SKLearn(…, tags=TAGS)`.
TAGS = [{"Key": TAG_KEY, "Value": TAG_VALUE}]
# Where its objects live in the default bucket.
PREFIX = "sagemaker-maze"


def is_tagged(sagemaker: Any, arn: str) -> bool:
    """Return whether the SageMaker resource carries the maze's tag."""
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return any(tag in TAGS for page in pages for tag in page["Tags"])
