"""Search: finding training jobs, endpoints and models by what they hold."""

from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from trainer import Trainer

from maze_helpers.local_cloud.services.sagemaker.resources import (
    ENDPOINT,
    MODEL,
    TRAINING_JOB,
    Kind,
    Resources,
)
from maze_helpers.local_cloud.store import Store

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
# Depth, learning rate, optimizer, accuracy, project, status.
JOBS = {
    "a": ("3", "0.5", '"adam"', 0.7, "digits", "Completed"),
    "b": ("10", "0.05", '"sgd"', 0.95, "digits", "Completed"),
    "c": ("5", "1", '"sgd"', 0.9, "intents", "Completed"),
    "d": ("7", "2.5", '"adam"', None, None, "Failed"),
}


def training_job(resources: Resources, name: str, number: int) -> tuple[dict, dict[str, str]]:
    """Return a job's document and its tags."""
    depth, rate, optimizer, accuracy, project, status = JOBS[name]
    metrics = [] if accuracy is None else [{"MetricName": "valid:acc", "Value": accuracy}]
    moment = START + timedelta(days=number)
    channels = [("train", "s3://bucket/train"), ("test", f"s3://bucket/{name}/test")]
    document = {
        "TrainingJobName": name,
        "TrainingJobArn": resources.arn(TRAINING_JOB, name),
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "HyperParameters": {"max_depth": depth, "rate": rate, "optimizer": optimizer},
        "FinalMetricDataList": [metric | {"Timestamp": moment} for metric in metrics],
        "EnableManagedSpotTraining": number % 2 == 0,
        "BillableTimeInSeconds": 100 + number,
        "InputDataConfig": [
            {"ChannelName": channel, "DataSource": {"S3DataSource": {"S3Uri": uri}}}
            for channel, uri in channels
        ],
        "CreationTime": moment,
        "LastModifiedTime": moment + timedelta(hours=1),
        "_Engines": "own",
    }
    return document, {"project": project} if project else {}


@pytest.fixture(scope="module")
def sagemaker(local_cloud):
    """A client of a cloud in whose database there are jobs, a model and an endpoint."""
    store = Store(local_cloud.home / "cloud.db")
    resources = Resources(store, "us-east-1", "111122223333")
    for number, name in enumerate(JOBS):
        resources.insert(TRAINING_JOB, *training_job(resources, name, number))
    model = {"ModelName": "m", "CreationTime": START, "EnableNetworkIsolation": False}
    insert(resources, MODEL, model, {"team": "x"})
    endpoint = {
        "EndpointName": "e",
        "EndpointConfigName": "config",
        "EndpointStatus": "Failed",
        "CreationTime": START,
        "LastModifiedTime": START,
    }
    insert(resources, ENDPOINT, endpoint, {"team": "y"})
    store.close()
    return local_cloud.client("sagemaker")


def insert(resources: Resources, kind: Kind, document: dict, tags: dict[str, str]) -> None:
    name = document[kind.name_member]
    resources.insert(kind, document | {kind.arn_member: resources.arn(kind, name)}, tags)


def names(sagemaker, *filters: dict, **request) -> str:
    """Return the names of the jobs that are found, one letter each."""
    expression = {"SearchExpression": {"Filters": list(filters)}} if filters else {}
    found = sagemaker.search(Resource="TrainingJob", **(expression | request))["Results"]
    return "".join(result["TrainingJob"]["TrainingJobName"] for result in found)


def by(name: str, operator: str | None = None, value: str | None = None) -> dict:
    """Return a filter."""
    members = {"Name": name, "Operator": operator, "Value": value}
    return {member: found for member, found in members.items() if found is not None}


def test_a_record_is_the_jobs_description_with_its_tags(sagemaker):
    expression = {"Filters": [by("TrainingJobName", value="a")]}
    answer = sagemaker.search(Resource="TrainingJob", SearchExpression=expression)
    (result,) = answer["Results"]
    job = result["TrainingJob"]
    assert job["Tags"] == [{"Key": "project", "Value": "digits"}]
    assert job["FinalMetricDataList"][0]["Value"] == 0.7
    assert job["CreationTime"] == START
    assert answer["TotalHits"] == {"Value": 1, "Relation": "EqualTo"}
    assert "NextToken" not in answer


def test_without_an_expression_all_are_found_the_last_modified_first(sagemaker):  # documented
    assert names(sagemaker) == "dcba"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([by("TrainingJobStatus", "Equals", "Completed")], "cba"),
        ([by("TrainingJobStatus", None, "Failed")], "d"),
        ([by("TrainingJobStatus", "NotEquals", "Completed")], "d"),
        ([by("TrainingJobName", "In", "a, c,x")], "ca"),
        ([by("Tags.project", "Equals", "digits")], "ba"),
        ([by("Tags.project", "NotEquals", "digits")], "dc"),
        ([by("Tags.project", "NotExists")], "d"),
        ([by("Tags", "Exists")], "cba"),
        ([by("Metrics.valid:acc", "GreaterThan", "0.9")], "b"),
        ([by("Metrics.valid:acc", "GreaterThanOrEqualTo", "0.9")], "cb"),
        ([by("Metrics.loss", "Exists")], ""),
        ([by("HyperParameters.max_depth", "GreaterThan", "5")], "db"),
        ([by("HyperParameters.rate", "LessThan", "0.5")], "b"),
        ([by("HyperParameters.rate", "LessThanOrEqualTo", "0")], "ba"),
        ([by("HyperParameters.optimizer", "Contains", "ada")], "da"),
        ([by("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "/c/")], "c"),
        ([by("EnableManagedSpotTraining", "Equals", "true")], "ca"),
        ([by("BillableTimeInSeconds", "LessThan", "101.5")], "ba"),
        ([by("CreationTime", "GreaterThan", "2026-01-02T12:00:00")], "dc"),
        ([by("CreationTime", "Equals", "2026-01-02T00:00:00Z")], "b"),
        ([by("Tags.project", None, "digits"), by("HyperParameters.max_depth", None, "3")], "a"),
    ],
)
def test_filters_find_what_satisfies_them(sagemaker, filters, found):
    assert names(sagemaker, *filters) == found


def test_a_nested_filter_wants_all_of_a_single_item(sagemaker):  # documented
    uri, channel = "InputDataConfig.DataSource.S3DataSource.S3Uri", "InputDataConfig.ChannelName"
    filters = [by(channel, "Equals", "train"), by(uri, "Contains", "/a/")]
    nested = [{"NestedPropertyName": "InputDataConfig", "Filters": filters}]
    assert names(sagemaker, *filters) == "a"
    assert names(sagemaker, SearchExpression={"NestedFilters": nested}) == ""
    filters[0]["Value"] = "test"
    assert names(sagemaker, SearchExpression={"NestedFilters": nested}) == "a"


def test_subexpressions_combine(sagemaker):
    either = {
        "Operator": "Or",
        "Filters": [by("TrainingJobName", None, "a"), by("TrainingJobName", None, "c")],
    }
    expression = {"SubExpressions": [either], "Filters": [by("Tags.project", None, "digits")]}
    assert names(sagemaker, SearchExpression=expression) == "a"
    assert names(sagemaker, SearchExpression=expression | {"Operator": "Or"}) == "cba"


@pytest.mark.parametrize(
    ("sort_by", "ascending"),
    [
        ("Metrics.valid:acc", "acbd"),
        ("HyperParameters.max_depth", "acdb"),
        ("CreationTime", "abcd"),
        ("TrainingJobName", "abcd"),
        ("HyperParameters.optimizer", "adbc"),
    ],
)
def test_results_are_sorted_and_those_without_the_property_come_last(sagemaker, sort_by, ascending):
    assert names(sagemaker, SortBy=sort_by, SortOrder="Ascending") == ascending
    have = [name for name in ascending if sort_by[:7] != "Metrics" or name != "d"]
    expected = "".join(reversed(have)) + "".join(name for name in ascending if name not in have)
    assert names(sagemaker, SortBy=sort_by) == expected


@pytest.mark.parametrize("sort_by", ["Metrics.valid:acc", "LastModifiedTime"])
@pytest.mark.parametrize("size", [1, 3])
def test_results_come_in_pages(sagemaker, sort_by, size):
    pages = sagemaker.get_paginator("search").paginate(
        Resource="TrainingJob", SortBy=sort_by, PaginationConfig={"PageSize": size}
    )
    found = [page["Results"] for page in pages]
    assert all(len(results) <= size for results in found)
    flat = "".join(r["TrainingJob"]["TrainingJobName"] for results in found for r in results)
    assert flat == names(sagemaker, SortBy=sort_by)


def test_models_and_endpoints_are_found_by_their_tags(sagemaker):
    expression = {"Filters": [by("Tags.team", None, "y")]}
    (found,) = sagemaker.search(Resource="Endpoint", SearchExpression=expression)["Results"]
    assert found["Endpoint"]["EndpointName"] == "e"
    expression = {"Filters": [by("Model.Tags.team", None, "x")]}
    (found,) = sagemaker.search(Resource="Model", SearchExpression=expression)["Results"]
    assert found["Model"]["Model"]["ModelName"] == "m"


def test_nothing_comes_from_other_accounts(sagemaker):
    assert names(sagemaker, CrossAccountFilterOption="CrossAccount") == ""
    assert names(sagemaker, CrossAccountFilterOption="SameAccount") == "dcba"


def test_names_of_properties_are_suggested(sagemaker):
    def suggested(hint: str) -> list[str]:
        query = {"PropertyNameQuery": {"PropertyNameHint": hint}}
        found = sagemaker.get_search_suggestions(Resource="TrainingJob", SuggestionQuery=query)
        return [suggestion["PropertyName"] for suggestion in found["PropertyNameSuggestions"]]

    assert suggested("HyperParameters.max") == ["HyperParameters.max_depth"]
    assert suggested("M") == ["Metrics.valid:acc"]
    assert suggested("Tags.") == ["Tags.project"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"SearchExpression": {"Filters": [by("Name", None, "a")]}},
         "The property name 'Name' is not valid for the resource."),
        ({"SearchExpression": {"Filters": [by("TrainingJobName", "GreaterThan", "a")]}},
         "GreaterThan is not supported for the text property 'TrainingJobName'"),
        ({"SearchExpression": {"Filters": [by("HyperParameters.x", "LessThan", "a")]}},
         "LessThan is not supported for the text property"),
        ({"SearchExpression": {"Filters": [by("CreationTime", "Contains", "2026")]}},
         "Contains is not supported for the timestamp property"),
        ({"SearchExpression": {"Filters": [by("Metrics.a", "Equals", "high")]}},
         "'high' is not valid for the number property"),
        ({"SearchExpression": {"Filters": [by("CreationTime", "Equals", "yesterday")]}},
         "'yesterday' is not valid for the timestamp property"),
        ({"SearchExpression": {"Filters": [by("ModelArtifacts", "Equals", "x")]}},
         "Equals is not supported for the structure property"),
        ({"SearchExpression": {"Filters": [by("TrainingJobName", "Equals")]}}, "needs a Value"),
        ({"SearchExpression": {"Filters": [by("TrainingJobName", "Contains", "a"),
                                           by("Tags.a", "Contains", "a")]}},
         "'CONTAINS' operator usage limit of 1 exceeded."),
        ({"SearchExpression": {"Operator": "And"}}, "at least one subexpression"),
        ({"SearchExpression": {"SubExpressions": [{"Filters": [by("Tags", "Exists")] * 17}] * 3}},
         "the limit is 50"),
        ({"SearchExpression": {"NestedFilters": [
            {"NestedPropertyName": "ModelArtifacts", "Filters": [by("ModelArtifacts.x", "Exists")]}
        ]}}, "'ModelArtifacts' is not that of a list"),
        ({"SearchExpression": {"NestedFilters": [
            {"NestedPropertyName": "InputDataConfig", "Filters": [by("ChannelName", "Exists")]}
        ]}}, "does not start with the nested property name"),
        ({"SortBy": "HyperParameters"}, "cannot be sorted by"),
        ({"SortBy": "Size"}, "not valid for the resource"),
        ({"NextToken": "nonsense"}, "Invalid pagination token"),
        ({"NextToken": "W1tb" * 1666}, "Invalid pagination token"),
        ({"NextToken": "W1swLCAieCJdLCAiYSJd"}, "Invalid pagination token"),
        ({"Resource": "ExperimentTrialComponent"},
         "The local cloud does not support Resource 'ExperimentTrialComponent' in Search."),
        ({"MaxResults": 101}, "Member must have value less than or equal to 100"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_for_is_refused(local_cloud, request_, words):
    client = local_cloud.client("sagemaker", parameter_validation=False)
    with pytest.raises(ClientError) as raised:
        client.search(**({"Resource": "TrainingJob"} | request_))
    error = raised.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert words in error["Message"]


def test_metrics_of_trial_components_are_refused_by_name(local_cloud):
    client = local_cloud.client("sagemaker-metrics")
    with pytest.raises(ClientError) as raised:
        client.batch_put_metrics(
            TrialComponentName="c",
            MetricData=[{"MetricName": "m", "Timestamp": START, "Value": 1.0}],
        )
    message = raised.value.response["Error"]["Message"]
    assert message == "The local cloud does not implement sagemaker BatchPutMetrics."


def test_a_job_that_really_ran_is_found_by_its_metric(local_cloud):
    trainer = Trainer(local_cloud)
    job = trainer.run(
        "print('f1=0.75')",
        metrics={"f1": "f1=([0-9.]+)"},
        hyperparameters={"depth": 4},
        Tags=[{"Key": "who", "Value": "me"}],
    )
    assert job["TrainingJobStatus"] == "Completed"
    filters = [
        by("Metrics.f1", "GreaterThan", "0.7"),
        by("HyperParameters.depth", "Equals", "4"),
        by("Tags.who", "Equals", "me"),
    ]
    found = names(trainer.sagemaker, *filters)
    assert found == job["TrainingJobName"]
