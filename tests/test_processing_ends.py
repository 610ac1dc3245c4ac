"""How a processing job ends before its time: stopped, out of time, or with its server."""

import psutil
import pytest
from processor import Processing

WAITS = """
    import time
    print("ready", flush=True)
    time.sleep(600)
    """
SAVES_ON_SIGTERM = """
    import signal, sys, time
    def save(*_):
        open("/opt/ml/processing/out/half.txt", "w").write("half")
        open("/opt/ml/output/message", "w").write("was told to stop")
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
    print("ready", flush=True)
    time.sleep(600)
    """


@pytest.fixture(scope="module")
def processing(local_cloud) -> Processing:
    return Processing(local_cloud)


def test_a_stopped_job_can_save_what_it_has_and_is_stopped(processing):
    name = processing.create(SAVES_ON_SIGTERM, outputs=("out",))
    processing.wait_for_line(name, "ready")
    # Any spelling names the one job.
    processing.sagemaker.stop_processing_job(ProcessingJobName=name.upper())
    assert processing.describe(name)["ProcessingJobStatus"] in ("Stopping", "Stopped")
    job = processing.wait(name)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "FailureReason" not in job
    assert job["ExitMessage"] == "was told to stop"
    assert job["ProcessingEndTime"] >= job["ProcessingStartTime"]
    assert processing.results(name) == {"out/half.txt": b"half"}


def test_all_hosts_of_a_stopped_job_end(processing):
    name = processing.create(WAITS, count=2)
    processing.wait_for_line(name, "ready")
    assert processing.stop(name)["ProcessingJobStatus"] == "Stopped"
    assert containers(processing) == []


def test_a_job_can_be_stopped_right_after_its_creation(processing):
    assert processing.stop(processing.create(WAITS))["ProcessingJobStatus"] == "Stopped"


def test_a_job_past_its_time_is_stopped(processing):
    job = processing.run(WAITS, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "FailureReason" not in job


def test_jobs_run_beside_each_other(processing):
    """Each waits for an object that the other stores: one after the other never ends."""
    script = """
        import boto3, sys, time
        s3 = boto3.client("s3")
        mine, others = sys.argv[1:]
        s3.put_object(Bucket="processing", Key=mine, Body=b"")
        while "Contents" not in s3.list_objects_v2(Bucket="processing", Prefix=others):
            time.sleep(0.1)
        """
    names = [
        processing.create(script, arguments=pair)
        for pair in (("beside/1", "beside/2"), ("beside/2", "beside/1"))
    ]
    assert [processing.wait(name)["ProcessingJobStatus"] for name in names] == ["Completed"] * 2


def containers(processing: Processing) -> list[psutil.Process]:
    """Return the processes that have a folder of the cloud's processing jobs in their command."""
    folder = str(processing.cloud.home / "processing")
    found = []
    for process in psutil.process_iter():
        try:
            if any(folder in word for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue  # It has ended, or is nobody's business.
    return found


@pytest.mark.parametrize("end", ["kill", pytest.param("stop", marks=pytest.mark.slow)])
def test_jobs_of_a_cloud_that_ends_fail_and_leave_nothing(processing, local_cloud, end):
    running = processing.create(WAITS, count=2)
    processing.wait_for_line(running, "ready")
    assert containers(processing)
    getattr(local_cloud, end)()
    # Where it was: the other tests' clients find it.
    local_cloud.start()
    job = processing.describe(running)
    assert job["ProcessingJobStatus"] == "Failed"
    told = {"kill": "ended unexpectedly", "stop": "was shut down"}[end]
    assert job["FailureReason"].startswith(f"InternalServerError: The local cloud {told}")
    assert job["ProcessingEndTime"] >= job["ProcessingStartTime"]
    assert containers(processing) == []
    assert list((local_cloud.home / "processing").iterdir()) == []
    assert processing.run("print('again')")["ProcessingJobStatus"] == "Completed"
