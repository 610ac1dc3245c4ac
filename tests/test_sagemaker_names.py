"""Names, ARNs and pages: the same rules for each kind of SageMaker's resources, and its words."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError
from deployer import variant
from processor import BUCKET, Processing
from training_job import start_job
from transforms import Transforms

ACCOUNT = "arn:aws:sagemaker:us-east-1:111122223333"
NAMES = ["First-One", "second-one", "third-One"]
JOB_TAKEN = (
    "Job name must be unique within an AWS account and region, and a job with this name already "
    "exists ({arn})"
)


@dataclass(frozen=True)
class Kind:
    """A kind of resource: what its members are called after, and what AWS says of it.

    runs: whether something runs behind it, so that it takes long and is not deleted at any time.
    """

    noun: str
    arn_type: str
    not_found: str
    taken: str
    taken_code: str = "ValidationException"
    runs: bool = False

    def call(self, client: botocore.client.BaseClient, verb: str, name: str) -> dict[str, Any]:
        """Return the answer of an operation that takes a name alone, such as Describe."""
        return client._make_api_call(f"{verb}{self.noun}", {f"{self.noun}Name": name})

    def arn(self, name: str) -> str:
        """Return the ARN that a resource of this name has."""
        return f"{ACCOUNT}:{self.arn_type}/{name.lower()}"


KINDS = [
    Kind("Model", "model", 'Could not find model "{arn}".', "Cannot create already existing model"),
    Kind(
        "EndpointConfig",
        "endpoint-config",
        'Could not find endpoint configuration "{arn}".',
        "Cannot create already existing endpoint configuration",
    ),
    Kind(
        "Endpoint",
        "endpoint",
        'Could not find endpoint "{arn}".',
        "Cannot create already existing endpoint",
        runs=True,
    ),
    Kind(
        "TrainingJob",
        "training-job",
        "Requested resource not found.",
        "Training job names must be unique within an AWS account and region, and a training job "
        "with this name already exists ({arn})",
        "ResourceInUse",
        runs=True,
    ),
    Kind(
        "TransformJob",
        "transform-job",
        "Could not find requested job with name: {name}",
        JOB_TAKEN,
        "ResourceInUse",
        runs=True,
    ),
    Kind(
        "ProcessingJob",
        "processing-job",
        "Could not find requested job with name: {name}",
        JOB_TAKEN,
        "ResourceInUse",
        runs=True,
    ),
]
every_kind = pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.slow) if kind.runs else kind for kind in KINDS],
    ids=lambda kind: kind.noun,
)


@pytest.fixture(scope="module")
def create(local_cloud) -> Callable[[Kind, str], Any]:
    """Creates a resource of a kind."""
    transforms, processing = Transforms(local_cloud), Processing(local_cloud)
    model = transforms.model("of-the-others")
    config = transforms.config(variant(model), name="of-the-others")
    makers = {
        "Model": lambda name: transforms.model(name),
        "EndpointConfig": lambda name: transforms.config(variant(model), name=name),
        "Endpoint": lambda name: transforms.endpoint(config, name),
        "TrainingJob": lambda name: start_job(local_cloud, name, "", BUCKET),
        "TransformJob": lambda name: transforms.job(model, TransformJobName=name),
        "ProcessingJob": lambda name: processing.create("", ProcessingJobName=name),
    }
    return lambda kind, name: makers[kind.noun](name)


@pytest.fixture(scope="module")
def sagemaker(local_cloud) -> botocore.client.BaseClient:
    return local_cloud.client("sagemaker", parameter_validation=False)


@pytest.fixture(scope="module")
def filled(create) -> Callable[[Kind], None]:
    """Sees to it that three of a kind are there."""

    @functools.cache
    def fill(kind: Kind) -> None:
        for name in NAMES:
            create(kind, name)

    return fill


@pytest.fixture
def three(filled, kind) -> list[str]:
    """The names of the kind's three resources, which are there."""
    filled(kind)
    return NAMES


def refused(act: Callable[[], Any]) -> tuple[str, str]:
    """Return the code and the message of the error that an act ends in."""
    with pytest.raises(ClientError) as caught:
        act()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@every_kind
def test_a_resource_keeps_its_name_and_has_it_in_lower_case_in_its_arn(sagemaker, three, kind):
    described = kind.call(sagemaker, "Describe", "First-One")
    assert described[f"{kind.noun}Name"] == "First-One"
    assert described[f"{kind.noun}Arn"] == kind.arn("first-one")


@every_kind
def test_a_resource_is_found_whatever_the_case_of_its_name(sagemaker, three, kind):
    described = kind.call(sagemaker, "Describe", "FIRST-one")
    assert described[f"{kind.noun}Name"] == "First-One"


@every_kind
@pytest.mark.parametrize("name", ["First-One", "first-ONE"])
def test_a_name_can_be_taken_once(create, three, kind, name):
    code, message = refused(lambda: create(kind, name))
    arn = kind.arn(name)
    taken = kind.taken if "{arn}" in kind.taken else f'{kind.taken} "{{arn}}".'
    assert (code, message) == (kind.taken_code, taken.format(arn=arn))


@every_kind
def test_what_is_not_there_is_told_in_the_words_of_its_kind(sagemaker, kind):
    code, message = refused(lambda: kind.call(sagemaker, "Describe", "No-Such"))
    said = kind.not_found.format(arn=kind.arn("no-such"), name="No-Such")
    assert (code, message) == ("ValidationException", said)


@every_kind
def test_an_arn_is_no_name(sagemaker, three, kind):
    arn = kind.arn("first-one")
    code, message = refused(lambda: kind.call(sagemaker, "Describe", arn))
    assert code == "ValidationException"
    place = f"{kind.noun[0].lower()}{kind.noun[1:]}Name"
    assert f"Value '{arn}' at '{place}' failed to satisfy constraint: Member must" in message


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if not kind.runs], ids=lambda kind: kind.noun
)
def test_to_delete_a_second_time_is_refused_and_the_name_is_free(sagemaker, create, kind):
    create(kind, "to-delete")
    kind.call(sagemaker, "Delete", "TO-delete")
    code, message = refused(lambda: kind.call(sagemaker, "Delete", "to-delete"))
    assert (code, message) == (
        "ValidationException",
        kind.not_found.format(arn=kind.arn("to-delete"), name="to-delete"),
    )
    create(kind, "To-Delete")
    kind.call(sagemaker, "Delete", "to-delete")


@every_kind
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_pages_of_one_hold_each_resource_once_and_in_order(sagemaker, three, kind, order):
    sort_by = "Name" if kind.noun != "EndpointConfig" else "CreationTime"
    paginator = sagemaker.get_paginator(f"list_{_snake(kind.noun)}s")
    request = {"SortBy": sort_by, "SortOrder": order, "NameContains": "-One"}
    listed = [
        summary[f"{kind.noun}Name"]
        for page in paginator.paginate(**request, PaginationConfig={"PageSize": 1})
        for key, summaries in page.items()
        if key != "ResponseMetadata" and isinstance(summaries, list)
        for summary in summaries
    ]
    expected = ["First-One", "third-One"]
    assert listed == (expected if order == "Ascending" else expected[::-1])


@every_kind
@pytest.mark.parametrize("token", ["nonsense", "bm9uZQ==", "WzFd"])
def test_a_token_that_was_never_given_is_refused(sagemaker, kind, token):
    operation = f"List{kind.noun}s"
    code, message = refused(lambda: sagemaker._make_api_call(operation, {"NextToken": token}))
    assert (code, message) == (
        "ValidationException",
        'Invalid pagination token because "{0}".',
    )


@every_kind
@pytest.mark.parametrize(
    ("count", "words"), [(0, "greater than or equal to 1"), (101, "less than or equal to 100")]
)
def test_a_page_holds_one_to_a_hundred(sagemaker, kind, count, words):
    operation = f"List{kind.noun}s"
    _, message = refused(lambda: sagemaker._make_api_call(operation, {"MaxResults": count}))
    assert message == (
        f"1 validation error detected: Value '{count}' at 'maxResults' failed to satisfy "
        f"constraint: Member must have value {words}"
    )


def _snake(noun: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in noun).lstrip("_")
