"""S3, logs and metrics as the engine has them on behalf of a role."""

import json

import pytest

from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.engine.hosting.calls import Call, Reply
from maze_helpers.local_cloud.engine.hosting.data_capture import (
    DataCapture,
    EndpointCapture,
    Source,
)
from maze_helpers.local_cloud.engine.hosting.data_capture_record import CaptureSettings
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.cloudwatch import Datum
from maze_helpers.local_cloud.services.logs.store import END, START
from maze_helpers.local_cloud.services.s3.new_content import NewContent
from maze_helpers.local_cloud.services.s3.schema import Attributes

ROLE = "arn:aws:iam::111122223333:role/path/Engine"
ARN = "arn:aws:s3:::bucket"
TRUST = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = LocalCloud(tmp_path_factory.mktemp("home"), "http://127.0.0.1:1")
    cloud.objects.create_bucket("bucket")
    for key in ("a/1", "a/2", "b"):
        put(cloud.objects, key)
    cloud.iam.invoke(
        "CreateRole",
        RoleName="Engine",
        Path="/path/",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **TRUST}),
    )
    yield cloud
    cloud.close()


def put(objects, key: str) -> None:
    content = NewContent(objects.blobs)
    content.write(b"bytes")
    objects.put("bucket", key, content.close(), Attributes())


def let(cloud, *actions: str, resource: str = "*") -> None:
    """Let the role do some actions, and nothing else."""
    statement = {"Effect": "Allow", "Action": ["ec2:None", *actions], "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.iam.invoke("PutRolePolicy", RoleName="Engine", PolicyName="p", PolicyDocument=document)


CALLS = {
    "list": ("s3:ListBucket", ARN, lambda o, path: list(o.list_objects("bucket", "a/"))),
    "exists": ("s3:ListBucket", ARN, lambda o, path: o.bucket_exists("bucket")),
    "head": ("s3:GetObject", f"{ARN}/b", lambda o, path: o.head("bucket", "b")),
    "open": ("s3:GetObject", f"{ARN}/b", lambda o, path: o.open("bucket", "b").close()),
    "download": (
        "s3:GetObject",
        f"{ARN}/b",
        lambda o, path: o.download("bucket", "b", path / "file"),
    ),
    "upload": ("s3:PutObject", f"{ARN}/n", lambda o, path: o.upload("bucket", "n", path / "up")),
    "put": ("s3:PutObject", f"{ARN}/n", lambda o, path: put(o, "n")),
    "delete": ("s3:DeleteObject", f"{ARN}/n", lambda o, path: o.delete("bucket", "n")),
    "tag": (
        "s3:PutObjectTagging",
        f"{ARN}/b",
        lambda o, path: o.set_tags("bucket", "b", {"a": "b"}),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_the_roles_to_make_or_denied_in_awss_words(cloud, tmp_path, name):
    action, resource, call = CALLS[name]
    (tmp_path / "up").write_bytes(b"up")
    objects = cloud.objects_as(ROLE)
    let(cloud)
    with pytest.raises(AWSError) as denied:
        call(objects, tmp_path)
    assert (denied.value.code, denied.value.message) == (
        "AccessDenied",
        "User: arn:aws:sts::111122223333:assumed-role/Engine/SageMaker is not authorized to "
        f'perform: {action} on resource: "{resource}" because no identity-based policy allows '
        f"the {action} action",
    )
    let(cloud, action, resource=resource)
    call(objects, tmp_path)


def test_what_is_not_there_is_told_to_who_may_list(cloud):
    objects = cloud.objects_as(ROLE)
    let(cloud, "s3:GetObject")
    with pytest.raises(AWSError, match="s3:ListBucket"):
        objects.head("bucket", "missing")
    let(cloud, "s3:GetObject", "s3:ListBucket")
    with pytest.raises(AWSError) as missing:
        objects.open("bucket", "missing")
    assert missing.value.code == "NoSuchKey"
    with pytest.raises(AWSError) as nowhere:
        objects.head("nowhere", "k")
    assert nowhere.value.code == "NoSuchBucket"
    assert not objects.bucket_exists("nowhere")


def test_a_role_that_is_not_there_may_do_nothing(cloud):
    with pytest.raises(AWSError, match="assumed-role/Nobody/SageMaker is not authorized"):
        cloud.objects_as(ROLE.replace("Engine", "Nobody")).head("bucket", "b")


LOGGING = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


@pytest.mark.parametrize("lacking", LOGGING)
def test_lines_that_a_role_may_not_write_are_nowhere(cloud, lacking):
    group = f"/of/{lacking.partition(':')[2]}"
    logs = cloud.logs_as(ROLE)
    let(cloud, *(action for action in LOGGING if action != lacking))
    logs.create_stream(group, "s")
    logs.put(group, "s", [(1, "lost")])
    if lacking != "logs:PutLogEvents":
        assert cloud.logs.stream(group, "s") is None
    let(cloud, *LOGGING)
    logs.put(group, "s", [(2, "kept")])
    events = cloud.logs.events(cloud.logs.stream(group, "s")["id"], START, END)
    assert [event.message for event in events] == ["kept"]


def test_metrics_that_a_role_may_not_write_are_nowhere(cloud):
    metrics, dimensions = cloud.metrics_as(ROLE), {"a": "b"}
    count = "SELECT COUNT(*) FROM metrics"
    let(cloud)
    before = cloud.store.connection.execute(count).fetchone()[0]
    metrics.put_many("N", [Datum.of("lost", dimensions, 1.0, 1.0)])
    assert cloud.store.connection.execute(count).fetchone()[0] == before
    let(cloud, "cloudwatch:PutMetricData")
    metrics.put_many("N", [Datum.of("kept", dimensions, 1.0, 1.0)])
    assert cloud.store.connection.execute(count).fetchone()[0] == before + 1


def test_what_was_not_captured_is_told_where_the_role_may_write(cloud):
    config = {
        "DestinationS3Uri": "s3://nowhere/",
        "InitialSamplingPercentage": 100,
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    call, reply = Call(b"", {}, 1.0), Reply(200, {}, b"", 1.0)
    group, stream = "/aws/sagemaker/Endpoints/e", "v/data-log"
    for actions in ((), LOGGING):
        let(cloud, *actions)
        captures = DataCapture(cloud)
        capture = EndpointCapture(captures, "e", CaptureSettings.of(config))
        captures.take(Source(capture, "v", ROLE), call, reply)
        captures.close()
        assert (cloud.logs.stream(group, stream) is not None) is bool(actions)
