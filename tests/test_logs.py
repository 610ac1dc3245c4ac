"""CloudWatch Logs, as boto3 and the AWS CLI see it."""

import json
import subprocess
import sys
import time
import uuid
from base64 import b64encode

import pytest
from botocore.exceptions import ClientError

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def logs(local_cloud):
    return local_cloud.client("logs")


@pytest.fixture
def group(logs):
    name = f"/test/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    return name


@pytest.fixture
def stream(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="stream")
    return {"logGroupName": group, "logStreamName": "stream"}


def now_ms() -> int:
    return int(time.time() * 1000)


def put(logs, stream, *events):
    """Put events, (timestamp in ms, message)."""
    batch = [{"timestamp": timestamp, "message": message} for timestamp, message in events]
    return logs.put_log_events(**stream, logEvents=batch)


def messages(answer) -> list[str]:
    return [event["message"] for event in answer["events"]]


def refusal(call, **parameters) -> dict:
    """Return the Error member of the answer to a call that AWS refuses."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]


def test_a_group_is_described_as_it_was_made(logs):
    logs.create_log_group(logGroupName="/made/so", tags={"a": "b"}, logGroupClass="STANDARD")
    (found,) = logs.describe_log_groups(logGroupNamePrefix="/made/so")["logGroups"]
    assert found.pop("creationTime") == pytest.approx(now_ms(), abs=60_000)
    arn = "arn:aws:logs:us-east-1:111122223333:log-group:/made/so"
    assert found == {
        "logGroupName": "/made/so",
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "metricFilterCount": 0,
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
    }


def test_a_group_is_made_once(logs, group):  # observed in public reports
    error = refusal(logs.create_log_group, logGroupName=group)
    assert error["Code"] == "ResourceAlreadyExistsException"
    assert error["Message"] == "The specified log group already exists"


def test_a_stream_is_made_once(logs, stream):  # observed in public reports
    error = refusal(logs.create_log_stream, **stream)
    assert error["Code"] == "ResourceAlreadyExistsException"
    assert error["Message"] == "The specified log stream already exists"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("delete_log_group", {}),
        ("create_log_stream", {"logStreamName": "s"}),
        ("delete_log_stream", {"logStreamName": "s"}),
        ("describe_log_streams", {}),
        ("get_log_events", {"logStreamName": "s"}),
        ("filter_log_events", {}),
        ("put_log_events", {"logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}),
        ("put_retention_policy", {"retentionInDays": 1}),
        ("delete_retention_policy", {}),
        ("list_tags_log_group", {}),
    ],
)
def test_a_group_that_is_not_there_is_told(logs, operation, parameters):  # observed
    error = refusal(getattr(logs, operation), logGroupName="/nowhere", **parameters)
    assert error["Code"] == "ResourceNotFoundException"
    assert error["Message"] == "The specified log group does not exist."


@pytest.mark.parametrize("operation", ["delete_log_stream", "get_log_events"])
def test_a_stream_that_is_not_there_is_told(logs, group, operation):  # observed
    error = refusal(getattr(logs, operation), logGroupName=group, logStreamName="none")
    assert error["Code"] == "ResourceNotFoundException"
    assert error["Message"] == "The specified log stream does not exist."


def test_a_filter_on_a_stream_that_is_not_there_is_told(logs, stream):
    names = ["stream", "none"]
    error = refusal(
        logs.filter_log_events, logGroupName=stream["logGroupName"], logStreamNames=names
    )
    assert error["Code"] == "ResourceNotFoundException"


def test_a_name_that_is_not_allowed_is_an_invalid_parameter(logs):
    error = refusal(logs.create_log_group, logGroupName="no spaces")
    assert error["Code"] == "InvalidParameterException"
    assert "Value 'no spaces' at 'logGroupName' failed to satisfy constraint" in error["Message"]


def test_deleting_a_group_takes_its_streams_and_events(logs, stream):
    put(logs, stream, (now_ms(), "gone"))
    logs.delete_log_group(logGroupName=stream["logGroupName"])
    logs.create_log_group(logGroupName=stream["logGroupName"])
    assert logs.filter_log_events(logGroupName=stream["logGroupName"])["events"] == []


def test_a_protected_group_is_not_deleted(logs):
    logs.create_log_group(logGroupName="/kept", deletionProtectionEnabled=True)
    assert refusal(logs.delete_log_group, logGroupName="/kept")["Code"] == "ValidationException"
    logs.put_log_group_deletion_protection(
        logGroupIdentifier="/kept", deletionProtectionEnabled=False
    )
    logs.delete_log_group(logGroupName="/kept")


def test_groups_come_in_pages_by_name(logs):
    names = [f"/pages/{number}" for number in range(5)]
    for name in reversed(names):
        logs.create_log_group(logGroupName=name)
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix="/pages/", limit=2
    )
    assert [[group["logGroupName"] for group in page["logGroups"]] for page in pages] == [
        names[:2],
        names[2:4],
        names[4:],
    ]


def test_groups_are_found_by_a_part_of_their_name(logs):
    logs.create_log_group(logGroupName="/one/Needle/x")
    (found,) = logs.describe_log_groups(logGroupNamePattern="Needle")["logGroups"]
    assert found["logGroupName"] == "/one/Needle/x"
    assert found.keys() == {"arn", "creationTime", "logGroupName"}  # documented
    assert logs.describe_log_groups(logGroupNamePattern="needle")["logGroups"] == []


def test_prefix_and_pattern_exclude_each_other(logs):
    error = refusal(logs.describe_log_groups, logGroupNamePrefix="a", logGroupNamePattern="b")
    assert error["Code"] == "InvalidParameterException"


@pytest.mark.parametrize(
    "token",
    [
        *("nonsense", "W10=", "WzFd", "eyJhIjoxfQ=="),
        pytest.param("W1tb" * 1666, id="deep"),
        # Numbers that no database holds.
        pytest.param(b64encode(f"[false, {10**30}, 1, 1]".encode()).decode(), id="large"),
        pytest.param(f"f/{'9' * 56}/s", id="an event's, large"),
    ],
)
def test_a_token_that_was_never_given_is_refused(logs, stream, token):
    group = stream["logGroupName"]
    for call, parameters in [
        (logs.describe_log_groups, {}),
        (logs.describe_log_streams, {"logGroupName": group}),
        (logs.filter_log_events, {"logGroupName": group}),
        (logs.get_log_events, stream),
    ]:
        error = refusal(call, **parameters, nextToken=token)
        assert error["Code"] == "InvalidParameterException"
        assert error["Message"] == "The specified nextToken is invalid."


def test_streams_come_in_pages_by_name(logs, group):
    for number in range(5):
        logs.create_log_stream(logGroupName=group, logStreamName=f"job/{number}")
    logs.create_log_stream(logGroupName=group, logStreamName="other")
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=group, logStreamNamePrefix="job/", limit=2
    )
    found = [[stream["logStreamName"] for stream in page["logStreams"]] for page in pages]
    assert found == [["job/0", "job/1"], ["job/2", "job/3"], ["job/4"]]


def test_the_last_page_of_streams_has_no_token(logs, stream):
    page = logs.describe_log_streams(
        logGroupName=stream["logGroupName"], logStreamNamePrefix="stream", limit=1
    )
    assert len(page["logStreams"]) == 1
    assert "nextToken" not in page  # the SageMaker SDK loops while there is one


@pytest.mark.parametrize("descending", [False, True])
def test_streams_come_in_pages_by_last_event(logs, group, descending):
    start = now_ms()
    for name, timestamp in [("b", start + 2), ("a", start + 1), ("c", start + 3), ("d", None)]:
        stream = {"logGroupName": group, "logStreamName": name}
        logs.create_log_stream(**stream)
        if timestamp:
            put(logs, stream, (timestamp, "m"))
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=group, orderBy="LastEventTime", descending=descending, limit=1
    )
    found = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    assert found == (["c", "b", "a", "d"] if descending else ["d", "a", "b", "c"])


def test_a_prefix_does_not_go_with_the_order_by_time(logs, group):  # documented
    error = refusal(
        logs.describe_log_streams,
        logGroupName=group,
        logStreamNamePrefix="a",
        orderBy="LastEventTime",
    )
    assert error["Code"] == "InvalidParameterException"
    assert error["Message"] == "Cannot order by LastEventTime with a logStreamNamePrefix."


def test_a_stream_tells_of_its_events(logs, stream):
    first = now_ms()
    put(logs, stream, (first, "a"), (first + 5, "b"))
    (found,) = logs.describe_log_streams(logGroupName=stream["logGroupName"])["logStreams"]
    assert found["firstEventTimestamp"] == first
    assert found["lastEventTimestamp"] == first + 5
    assert found["lastIngestionTime"] >= first
    assert found["arn"].endswith(f":log-group:{stream['logGroupName']}:log-stream:stream")
    (group,) = logs.describe_log_groups(logGroupNamePrefix=stream["logGroupName"])["logGroups"]
    assert group["storedBytes"] == 2 * (1 + 26)


def test_a_group_goes_by_its_arn_as_well(logs, stream):
    arn = f"arn:aws:logs:us-east-1:111122223333:log-group:{stream['logGroupName']}"
    for identifier in (arn, stream["logGroupName"]):
        assert logs.describe_log_streams(logGroupIdentifier=identifier)["logStreams"]


@pytest.mark.parametrize("which", [{}, {"logGroupName": "a", "logGroupIdentifier": "a"}])
def test_a_group_is_named_in_exactly_one_way(logs, which):
    error = refusal(logs.filter_log_events, **which)
    assert error["Code"] == "InvalidParameterException"


def test_retention_is_one_of_awss_periods(logs, group):
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["retentionInDays"] == 7
    error = refusal(logs.put_retention_policy, logGroupName=group, retentionInDays=2)
    assert "Member must satisfy enum value set: [1, 3, 5, 7, 14," in error["Message"]
    logs.delete_retention_policy(logGroupName=group)
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert "retentionInDays" not in found


def test_events_past_the_retention_are_not_returned(logs, stream):
    put(logs, stream, (now_ms() - 2 * DAY_MS, "old"))
    put(logs, stream, (now_ms(), "new"))
    logs.put_retention_policy(logGroupName=stream["logGroupName"], retentionInDays=1)
    assert messages(logs.get_log_events(**stream, startFromHead=True)) == ["new"]
    assert messages(logs.filter_log_events(logGroupName=stream["logGroupName"])) == ["new"]


def test_tags_are_kept_by_arn_and_by_name(logs, group):
    arn = f"arn:aws:logs:us-east-1:111122223333:log-group:{group}"
    logs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.tag_log_group(logGroupName=group, tags={"b": "3"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1", "b": "3"}
    logs.untag_resource(resourceArn=arn, tagKeys=["a", "never"])
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == {"b": "3"}
    logs.untag_log_group(logGroupName=group, tags=["b"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_a_group_carries_fifty_tags(logs, group):
    arn = f"arn:aws:logs:us-east-1:111122223333:log-group:{group}"
    logs.tag_resource(resourceArn=arn, tags={str(number): "" for number in range(50)})
    error = refusal(logs.tag_resource, resourceArn=arn, tags={"one more": ""})
    assert error["Code"] == "TooManyTagsException"


@pytest.mark.parametrize("operation", ["start_query", "put_metric_filter", "describe_queries"])
def test_what_is_not_implemented_says_so_by_name(logs, operation):
    parameters = {
        "start_query": {"startTime": 1, "endTime": 2, "queryString": "fields @message"},
        "put_metric_filter": {
            "logGroupName": "g",
            "filterName": "f",
            "filterPattern": "",
            "metricTransformations": [
                {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
            ],
        },
    }.get(operation, {})
    error = refusal(getattr(logs, operation), **parameters)
    name = "".join(part.title() for part in operation.split("_"))
    assert error["Message"] == f"The local cloud does not implement logs {name}."


def test_the_cli_reads_groups_streams_and_events(local_cloud, logs, stream):
    put(logs, stream, (now_ms(), "hello CLI"))

    def aws(*arguments):
        command = [sys.executable, "-m", "awscli", "logs", *arguments, "--output", "json"]
        run = subprocess.run(command, env=local_cloud.env, capture_output=True, check=True)
        return json.loads(run.stdout)

    group = stream["logGroupName"]
    groups = aws("describe-log-groups", "--log-group-name-prefix", group)["logGroups"]
    assert [found["logGroupName"] for found in groups] == [group]
    streams = aws("describe-log-streams", "--log-group-name", group)["logStreams"]
    assert [found["logStreamName"] for found in streams] == ["stream"]
    found = aws("get-log-events", "--log-group-name", group, "--log-stream-name", "stream")
    assert messages(found) == ["hello CLI"]
    found = aws("filter-log-events", "--log-group-name", group, "--filter-pattern", "CLI")
    assert messages(found) == ["hello CLI"]
