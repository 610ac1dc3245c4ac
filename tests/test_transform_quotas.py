"""The account's quotas on transform jobs: their words, and that nobody gets past them."""

import threading

import pytest
from botocore.exceptions import ClientError
from test_quotas import message
from transforms import SLOW, Transforms

from maze_helpers.local_cloud.services.sagemaker import quota_usage, quotas

# An account has one of it.
SCARCE = {"InstanceType": "ml.m5.2xlarge", "InstanceCount": 1}
QUOTA = "ml.m5.2xlarge for transform job usage"


@pytest.fixture(scope="module")
def transforms(local_cloud) -> Transforms:
    return Transforms(local_cloud)


@pytest.fixture(scope="module")
def slow(transforms) -> str:
    """The name of a model that answers nothing in a test's time."""
    return transforms.scripted(SLOW)


@pytest.mark.parametrize(
    ("instance_type", "count", "quota", "value"),
    [
        ("ml.m5.large", 5, "ml.m5.large for transform job usage", 4),
        ("ml.g4dn.xlarge", 1, "ml.g4dn.xlarge for transform job usage", 0),
        ("ml.p3.2xlarge", 1, "ml.p3.2xlarge for transform job usage", 0),
    ],
)
def test_more_than_there_are_is_refused(transforms, slow, instance_type, count, quota, value):
    """Wording observed."""
    resources = {"InstanceType": instance_type, "InstanceCount": count}
    refused = transforms.refused(slow, TransformResources=resources)
    assert refused == ("ResourceLimitExceeded", message(quota, value, 0, count))


def test_instances_of_all_types_count_together():
    job = {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 3}}
    used = quota_usage.transform_usage(job)
    of_type = quotas.instances_of("ml.m5.large", quotas.TRANSFORM_JOB)
    assert used == {of_type: 3, quotas.ALL_TRANSFORM_INSTANCES: 3}


def test_an_endpoints_instances_are_others():
    endpoint, job = (
        quotas.instances_of("ml.m5.large", use) for use in (quotas.ENDPOINT, quotas.TRANSFORM_JOB)
    )
    assert endpoint != job


def test_what_one_job_takes_another_cannot_until_it_has_ended(transforms, slow):
    first = transforms.job(slow, TransformResources=SCARCE)
    assert transforms.refused(slow, TransformResources=SCARCE) == (
        "ResourceLimitExceeded",
        message(QUOTA, 1, 1, 1),
    )
    transforms.stop(first)
    transforms.stop(transforms.job(slow, TransformResources=SCARCE))


def test_of_several_at_once_only_one_gets_the_last_instance(transforms, slow):
    names, codes = [f"raced-{n}" for n in range(4)], []

    def create(name: str) -> None:
        client = transforms.cloud.client("sagemaker")
        request = transforms.request(slow, TransformJobName=name, TransformResources=SCARCE)
        try:
            client.create_transform_job(**request)
            codes.append("created")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=create, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["ResourceLimitExceeded"] * 3 + ["created"]
    (summary,) = transforms.sagemaker.list_transform_jobs(NameContains="raced")[
        "TransformJobSummaries"
    ]
    transforms.stop(summary["TransformJobName"])
