"""The clean-up removes what the maze made and nothing else, however often it runs."""

import pytest
from processor import Processing
from training_job import local_session, start_job, wait_for_job
from transforms import ECHO, SLOW, Transforms

from maze_helpers import cleanup
from maze_helpers.tags import PREFIX, TAGS, is_tagged

BUCKET = "sagemaker-us-east-1-111122223333"
SLEEP = "import time; time.sleep(120)"


@pytest.fixture
def session(new_cloud):
    """A session of a cloud with a bucket and something of the maze's and of others' in it."""
    with local_session(new_cloud) as session:
        s3 = session.client("s3")
        for bucket in (BUCKET, "other"):
            s3.create_bucket(Bucket=bucket)
            for key in (f"{PREFIX}/data/train.csv", f"{PREFIX}-2/keep", "keep"):
                s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        yield session


def keys(session, bucket=BUCKET):
    listed = session.client("s3").list_objects_v2(Bucket=bucket)
    return [item["Key"] for item in listed.get("Contents", [])]


def status(session, job):
    described = session.client("sagemaker").describe_training_job(TrainingJobName=job)
    return described["TrainingJobStatus"]


def test_a_dry_run_lists_and_removes_nothing(session):
    before = keys(session)
    found = cleanup.clean(session)
    assert found.to_dict("records") == [
        {"kind": "objects", "name": f"s3://{BUCKET}/{PREFIX}/", "action": "delete 1"}
    ]
    assert keys(session) == before


def test_only_the_mazes_prefix_of_its_bucket_is_removed(session):
    cleanup.clean(session, dry_run=False)
    assert keys(session) == ["keep", f"{PREFIX}-2/keep"]
    assert len(keys(session, "other")) == 3


def test_twice_does_no_harm_and_finds_nothing(session):
    assert len(cleanup.clean(session, dry_run=False)) == 1
    assert cleanup.clean(session, dry_run=False).empty


def test_what_was_listed_is_what_is_removed(session):
    listed = cleanup.clean(session)
    assert cleanup.clean(session, dry_run=False).equals(listed)


@pytest.mark.slow
def test_more_objects_than_one_request_deletes_are_all_removed(session):
    s3 = session.client("s3")
    for i in range(1005):
        s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/many/{i}", Body=b"")
    assert cleanup.clean(session)["action"].tolist() == ["delete 1006"]
    cleanup.clean(session, dry_run=False)
    assert keys(session) == ["keep", f"{PREFIX}-2/keep"]


def test_a_running_job_of_the_maze_is_stopped_and_anothers_goes_on(session):
    start_job(session, "ours", SLEEP, BUCKET, Tags=TAGS)
    start_job(session, "theirs", SLEEP, BUCKET, Tags=[{"Key": TAGS[0]["Key"], "Value": "no"}])
    removed = cleanup.clean(session, dry_run=False)
    assert ["training job", "ours", "stop"] in removed.values.tolist()
    assert status(session, "ours") == "Stopped"
    assert status(session, "theirs") == "InProgress"
    assert "theirs/source/sourcedir.tar.gz" in keys(session)


def test_the_code_and_the_model_of_the_mazes_jobs_go_and_the_record_stays(session):
    script = "open(__import__('os').environ['SM_MODEL_DIR'] + '/m', 'w').close()"
    start_job(session, "ours", script, BUCKET, Tags=TAGS)
    wait_for_job(session, "ours")
    assert {"ours/source/sourcedir.tar.gz", "ours/output/model.tar.gz"} <= set(keys(session))
    cleanup.clean(session, dry_run=False)
    assert keys(session) == ["keep", f"{PREFIX}-2/keep"]
    assert status(session, "ours") == "Completed"
    assert cleanup.clean(session).empty


def test_a_running_transform_job_of_the_maze_is_stopped_and_anothers_goes_on(new_cloud, session):
    transforms = Transforms(new_cloud)
    model = transforms.scripted(SLOW)
    transforms.job(model, TransformJobName="ours", Tags=TAGS)
    transforms.job(model, TransformJobName="theirs")
    removed = cleanup.clean(session, dry_run=False)
    assert ["transform job", "ours", "stop"] in removed.values.tolist()
    assert transforms.describe_job("ours")["TransformJobStatus"] == "Stopped"
    assert transforms.describe_job("theirs")["TransformJobStatus"] == "InProgress"


@pytest.mark.slow
def test_the_output_of_the_mazes_transform_jobs_goes_where_the_sdk_puts_it(new_cloud, session):
    transforms = Transforms(new_cloud)
    model = transforms.scripted(ECHO)
    for name, tags in (("ours", TAGS), ("theirs", [])):
        output = {"S3OutputPath": f"s3://{BUCKET}/{name}"}
        job = transforms.run_job(model, TransformJobName=name, TransformOutput=output, Tags=tags)
        assert job["TransformJobStatus"] == "Completed"
    shared = {"S3OutputPath": f"s3://{BUCKET}/shared"}
    transforms.run_job(model, TransformJobName="elsewhere", TransformOutput=shared, Tags=TAGS)
    cleanup.clean(session, dry_run=False)
    outputs = [key for key in keys(session) if key.endswith(".out")]
    assert outputs == ["shared/rows.csv.out", "theirs/rows.csv.out"]


def test_processing_jobs_are_stopped_and_what_the_sdk_put_in_their_folders_goes(new_cloud, session):
    processing = Processing(new_cloud)
    s3 = session.client("s3")
    for name, tags in (("ours", TAGS), ("theirs", [])):
        code = f"s3://{BUCKET}/{name}/input/code/run.py"
        s3.put_object(Bucket=BUCKET, Key=f"{name}/input/code/run.py", Body=b"")
        request = processing.request(
            inputs={"input/code": code}, outputs=("out",), ProcessingJobName=name, Tags=tags
        )
        entry_point = ["/bin/sh", "-c", "echo done > /opt/ml/processing/out/a.txt"]
        request["AppSpecification"]["ContainerEntrypoint"] = entry_point
        target = request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
        target["S3Uri"] = f"s3://{BUCKET}/{name}/output/out"
        session.client("sagemaker").create_processing_job(**request)
        assert processing.wait(name)["ProcessingJobStatus"] == "Completed"
    waiting = processing.create("import time; time.sleep(600)", Tags=TAGS)
    cleanup.clean(session, dry_run=False)
    assert processing.describe(waiting)["ProcessingJobStatus"] == "Stopped"
    left = [key for key in keys(session) if PREFIX not in key]
    assert left == ["keep", "theirs/input/code/run.py", "theirs/output/out/a.txt"]


def test_an_output_within_the_prefix_is_counted_once(session):
    output = {"S3OutputPath": f"s3://{BUCKET}/{PREFIX}/models"}
    start_job(session, "ours", "", BUCKET, Tags=TAGS, OutputDataConfig=output)
    wait_for_job(session, "ours")
    found = cleanup.clean(session)
    assert found["name"].tolist() == [f"s3://{BUCKET}/ours/", f"s3://{BUCKET}/{PREFIX}/"]


def test_an_account_without_the_bucket_is_clean(new_cloud):
    with local_session(new_cloud) as session:
        assert cleanup.clean(session, dry_run=False).empty


def test_a_tag_counts_only_with_its_value(session):
    start_job(session, "ours", "", BUCKET, Tags=[{"Key": "a", "Value": "b"}, *TAGS])
    start_job(session, "half", "", BUCKET, Tags=[{"Key": TAGS[0]["Key"], "Value": "no"}])
    sagemaker = session.client("sagemaker")
    arns = {
        job["TrainingJobName"]: job["TrainingJobArn"]
        for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]
    }
    assert is_tagged(sagemaker, arns["ours"])
    assert not is_tagged(sagemaker, arns["half"])
