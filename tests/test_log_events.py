"""Log events: putting them, reading a stream either way, filtering a group; page by page."""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
import sagemaker.logs
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.services.logs import Logs

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def logs(local_cloud):
    return local_cloud.client("logs")


@pytest.fixture
def stream(logs):
    stream = {"logGroupName": f"/test/{uuid.uuid4().hex}", "logStreamName": "stream"}
    logs.create_log_group(logGroupName=stream["logGroupName"])
    logs.create_log_stream(**stream)
    return stream


def now_ms() -> int:
    return int(time.time() * 1000)


def put(logs, stream, *events):
    """Put events, (timestamp in ms, message)."""
    batch = [{"timestamp": timestamp, "message": message} for timestamp, message in events]
    return logs.put_log_events(**stream, logEvents=batch)


def put_numbers(logs, stream, count) -> list[str]:
    """Put messages 0, 1, 2 … of the last seconds, three to a millisecond."""
    start = now_ms() - count
    numbers = [str(number) for number in range(count)]
    put(logs, stream, *((start + number // 3, text) for number, text in enumerate(numbers)))
    return numbers


def messages(answer) -> list[str]:
    return [event["message"] for event in answer["events"]]


def refusal(call, **parameters) -> dict:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]


def test_a_message_comes_back_as_it_went_in(logs, stream):
    text = 'tabs\t, lines\n, nothing\x00, ünïcödé, 🦆, "quotes" & <marks>'
    moment = now_ms()
    put(logs, stream, (moment, text))
    (event,) = logs.get_log_events(**stream)["events"]
    assert (event["timestamp"], event["message"]) == (moment, text)
    assert event["ingestionTime"] >= moment


def test_events_of_one_millisecond_keep_their_order(logs, stream):
    moment = now_ms()
    put(logs, stream, *((moment, letter) for letter in "qwerty"))
    put(logs, stream, *((moment, letter) for letter in "asdf"))
    assert messages(logs.get_log_events(**stream, startFromHead=True)) == list("qwertyasdf")


def test_events_that_come_late_are_sorted_in(logs, stream):
    moment = now_ms()
    put(logs, stream, (moment, "second"))
    put(logs, stream, (moment - 1, "first"))
    assert messages(logs.get_log_events(**stream)) == ["first", "second"]


def test_a_batch_must_be_in_order(logs, stream):  # observed in public reports
    error = refusal(
        logs.put_log_events,
        **stream,
        logEvents=[{"timestamp": now_ms() - ago, "message": "m"} for ago in (1, 100)],
    )
    assert error["Code"] == "InvalidParameterException"
    assert error["Message"] == (
        "Log events in a single PutLogEvents request must be in chronological order."
    )


def test_a_batch_spans_a_day_at_most(logs, stream):  # documented
    moment = now_ms()
    batch = [{"timestamp": moment - ago, "message": "m"} for ago in (DAY_MS + 1, 0)]
    error = refusal(logs.put_log_events, **stream, logEvents=batch)
    assert "cannot span more than 24 hours" in error["Message"]


def test_a_batch_of_a_mebibyte_is_the_largest(logs, stream):  # documented
    put(logs, stream, (now_ms(), "x" * (1_048_576 - 26)))
    batch = [{"timestamp": now_ms(), "message": "x" * (1_048_576 - 25)}]
    error = refusal(logs.put_log_events, **stream, logEvents=batch)
    assert error["Message"] == "Upload too large: 1048577 bytes exceeds limit of 1048576"


def test_events_too_far_from_now_are_left_out_and_reported(logs, stream):  # documented
    moment = now_ms()
    answer = put(
        logs,
        stream,
        (moment - 15 * DAY_MS, "too old"),
        (moment - 14 * DAY_MS - 1, "too old"),
        (moment, "right"),
        (moment + 3 * HOUR_MS, "too new"),
    )
    assert answer["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 2,
        "tooNewLogEventStartIndex": 3,
    }
    assert messages(logs.get_log_events(**stream)) == ["right"]


def test_events_past_the_retention_are_reported_as_expired(logs, stream):  # documented
    logs.put_retention_policy(logGroupName=stream["logGroupName"], retentionInDays=1)
    answer = put(logs, stream, (now_ms() - 2 * DAY_MS, "expired"))
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}


def test_a_sequence_token_is_given_and_ignored(logs, stream):  # documented
    token = put(logs, stream, (now_ms(), "a"))["nextSequenceToken"]
    for sent in (token, "anything"):
        logs.put_log_events(
            **stream, sequenceToken=sent, logEvents=[{"timestamp": now_ms(), "message": "b"}]
        )
    assert len(messages(logs.get_log_events(**stream))) == 3


def test_without_a_direction_the_latest_events_come_first_page(logs, stream):
    numbers = put_numbers(logs, stream, 10)
    page = logs.get_log_events(**stream, limit=4)
    assert messages(page) == numbers[-4:]
    page = logs.get_log_events(**stream, limit=4, nextToken=page["nextBackwardToken"])
    assert messages(page) == numbers[2:6]
    page = logs.get_log_events(**stream, limit=4, nextToken=page["nextForwardToken"])
    assert messages(page) == numbers[-4:]


def test_from_the_head_pages_go_forward_to_the_same_token(logs, stream):  # documented
    numbers = put_numbers(logs, stream, 10)
    found, token = [], {}
    while True:
        page = logs.get_log_events(**stream, limit=4, startFromHead=True, **token)
        if page["nextForwardToken"] == token.get("nextToken"):
            break
        found += messages(page)
        token = {"nextToken": page["nextForwardToken"]}
    assert found == numbers
    assert page["events"] == []


def test_the_way_back_from_the_end_misses_nothing(logs, stream):
    numbers = put_numbers(logs, stream, 5)
    last = logs.get_log_events(**stream, startFromHead=True)
    beyond = logs.get_log_events(**stream, nextToken=last["nextForwardToken"])
    assert messages(beyond) == []
    back = logs.get_log_events(**stream, nextToken=beyond["nextBackwardToken"])
    assert messages(back) == numbers
    before = logs.get_log_events(**stream, nextToken=back["nextBackwardToken"])
    assert messages(before) == []
    assert messages(logs.get_log_events(**stream, nextToken=before["nextForwardToken"])) == numbers


def test_a_forward_token_finds_what_is_written_later(logs, stream):
    empty = logs.get_log_events(**stream, startFromHead=True)
    put(logs, stream, (now_ms(), "later"))
    page = logs.get_log_events(**stream, nextToken=empty["nextForwardToken"])
    assert messages(page) == ["later"]


def test_the_start_is_in_and_the_end_is_not(logs, stream):  # documented
    start = now_ms()
    put(logs, stream, (start, "a"), (start + 1, "b"), (start + 2, "c"))
    page = logs.get_log_events(**stream, startTime=start, endTime=start + 2)
    assert messages(page) == ["a", "b"]


def test_a_filter_includes_its_end(logs, stream):  # documented
    start = now_ms()
    put(logs, stream, (start, "a"), (start + 1, "b"), (start + 2, "c"))
    group = stream["logGroupName"]
    page = logs.filter_log_events(logGroupName=group, startTime=start, endTime=start + 1)
    assert messages(page) == ["a", "b"]


def test_a_page_holds_a_mebibyte(logs, stream):  # documented
    for letter in "abc":
        put(logs, stream, (now_ms(), letter * 600_000))
    page = logs.get_log_events(**stream, startFromHead=True)
    assert [text[0] for text in messages(page)] == ["a", "b"]
    page = logs.filter_log_events(logGroupName=stream["logGroupName"])
    assert "nextToken" in page


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_filter_merges_streams_by_time(logs, stream, newest_first):
    start = now_ms()
    for number, name in enumerate(["b", "a", "c"]):
        other = stream | {"logStreamName": name}
        logs.create_log_stream(**other)
        put(logs, other, *((start + step * 3 + number, f"{step * 3 + number}") for step in (0, 1)))
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=stream["logGroupName"], limit=1, startFromHead=not newest_first
    )
    found = [text for page in pages for text in messages(page)]
    expected = [str(number) for number in range(6)]
    assert found == (expected[::-1] if newest_first else expected)


def test_the_newest_come_first_only_in_recent_ranges(logs, stream):  # documented
    group = {"logGroupName": stream["logGroupName"], "startFromHead": False}
    error = refusal(logs.filter_log_events, **group, startTime=1_704_067_199_999)
    assert error["Code"] == "InvalidParameterException"
    assert logs.filter_log_events(**group, startTime=1_704_067_200_000)["events"] == []


def test_a_token_keeps_its_direction(logs, stream):  # documented
    numbers = put_numbers(logs, stream, 6)
    group = stream["logGroupName"]
    page = logs.filter_log_events(logGroupName=group, startFromHead=False, limit=3)
    page = logs.filter_log_events(logGroupName=group, nextToken=page["nextToken"])
    assert messages(page) == numbers[2::-1]


def test_after_the_last_events_of_a_filter_comes_a_page_without_events_and_token(logs, stream):
    """As reported of AWS; the SageMaker SDK shows only pages that have a token."""
    put(logs, stream, (now_ms(), "match"), (now_ms() + 1000, "other"))
    request = {"logGroupName": stream["logGroupName"], "filterPattern": "match"}
    page = logs.filter_log_events(**request)
    assert messages(page) == ["match"]
    after = logs.filter_log_events(**request, nextToken=page["nextToken"])
    assert messages(after) == [] and "nextToken" not in after
    put(logs, stream, (now_ms() + 2000, "one more match"))
    assert messages(logs.filter_log_events(**request, nextToken=page["nextToken"])) == [
        "one more match"
    ]


def test_a_filter_takes_streams_by_name_or_by_prefix(logs, stream):
    group = stream["logGroupName"]
    for name in ("job/1", "job/2", "task/1"):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        put(logs, {"logGroupName": group, "logStreamName": name}, (now_ms(), name))
    page = logs.filter_log_events(logGroupName=group, logStreamNamePrefix="job/")
    assert sorted(messages(page)) == ["job/1", "job/2"]
    assert {event["logStreamName"] for event in page["events"]} == {"job/1", "job/2"}
    page = logs.filter_log_events(logGroupName=group, logStreamNames=["task/1"])
    assert messages(page) == ["task/1"]
    error = refusal(
        logs.filter_log_events,
        logGroupName=group,
        logStreamNames=["a"],
        logStreamNamePrefix="b",
    )
    assert error["Code"] == "InvalidParameterException"


def test_event_ids_are_unique_and_stay(logs, stream):
    put_numbers(logs, stream, 20)
    group = stream["logGroupName"]
    ids = [event["eventId"] for event in logs.filter_log_events(logGroupName=group)["events"]]
    assert len(set(ids)) == 20
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, limit=7)
    assert [event["eventId"] for page in pages for event in page["events"]] == ids


def test_the_sagemaker_sdk_reads_a_stream_to_its_end(logs, stream):
    numbers = put_numbers(logs, stream, 50)
    group, name = stream.values()
    found = [event["message"] for event in sagemaker.logs.log_stream(logs, group, name)]
    assert found == numbers
    last = sagemaker.logs.log_stream(logs, group, name, start_time=0, skip=48)
    assert [event["message"] for event in last] == ["48", "49"]


class StoppedClock(Clock):
    def time_s(self) -> float:
        return 1_700_000_000.0


def read_all(operation, limit, token_name, **request) -> list[str]:
    """Return the messages of all pages, until there is no new token."""
    found, token = [], None
    while True:
        page = operation(request | {"limit": limit} | ({"nextToken": token} if token else {}), None)
        found += messages(page)
        if page.get(token_name) in (None, token):
            return found
        token = page[token_name]


@pytest.fixture(scope="module")
def stopped_cloud(tmp_path_factory) -> Iterator[LocalCloud]:
    """A local cloud without a server, whose clock stands still."""
    home = tmp_path_factory.mktemp("stopped")
    with closing(LocalCloud(home, "http://127.0.0.1:1", StoppedClock())) as cloud:
        yield cloud


# Each stream's events, in the order in which they come, as milliseconds from the start.
OFFSETS = st.lists(st.lists(st.integers(0, 5), max_size=6), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(offsets=OFFSETS, limit=st.integers(1, 7))
def test_pages_of_any_size_hold_every_event_once_and_in_order(stopped_cloud, offsets, limit):
    logs, operations = stopped_cloud.logs, Logs(stopped_cloud).operations
    group, start = uuid.uuid4().hex, stopped_cloud.logs.now_ms()
    events = []
    for number, times in enumerate(offsets):
        logs.create_stream(group, f"{number}")
        for order, offset in enumerate(times):
            logs.put(group, f"{number}", [(start + offset, f"{number}/{order}")])
            events.append((offset, number, order, f"{number}/{order}"))
    expected = [event[-1] for event in sorted(events)]
    filter_events, get = operations["FilterLogEvents"], operations["GetLogEvents"]
    names = {"logGroupName": group}
    assert read_all(filter_events, limit, "nextToken", **names) == expected
    backward = read_all(filter_events, limit, "nextToken", **names, startFromHead=False)
    assert backward == expected[::-1]
    for number in range(len(offsets)):
        names["logStreamName"] = f"{number}"
        own = [text for text in expected if text.startswith(f"{number}/")]
        assert read_all(get, limit, "nextForwardToken", **names, startFromHead=True) == own
        assert sorted(read_all(get, limit, "nextBackwardToken", **names)) == sorted(own)
