"""The account's quotas on endpoints: their words, and that nobody gets past them."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from botocore.exceptions import ClientError
from deployer import Deployer, variant
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.errors import ResourceLimitExceeded
from maze_helpers.local_cloud.services.sagemaker import quota_usage, quotas
from maze_helpers.local_cloud.store import Store

REQUEST_MORE = (
    "Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is "
    "not available, contact AWS support to request an increase for this quota."
)
# A new account may have one of it.
SCARCE = {"InstanceType": "ml.r5.large"}


def serverless(memory_mb: int, max_concurrency: int) -> dict:
    return {"ServerlessConfig": {"MemorySizeInMB": memory_mb, "MaxConcurrency": max_concurrency}}


@pytest.fixture(scope="module")
def deployer(local_cloud) -> Deployer:
    return Deployer(local_cloud)


@pytest.fixture(scope="module")
def model(deployer) -> str:
    return deployer.model(answer="one")


@pytest.fixture(scope="module")
def scarce(deployer, model) -> str:
    """The name of a configuration that takes the whole of a quota."""
    return deployer.config(variant(model, **SCARCE))


def message(name: str, value: int, used: int, delta: int, unit: str = "Instances") -> str:
    """Return AWS's words for a quota that would be exceeded."""
    return (
        f"The account-level service limit '{name}' is {value} {unit}, with current utilization of "
        f"{used} {unit} and a request delta of {delta} {unit}. {REQUEST_MORE}"
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"InstanceType": "ml.g5.xlarge"},
            message("ml.g5.xlarge for endpoint usage", 0, 0, 1),
        ),
        (
            {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 3},
            message("ml.m5.xlarge for endpoint usage", 2, 0, 3),
        ),
        (
            serverless(4096, 1),
            message("Memory size in MB per serverless endpoint", 3072, 0, 4096, "MBs"),
        ),
    ],
)
def test_what_a_new_account_may_not_have_is_refused(deployer, model, settings, expected):
    """Wordings of instances and memory observed."""
    request = {
        "EndpointName": "refused",
        "EndpointConfigName": deployer.config(variant(model, **settings)),
    }
    assert deployer.refusal("create_endpoint", **request) == ("ResourceLimitExceeded", expected)
    assert deployer.endpoint_names() == []


@pytest.fixture(scope="module")
def account(tmp_path_factory) -> Iterator[quotas.AccountQuotas]:
    """A new account's quotas."""
    with closing(Store(tmp_path_factory.mktemp("quotas") / "cloud.db")) as store:
        yield quotas.AccountQuotas(store)


def test_the_concurrency_of_all_serverless_endpoints_counts_together(account):
    quota = quotas.TOTAL_CONCURRENCY
    used = Counter({quota: 900})
    account.check(used, Counter(), Counter({quota: 100}))
    with pytest.raises(ResourceLimitExceeded) as refused:
        account.check(used, Counter(), Counter({quota: 101}))
    assert refused.value.message == message(quota.name, 1000, 900, 101, "Invocations")


@pytest.mark.parametrize(
    ("instance_type", "count"),
    [("ml.m5.large", 4), ("ml.m4.xlarge", 2), ("ml.p3.2xlarge", 0), ("ml.inf2.xlarge", 0)],
)
def test_there_are_some_of_each_type_without_accelerators(instance_type, count):
    assert quotas.instances_of(instance_type, quotas.ENDPOINT).value == count


def test_the_variants_of_an_endpoint_count_together(deployer, model):
    config = deployer.config(variant(model, "a", **SCARCE), variant(model, "b", **SCARCE))
    request = {"EndpointName": "refused", "EndpointConfigName": config}
    expected = message("ml.r5.large for endpoint usage", 1, 0, 2)
    assert deployer.refusal("create_endpoint", **request)[1] == expected


def test_what_one_endpoint_takes_another_cannot_until_it_is_deleted(deployer, scarce):
    first = deployer.endpoint(scarce)
    request = {"EndpointName": "second", "EndpointConfigName": scarce}
    expected = message("ml.r5.large for endpoint usage", 1, 1, 1)
    for _ in range(2):  # while it is created, and once it is in service
        assert deployer.refusal("create_endpoint", **request)[1] == expected
        deployer.settle(first)
    deployer.delete(first)
    deployer.endpoint(scarce, "second")
    deployer.settle("second")
    deployer.delete("second")


def test_an_update_counts_what_it_adds(deployer, model, scarce):
    plain = deployer.config(variant(model))
    name, other = deployer.endpoint(plain), deployer.endpoint(scarce)
    deployer.settle(name)
    deployer.settle(other)
    request = {"EndpointName": name, "EndpointConfigName": scarce}
    expected = message("ml.r5.large for endpoint usage", 1, 1, 1)
    assert deployer.refusal("update_endpoint", **request)[1] == expected
    assert deployer.describe(name)["EndpointStatus"] == "InService"
    desired = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    request = {"EndpointName": other, "DesiredWeightsAndCapacities": desired}
    found = deployer.refusal("update_endpoint_weights_and_capacities", **request)
    assert found == ("ResourceLimitExceeded", expected)
    # What it has already, it may keep.
    deployer.sagemaker.update_endpoint(EndpointName=other, EndpointConfigName=scarce)
    assert deployer.settle(other)["EndpointStatus"] == "InService"
    deployer.delete(name)
    deployer.delete(other)


@pytest.mark.slow
def test_of_two_at_once_only_one_gets_the_last_instance(deployer, scarce):
    codes: list[str] = []

    def create(name: str) -> None:
        client = deployer.cloud.client("sagemaker")
        try:
            client.create_endpoint(EndpointName=name, EndpointConfigName=scarce)
            codes.append("created")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=create, args=[f"raced-{n}"]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["ResourceLimitExceeded"] * 3 + ["created"]
    (name,) = deployer.endpoint_names()
    deployer.settle(name)
    deployer.delete(name)


COUNTS = st.integers(0, 12)


@given(others=COUNTS, now=COUNTS, then=COUNTS)
def test_a_quota_is_exceeded_by_what_is_added_alone(account, others, now, then):
    quota = quotas.TOTAL_CONCURRENCY
    counters = (Counter({quota: n}) for n in (others, now, then))
    try:
        account.check(*counters)
        passed = True
    except ResourceLimitExceeded:
        passed = False
    assert passed is (then <= now or others + then <= quota.value)


def endpoint(status: str, deployed: int, deploying: int = 0, desired: int | None = None) -> dict:
    """Return an endpoint's document, with that many instances; 0 stands for no deployment."""
    document = {"EndpointStatus": status, "ProductionVariants": []}
    for member, count in (("_Deployed", deployed), ("_Deploying", deploying)):
        if count:
            wanted = {"InstanceType": "ml.m5.large", "InitialInstanceCount": count}
            document[member] = {"ProductionVariants": [{"VariantName": "a", **wanted}]}
    if desired is not None:
        document["ProductionVariants"] = [{"VariantName": "a", "DesiredInstanceCount": desired}]
    return document


@pytest.mark.parametrize(
    ("document", "instances"),
    [
        (endpoint("Creating", 0, deploying=2), 2),
        (endpoint("InService", 2, desired=2), 2),
        (endpoint("Updating", 2, deploying=3, desired=2), 3),
        (endpoint("Updating", 3, deploying=2, desired=3), 3),
        (endpoint("Updating", 1, desired=4), 4),
        (endpoint("Updating", 4, desired=1), 4),
        (endpoint("Failed", 0), 0),
        (endpoint("Deleting", 2, desired=2), 0),
    ],
)
def test_an_endpoint_takes_the_more_of_what_it_has_and_what_it_shall_have(document, instances):
    used = quota_usage.endpoint_usage(document)
    assert used[quotas.ALL_INSTANCES] == instances
    assert used[quotas.instances_of("ml.m5.large", quotas.ENDPOINT)] == instances


def training_job(instance_type: str, count: int, spot: bool = False) -> dict:
    """Return a training job's document."""
    resources = {"InstanceType": instance_type, "InstanceCount": count}
    return {"ResourceConfig": resources, "EnableManagedSpotTraining": spot}


def processing_job(instance_type: str, count: int) -> dict:
    """Return a processing job's document."""
    cluster = {"InstanceType": instance_type, "InstanceCount": count}
    return {"ProcessingResources": {"ClusterConfig": cluster}}


@pytest.mark.parametrize(
    ("used", "use"),
    [
        (quota_usage.training_usage(training_job("ml.m5.large", 21)), "training job"),
        (quota_usage.training_usage(training_job("ml.m5.large", 21, True)), "spot training job"),
        (quota_usage.processing_usage(processing_job("ml.m5.large", 21)), "processing job"),
    ],
)
def test_each_use_of_instances_has_quotas_of_its_own(account, used, use):
    """Differs from AWS, where a new account has none or a few."""
    of_type = quotas.instances_of("ml.m5.large", use)
    assert set(used.values()) == {21}
    assert {quota.name for quota in used} == {
        of_type.name,
        f"Number of instances across all {use}s",
    }
    account.check_new([], Counter({of_type: 20}))
    with pytest.raises(ResourceLimitExceeded) as refused:
        account.check_new([], used)
    assert refused.value.message == message(of_type.name, 20, 0, 21)


def test_what_runs_counts_together(account):
    of_two = quota_usage.training_usage(training_job("ml.m5.large", 2))
    account.check_new([of_two] * 9, of_two)
    with pytest.raises(ResourceLimitExceeded):
        account.check_new([of_two] * 10, of_two)


def test_instance_groups_count_each_by_its_type():
    groups = [
        {"InstanceType": "ml.m5.large", "InstanceCount": 2},
        {"InstanceType": "ml.c5.xlarge", "InstanceCount": 3},
    ]
    used = quota_usage.training_usage({"ResourceConfig": {"InstanceGroups": groups}})
    assert used[quotas.ALL_TRAINING_INSTANCES] == 5
    assert used[quotas.instances_of("ml.c5.xlarge", quotas.TRAINING_JOB)] == 3
