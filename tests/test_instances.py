"""What the instances of transform jobs did, read from CloudWatch after real jobs."""

import pytest
from training_job import local_session
from transforms import Transforms, csv_lines

from maze_helpers import instances
from maze_helpers.local_cloud.errors import MazeError

SAYS_WHAT_IT_GETS = """
    def model_fn(model_dir):
        return None
    def transform_fn(model, body, content_type, accept):
        print("got", body)
        return body, accept
    """
TWO = {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 2}}


@pytest.fixture(scope="module")
def transforms(local_cloud):
    return Transforms(local_cloud)


@pytest.fixture(scope="module")
def session(local_cloud):
    with local_session(local_cloud) as session:
        yield session


@pytest.fixture(scope="module")
def model(transforms):
    return transforms.scripted(SAYS_WHAT_IT_GETS)


def rows(transforms, folder: str, *objects: str) -> str:
    """Put objects into a folder and return its URI."""
    for number, body in enumerate(objects):
        transforms.put(f"{folder}/{number}.csv", body.encode())
    return f"s3://models/{folder}/"


@pytest.fixture(scope="module")
def idle(transforms, model):
    """A job of two instances and one object."""
    uri = rows(transforms, "one", "1,1\n")
    members = csv_lines(transforms, "idle") | TWO
    members["TransformInput"] = transforms.source(uri, ContentType="text/csv", SplitType="Line")
    return transforms.run_job(model, **members)["TransformJobName"]


@pytest.fixture(scope="module")
def busy(transforms, model):
    """A job of two instances and two objects."""
    uri = rows(transforms, "two", "1,1\n", "2,2\n")
    members = csv_lines(transforms, "busy") | TWO
    members["TransformInput"] = transforms.source(uri, ContentType="text/csv", SplitType="Line")
    return transforms.run_job(model, **members)["TransformJobName"]


def test_each_instance_has_its_own_lines_and_one_that_idled_is_among_them(session, idle, busy):
    got = [
        [line for line in lines if line.startswith("got")]
        for name in (idle, busy)
        for lines in instances.instance_logs(session, name).values()
    ]
    assert sorted(got[:2]) == [[], ["got 1,1"]]
    assert sorted(got[2:]) == [["got 1,1"], ["got 2,2"]]


def test_the_data_log_says_what_the_instances_worked_with(session, busy):
    said = instances.data_log(session, busy)
    assert len([line for line in said if "MaxConcurrentTransforms=1" in line]) == 2


def test_the_cpu_of_each_instance_was_measured(session, busy):
    for name in instances.instance_logs(session, busy):
        times, values = instances.cpu(session, busy, name, period_s=1)
        assert len(times) == len(values) > 0
        assert times == sorted(times) and max(values) > 0


def test_a_job_without_all_its_logs_says_so(session, transforms, monkeypatch):
    monkeypatch.setattr(instances, "BEHIND_S", 0)
    url = transforms.put("gone/model.tar.gz", b"")
    model = transforms.model(PrimaryContainer=transforms.container(ModelDataUrl=url))
    session.client("s3").delete_object(Bucket="models", Key="gone/model.tar.gz")
    job = transforms.run_job(model, **csv_lines(transforms, "gone"))
    assert job["TransformJobStatus"] == "Failed"
    with pytest.raises(MazeError, match="CloudWatch has the logs of 0"):
        instances.instance_logs(session, job["TransformJobName"])
