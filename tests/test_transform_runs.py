"""Transform jobs on a running local cloud: what they read, send, write, log and measure."""

import json
import threading
import time

import pytest
from trainer import tar_gz
from transform_scripts import KILLS, SEEN, SUM, TOGETHER
from transforms import BUCKET, GROUP, SLOW, Transforms, csv_lines

PATIENCE_S = 90


@pytest.fixture(scope="module")
def transforms(local_cloud):
    return Transforms(local_cloud)


def put_all(transforms: Transforms, folder: str, objects: dict[str, bytes]) -> str:
    for name, body in objects.items():
        transforms.put(f"{folder}/{name}", body)
    return f"s3://{BUCKET}/{folder}/"


def outputs(transforms: Transforms, folder: str) -> dict[str, bytes]:
    """Return what is below a folder, by the rest of its key."""
    prefix = f"{folder}/"
    listed = transforms.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {
        found["Key"].removeprefix(prefix): transforms.s3.get_object(
            Bucket=BUCKET, Key=found["Key"]
        )["Body"].read()
        for found in listed
    }


def logs(transforms: Transforms, job: str) -> dict[str, list[str]]:
    """Return the lines of each stream of a job that has ended: all are stored by then."""
    client = transforms.cloud.client("logs")
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, logStreamNamePrefix=f"{job}/"
    )
    streams = client.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{job}/")
    found: dict[str, list[str]] = {one["logStreamName"]: [] for one in streams["logStreams"]}
    for page in pages:
        for event in page["events"]:
            found[event["logStreamName"]].append(event["message"])
    return found


def data_log(transforms: Transforms, job: str) -> list[str]:
    """Return what the data logs say, without the times."""
    return [
        line.partition(":[sagemaker logs]: ")[2]
        for stream, found in logs(transforms, job).items()
        if stream.endswith("/data-log")
        for line in found
    ]


def run_lines(transforms: Transforms, model: str, uri: str, folder: str, **members) -> dict:
    """Run a job on rows, and return its description."""
    lines = csv_lines(transforms, folder)
    source = transforms.source(uri, ContentType="text/csv", SplitType="Line")
    return transforms.run_job(model, **{**lines, "TransformInput": source, **members})


@pytest.fixture(scope="module")
def summing(transforms):
    return transforms.scripted(SUM)


@pytest.fixture(scope="module")
def two_instances(transforms, summing):
    """A job of three objects on two instances, which has ended."""
    objects = {"a.csv": b"7,1\n7,2\n", "b/c.csv": b"8,1\n8,2", "b/d.csv": b"9,1\r\n\r\n9,2\r\n"}
    uri = put_all(transforms, "two", objects)
    return run_lines(
        transforms,
        summing,
        uri,
        "of-two",
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 2},
    )


def test_a_job_writes_an_output_for_each_object_at_its_path(transforms, two_instances):
    assert two_instances["TransformJobStatus"] == "Completed"
    assert outputs(transforms, "of-two") == {
        "a.csv.out": b"8\n9\n",
        "b/c.csv.out": b"9\n10\n",
        "b/d.csv.out": b"10\n11\n",
    }
    times = [two_instances[f"{what}Time"] for what in ("Creation", "TransformStart")]
    assert times[0] <= times[1] <= two_instances["TransformEndTime"]


def test_objects_are_partitioned_over_the_instances(transforms, two_instances):
    found = logs(transforms, two_instances["TransformJobName"])
    seen = [
        sorted(line for line in lines if line.startswith("first row"))
        for stream, lines in found.items()
        if not stream.endswith("data-log")
    ]
    assert sorted(seen) == [["first row 7,1", "first row 9,1"], ["first row 8,1"]]
    streams = [stream for stream in found if not stream.endswith("data-log")]
    assert sorted(found) == sorted([*streams, *(f"{stream}/data-log" for stream in streams)])


def test_the_data_log_tells_the_settings(transforms, two_instances):
    line = "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"
    assert data_log(transforms, two_instances["TransformJobName"]) == [line, line]


def test_each_instance_has_metrics(transforms, local_cloud, two_instances):
    name = two_instances["TransformJobName"]
    cloudwatch = local_cloud.client("cloudwatch")
    instances = {
        stream.split("/")[1].rsplit("-", 1)[0]
        for stream in logs(transforms, name)
        if not stream.endswith("data-log")
    }
    deadline_s = time.monotonic() + PATIENCE_S
    hosts: set[str] = set()
    while hosts != {f"{name}/{instance}" for instance in instances}:
        assert time.monotonic() < deadline_s, hosts
        metrics = cloudwatch.list_metrics(Namespace=GROUP, MetricName="CPUUtilization")["Metrics"]
        hosts = {
            dimension["Value"]
            for metric in metrics
            for dimension in metric["Dimensions"]
            if dimension["Name"] == "Host" and dimension["Value"].startswith(f"{name}/")
        }


def test_filters_and_a_join_of_columns(transforms, summing):
    uri = put_all(transforms, "joined", {"in.csv": b'one,1,2\n"t,wo",3,4\n'})
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    run_lines(transforms, summing, uri, "of-joined", DataProcessing=processing)
    assert outputs(transforms, "of-joined") == {"in.csv.out": b'one,3\n"t,wo",7\n'}


@pytest.mark.parametrize(
    ("strategy", "payload_mb"), [("SingleRecord", 6), ("MultiRecord", 0), ("MultiRecord", 1)]
)
def test_each_way_of_sending_gives_the_same(transforms, summing, strategy, payload_mb):
    rows = [b"%d,%d" % (number, number) for number in range(40)]
    uri = put_all(transforms, "ways", {"in.csv": b"\n".join(rows)})
    job = run_lines(
        transforms,
        summing,
        uri,
        f"of-{strategy}-{payload_mb}",
        BatchStrategy=strategy,
        MaxPayloadInMB=payload_mb,
        MaxConcurrentTransforms=2,
    )
    assert job["TransformJobStatus"] == "Completed"
    expected = b"".join(b"%d\n" % (2 * number) for number in range(40))
    assert outputs(transforms, f"of-{strategy}-{payload_mb}") == {"in.csv.out": expected}


def test_the_container_sees_how_it_is_used(transforms):
    uri = put_all(transforms, "seen", {"in.json": b"{}"})
    job = transforms.run_job(
        transforms.scripted(SEEN),
        TransformInput=transforms.source(uri, ContentType="application/x-any"),
        TransformOutput=transforms.target("of-seen/", Accept="application/json"),
        Environment={"MINE": "1", "SAGEMAKER_BATCH": "no"},
        MaxPayloadInMB=0,
        BatchStrategy="SingleRecord",
    )
    seen = json.loads(outputs(transforms, "of-seen")["in.json.out"])
    assert job["TransformJobStatus"] == "Completed"
    assert (seen["content_type"], seen["accept"]) == ("application/x-any", "application/json")
    assert "model.txt" in seen["files"]
    environment = seen["environment"]
    assert {
        "MINE": "1",
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
    }.items() <= environment.items()
    assert "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS" not in environment


def test_a_manifest_and_more_instances_than_objects(transforms, summing):
    put_all(transforms, "listed", {"a.csv": b"1,2\n", "b.csv": b"3,4\n", "c.csv": b"5,6\n"})
    manifest = [{"prefix": f"s3://{BUCKET}/listed/"}, "c.csv", "a.csv", "a.csv"]
    uri = transforms.put("manifest", json.dumps(manifest).encode())
    job = transforms.run_job(
        summing,
        TransformInput=transforms.source(uri, "ManifestFile", SplitType="Line"),
        TransformOutput=transforms.target("of-listed", AssembleWith="Line"),
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 3},
    )
    assert job["TransformJobStatus"] == "Completed"
    assert outputs(transforms, "of-listed") == {"a.csv.out": b"3\n", "c.csv.out": b"11\n"}


def test_an_output_may_be_below_the_input(transforms, summing):
    uri = put_all(transforms, "below", {"a.csv": b"1,2\n", "e.csv": b""})
    assert run_lines(transforms, summing, uri, "below")["TransformJobStatus"] == "Completed"
    assert set(outputs(transforms, "below")) == {"a.csv", "a.csv.out", "e.csv", "e.csv.out"}


def test_a_poisoned_record_loses_its_object_only(transforms, summing):
    objects = {"a.csv": b"1,2\nx,y\n", "b.csv": b"3,4\n"}
    uri = put_all(transforms, "poisoned", objects)
    client = {"InvocationsMaxRetries": 0}
    job = run_lines(transforms, summing, uri, "of-poisoned", ModelClientConfig=client)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert outputs(transforms, "of-poisoned") == {"b.csv.out": b"7\n"}
    said = data_log(transforms, job["TransformJobName"])
    at = f"{BUCKET}/poisoned/a.csv: "
    assert said[1:4] == [
        f"{at}Bad HTTP status received from algorithm: 500",
        at,
        f"{at}Message:",
    ]
    assert said[4].startswith(at)
    assert not any("b.csv" in line for line in said)


def test_data_that_cannot_be_read_is_the_clients_fault(transforms, summing):
    uri = put_all(transforms, "unreadable", {"a.csv": b"1,2\n3\n", "b.csv": b"3,4\n"})
    processing = {"InputFilter": "$[0:2]", "JoinSource": "Input", "OutputFilter": "$[2]"}
    job = run_lines(transforms, summing, uri, "of-unreadable", DataProcessing=processing)
    assert job["FailureReason"] == "ClientError: See job logs for more information"
    assert set(outputs(transforms, "of-unreadable")) == {"b.csv.out"}
    assert data_log(transforms, job["TransformJobName"])[1] == (
        f"{BUCKET}/unreadable/a.csv: Invalid JsonPath: $[2]: index out of range of 2 columns"
    )


def test_as_many_requests_at_a_time_as_the_job_says_although_each_object_is_one(transforms):
    code = {
        "SAGEMAKER_PROGRAM": "predict.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": transforms.put(
            "together.tar.gz", tar_gz({"predict.py": TOGETHER})
        ),
        "SAGEMAKER_MODEL_SERVER_WORKERS": "2",
    }
    model = transforms.model(PrimaryContainer=transforms.container(Environment=code))
    uri = put_all(transforms, "together", {"a": b"1", "b": b"2"})
    job = transforms.run_job(
        model,
        TransformInput=transforms.source(uri),
        TransformOutput=transforms.target("of-together"),
        MaxConcurrentTransforms=2,
    )
    assert job["TransformJobStatus"] == "Completed"
    assert outputs(transforms, "of-together") == {"a.out": b"1", "b.out": b"2"}


def test_a_server_that_is_killed_is_replaced_and_nothing_is_doubled(transforms):
    uri = put_all(transforms, "killed", {"a.csv": b"1,1\n22,22\n9,9\n333,333\n"})
    job = run_lines(
        transforms,
        transforms.scripted(KILLS),
        uri,
        "of-killed",
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=2,
        Environment={"HOW": "once"},
    )
    assert job["TransformJobStatus"] == "Completed", job
    assert outputs(transforms, "of-killed") == {"a.csv.out": b"3\n5\n3\n7\n"}
    found = logs(transforms, job["TransformJobName"])
    assert len(found) == 2
    (lines,) = (lines for stream, lines in found.items() if not stream.endswith("data-log"))
    assert lines.count("asked 9,9") == 2


def test_a_record_that_kills_each_server_loses_its_object_only(transforms):
    uri = put_all(transforms, "deadly", {"a.csv": b"9,9\n", "b.csv": b"1,1\n"})
    job = run_lines(
        transforms,
        transforms.scripted(KILLS),
        uri,
        "of-deadly",
        Environment={"HOW": "always"},
        ModelClientConfig={"InvocationsMaxRetries": 1},
    )
    assert job["TransformJobStatus"] == "Failed"
    assert outputs(transforms, "of-deadly") == {"b.csv.out": b"3\n"}
    said = data_log(transforms, job["TransformJobName"])
    assert said[1].startswith(f"{BUCKET}/deadly/a.csv: Unable to get response from algorithm")


def test_a_model_that_takes_too_long_has_no_answer(transforms):
    client = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    job = transforms.run_job(transforms.scripted(SLOW), ModelClientConfig=client)
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert data_log(transforms, job["TransformJobName"])[1].endswith(
        "Unable to get response from algorithm: The model server did not answer within 1 s."
    )


def test_a_container_that_does_not_start_fails_the_job_with_the_cause(transforms):
    model = transforms.model(
        PrimaryContainer=transforms.container(Environment={"SAGEMAKER_PROGRAM": "none.py"})
    )
    job = transforms.run_job(
        model, TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 2}
    )
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: See job logs for more information. ")
    assert "none.py" in job["FailureReason"]
    assert "TransformStartTime" not in job


def test_model_data_that_is_not_there_fails_the_job(transforms, summing):
    gone = transforms.put("gone.tar.gz", tar_gz({"model.txt": "nothing"}))
    model = transforms.model(PrimaryContainer=transforms.container(ModelDataUrl=gone))
    transforms.s3.delete_object(Bucket=BUCKET, Key="gone.tar.gz")
    reason = transforms.run_job(model)["FailureReason"]
    assert reason.startswith('ClientError: Failed to download model data for container "container_')


def test_an_output_bucket_that_is_not_there_fails_the_job(transforms, summing):
    target = {"S3OutputPath": "s3://no-such-bucket/out"}
    job = transforms.run_job(summing, TransformOutput=target)
    assert job["FailureReason"] == "ClientError: The specified bucket does not exist"


def test_two_jobs_of_one_model_at_once(transforms, summing):
    uri = put_all(transforms, "both", {"a.csv": b"1,2\n"})
    jobs: list[dict] = []

    def run(folder: str) -> None:
        jobs.append(run_lines(transforms, summing, uri, folder))

    threads = [threading.Thread(target=run, args=(f"of-both-{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job["TransformJobStatus"] for job in jobs] == ["Completed"] * 2
    for number in range(2):
        assert outputs(transforms, f"of-both-{number}") == {"a.csv.out": b"3\n"}


def test_a_job_leaves_nothing_in_the_clouds_folder(transforms, local_cloud, two_instances):
    hosting = local_cloud.home / "hosting"
    name = two_instances["TransformJobName"]
    instances = {stream.split("/")[1].rsplit("-", 1)[0] for stream in logs(transforms, name)}
    assert not instances & {path.name for path in (hosting / "servers").iterdir()}
    assert list((hosting / "models").iterdir()) == []
