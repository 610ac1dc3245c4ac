"""A job works by its request, then by what its container asks for, then by the defaults."""

import json

import pytest

from maze_helpers.local_cloud.engine.transform.json_path import InvalidJsonPath
from maze_helpers.local_cloud.engine.transform.settings import (
    BadExecutionParameters,
    batch_variables,
    execution_parameters,
    settings_of,
)


def job(input_members=None, output_members=None, **members):
    return {
        "TransformInput": {"ContentType": "text/csv", **(input_members or {})},
        "TransformOutput": {"Accept": "text/csv", **(output_members or {})},
        **members,
    }


def test_the_defaults():
    settings = settings_of({"TransformInput": {}, "TransformOutput": {}}, {})
    assert (settings.max_concurrent, settings.max_payload_mb, settings.strategy) == (
        1,
        6,
        "MULTI_RECORD",
    )
    assert (settings.timeout_s, settings.retries) == (600, 3)
    assert not (settings.splits or settings.assembles or settings.is_gzip)
    assert settings.headers == {"User-Agent": "Go-http-client/1.1"}
    assert settings.max_payload_bytes == 6 * 1024 * 1024


def test_what_the_request_says():
    settings = settings_of(
        job(
            {"SplitType": "Line", "CompressionType": "Gzip"},
            {"AssembleWith": "Line"},
            BatchStrategy="SingleRecord",
            MaxConcurrentTransforms=3,
            MaxPayloadInMB=0,
            ModelClientConfig={"InvocationsTimeoutInSeconds": 7, "InvocationsMaxRetries": 0},
            DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": ""},
        ),
        {"MaxConcurrentTransforms": 9, "MaxPayloadInMB": 9, "BatchStrategy": "MULTI_RECORD"},
    )
    assert (settings.max_concurrent, settings.max_payload_mb, settings.strategy) == (
        3,
        0,
        "SINGLE_RECORD",
    )
    assert settings.max_payload_bytes is None
    assert (settings.timeout_s, settings.retries) == (7, 0)
    assert settings.splits and settings.assembles and settings.is_gzip
    assert (settings.headers["Content-Type"], settings.headers["Accept"]) == ("text/csv",) * 2
    assert settings.processing.filters_input and settings.processing.joins


def test_what_the_container_asks_for_comes_before_the_defaults():
    given = {"MaxConcurrentTransforms": 4, "MaxPayloadInMB": 2, "BatchStrategy": "SINGLE_RECORD"}
    settings = settings_of(job(), given)
    assert (settings.max_concurrent, settings.max_payload_mb, settings.strategy) == (
        4,
        2,
        "SINGLE_RECORD",
    )


@pytest.mark.parametrize(
    ("payload_mb", "concurrent"), [(1, 40), (6, 16), (60, 1), (100, 1), (0, 40)]
)
def test_the_containers_concurrency_gives_way_to_the_requests_payload(payload_mb, concurrent):
    settings = settings_of(job(MaxPayloadInMB=payload_mb), {"MaxConcurrentTransforms": 40})
    assert settings.max_concurrent == concurrent


def test_no_concurrency_is_the_containers():
    assert settings_of(job(MaxConcurrentTransforms=0), {}).max_concurrent == 1
    asked = {"MaxConcurrentTransforms": 2}
    assert settings_of(job(MaxConcurrentTransforms=0), asked).max_concurrent == 2


def test_a_filter_that_no_record_can_pass_is_an_error():
    with pytest.raises(InvalidJsonPath):
        settings_of(job(DataProcessing={"InputFilter": "$.name"}), {})


def test_the_variables_of_the_container_are_those_of_the_request():
    assert batch_variables(job()) == {"SAGEMAKER_BATCH": "true"}
    members = {"MaxConcurrentTransforms": 2, "MaxPayloadInMB": 0, "BatchStrategy": "SingleRecord"}
    assert batch_variables(job(**members)) == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
    }


def test_execution_parameters():
    answer = {"MaxConcurrentTransforms": 8, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}
    assert execution_parameters(200, json.dumps(answer).encode()) == answer


@pytest.mark.parametrize("status", [404, 500, 204])
def test_a_container_without_execution_parameters(status):
    assert execution_parameters(status, b"<html>") == {}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>", "it is not JSON"),
        (b"[1]", "it is not a JSON object"),
        (b'{"MaxConcurrentTransforms":"8"}', "its MaxConcurrentTransforms is not a whole number"),
        (b'{"MaxConcurrentTransforms":true}', "its MaxConcurrentTransforms is not a whole number"),
        (b'{"MaxPayloadInMB":6.5}', "its MaxPayloadInMB is not a whole number from 0 to 100"),
        (b'{"MaxPayloadInMB":101}', "its MaxPayloadInMB is not a whole number from 0 to 100"),
        (b'{"MaxPayloadInMB":-1}', "its MaxPayloadInMB is not a whole number from 0 to 100"),
        (b'{"BatchStrategy":"MultiRecord"}', "its BatchStrategy is neither SINGLE_RECORD nor"),
        (b'{"BatchStrategy":[]}', "its BatchStrategy is neither SINGLE_RECORD nor"),
    ],
)
def test_execution_parameters_that_are_none(body, why):
    with pytest.raises(BadExecutionParameters, match=why):
        execution_parameters(200, body)
