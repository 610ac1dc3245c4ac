"""Transform jobs that are stopped, at any moment, or whose cloud ends: no output, nothing left."""

import threading
import time

import psutil
import pytest
from botocore.exceptions import ClientError
from model_servers import processes_of
from transforms import BUCKET, GROUP, SLOW, Transforms, csv_lines

PATIENCE_S = 90
# Says when it is asked, and answers all but rows of nines, for which it takes its time.
WAITS = """
    import os, time
    def model_fn(model_dir):
        return None
    def input_fn(body, content_type):
        return body
    def predict_fn(body, model):
        text = body.decode() if isinstance(body, bytes) else body
        os.write(1, f"asked {text}\\n".encode())
        if text.startswith("9"):
            time.sleep(600)
        return text
    def output_fn(answer, accept):
        return answer
    """


# Says that it is there, and is never ready.
STARTS = """
    import os, time
    def model_fn(model_dir):
        os.write(1, b"starting\\n")
        time.sleep(600)
    """


@pytest.fixture(scope="module")
def transforms(local_cloud):
    return Transforms(local_cloud)


@pytest.fixture(scope="module")
def waiting(transforms):
    return transforms.scripted(WAITS)


def until(condition, what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"{what} did not come about"
        time.sleep(0.02)


def printed(transforms: Transforms, job: str) -> list[str]:
    """Return what a job's containers have printed so far."""
    client = transforms.cloud.client("logs")
    try:
        found = client.filter_log_events(logGroupName=GROUP, logStreamNamePrefix=f"{job}/")
    except client.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found["events"]]


def keys(transforms: Transforms, folder: str) -> list[str]:
    listed = transforms.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}/")
    return [found["Key"] for found in listed.get("Contents", [])]


def blobs(cloud) -> set[str]:
    return {path.name for path in (cloud.home / "blobs").rglob("*") if path.is_file()}


def begin(transforms: Transforms, model: str, folder: str, *rows: bytes, **members) -> str:
    """Create a job of an object for each row, and return its name."""
    for number, row in enumerate(rows):
        transforms.put(f"in-{folder}/{number}.csv", row)
    lines = csv_lines(transforms, folder)
    uri = f"s3://{BUCKET}/in-{folder}/"
    source = transforms.source(uri, ContentType="text/csv", SplitType="Line")
    return transforms.job(model, **{**lines, "TransformInput": source, **members})


def at_work(transforms: Transforms, model: str, folder: str, **members) -> str:
    """Return a job that has one output and waits for the next."""
    job = begin(transforms, model, folder, b"1,1\n" * 9000, b"9,9\n", **members)
    until(lambda: "asked 9,9" in printed(transforms, job), "the request that takes long")
    return job


def test_a_job_that_is_stopped_at_once(transforms, waiting):
    job = transforms.stop(begin(transforms, waiting, "at-once", b"9,9\n"))
    assert job["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in job
    assert keys(transforms, "at-once") == []


def test_a_job_that_is_stopped_while_its_servers_start(transforms):
    name = begin(transforms, transforms.scripted(STARTS), "starting", b"1,1\n")
    until(lambda: "starting" in printed(transforms, name), "the first line of a container")
    assert transforms.stop(name)["TransformJobStatus"] == "Stopped"
    assert keys(transforms, "starting") == []


def test_a_job_that_is_stopped_at_work_stores_nothing(transforms, waiting, local_cloud):
    before = blobs(local_cloud)
    name = at_work(transforms, waiting, "at-work")
    job = transforms.stop(name.upper())
    assert job["TransformJobStatus"] == "Stopped"
    assert job["TransformEndTime"] >= job["TransformStartTime"]
    assert keys(transforms, "at-work") == []
    # That of the input.
    assert len(blobs(local_cloud) - before) == 1


@pytest.mark.parametrize("payload_mb", [0, 1])
def test_a_stop_reaches_every_instance(transforms, waiting, payload_mb):
    folder = f"every-{payload_mb}"
    name = begin(
        transforms,
        waiting,
        folder,
        b"9,1\n",
        b"9,2\n",
        MaxPayloadInMB=payload_mb,
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 2},
    )
    asked = {"asked 9,1", "asked 9,2"}
    until(lambda: asked <= set(printed(transforms, name)), "a request to each instance")
    assert transforms.stop(name)["TransformJobStatus"] == "Stopped"
    assert keys(transforms, folder) == []


def test_a_stop_is_refused_or_leaves_no_output_whenever_it_comes(transforms, waiting):
    outcomes: dict[str, tuple[str, int]] = {}

    def run(number: int) -> None:
        folder = f"whenever-{number}"
        name = begin(transforms, waiting, folder, b"1,1\n", b"2,2\n")
        time.sleep(0.3 * number)
        try:
            transforms.sagemaker.stop_transform_job(TransformJobName=name)
            expected = ("Stopped", 0)
        except ClientError:
            expected = ("Completed", 2)
        found = (transforms.wait(name)["TransformJobStatus"], len(keys(transforms, folder)))
        outcomes[folder] = (found, expected)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4
    assert [found for found, expected in outcomes.values() if found != expected] == []


def test_jobs_that_end_by_themselves_leave_no_process_and_no_thread(transforms, waiting):
    server = transforms.cloud.info.process()
    n_jobs, n_threads = 4, 0
    for number in range(n_jobs + 1):
        transforms.wait(begin(transforms, waiting, f"one-of-{number}", b"1,1\n"))
        until(lambda: not containers(transforms), "the end of its containers")
        n_threads = n_threads or server.num_threads()
    until(lambda: server.num_threads() < n_threads + n_jobs, "the end of its threads")


def containers(transforms: Transforms) -> list[psutil.Process]:
    """Return the processes of model servers."""
    return [p for p in processes_of(transforms.cloud.home / "hosting") if is_alive(p)]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_jobs_of_a_cloud_that_ends_fail_and_leave_nothing(new_cloud):
    transforms = Transforms(new_cloud)
    waiting = transforms.scripted(WAITS)
    name = at_work(transforms, waiting, "shut-down")
    before = blobs(new_cloud)
    assert containers(transforms)
    new_cloud.restart()
    transforms = Transforms(new_cloud)
    job = transforms.describe_job(name)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError: The local cloud was shut down")
    assert keys(transforms, "shut-down") == []
    assert len(blobs(new_cloud)) < len(before)
    until(lambda: not containers(transforms), "the end of all containers")


def test_jobs_of_a_cloud_that_is_killed_fail_and_leave_nothing(new_cloud):
    transforms = Transforms(new_cloud)
    waiting = transforms.scripted(WAITS)
    name = at_work(transforms, waiting, "killed")
    stopping = transforms.job(transforms.scripted(SLOW))
    before = blobs(new_cloud)
    assert containers(transforms)
    new_cloud.kill()
    new_cloud.start()
    transforms = Transforms(new_cloud)
    for one in (name, stopping):
        job = transforms.describe_job(one)
        assert job["TransformJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("InternalServerError: The local cloud ended unexp")
        assert "TransformEndTime" in job
    assert keys(transforms, "killed") == []
    assert len(blobs(new_cloud)) < len(before)
    until(lambda: not containers(transforms), "the end of all containers")
    job = transforms.wait(begin(transforms, waiting, "after", b"1,1\n"))
    assert job["TransformJobStatus"] == "Completed"
