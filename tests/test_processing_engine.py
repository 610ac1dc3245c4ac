"""Processing jobs that run: what their containers see, and what they leave in S3 and CloudWatch."""

import json
import time
from datetime import timedelta

import pytest
from processor import ARN, BUCKET, GROUP, IMAGE, ROLE, Processing

from maze_helpers.local_cloud.engine.containers import isolation

LISTS_FILES = """
    import os
    for folder, _, names in sorted(os.walk("/opt/ml/processing/input/data")):
        for name in sorted(names):
            path = os.path.join(folder, name)
            print(os.path.relpath(path, "/opt/ml/processing/input/data"), open(path).read())
    """


@pytest.fixture(scope="module")
def processing(local_cloud) -> Processing:
    return Processing(local_cloud)


@pytest.fixture(scope="module")
def data(processing) -> str:
    """The URI of three objects."""
    for name in ("a.txt", "b.txt", "deep/c.txt"):
        processing.put(f"data/{name}", name[-5])
    return f"s3://{BUCKET}/data/"


def test_a_script_reads_inputs_and_arguments_and_writes_outputs(processing, data):
    job = processing.run(
        """
        import os, sys
        print(sys.argv[1:], os.environ["GREETING"])
        for folder in ("output/train", "output/test"):
            assert os.listdir(f"/opt/ml/processing/{folder}") == []
        text = open("/opt/ml/processing/input/a.txt").read()
        text += open("/opt/ml/processing/input/deep/c.txt").read()
        os.makedirs("/opt/ml/processing/output/test/deep")
        open("/opt/ml/processing/output/train/out.txt", "w").write(text)
        open("/opt/ml/processing/output/test/deep/out.txt", "w").write(text[::-1])
        os.symlink("out.txt", "/opt/ml/processing/output/train/link.txt")
        """,
        inputs={"input": data},
        outputs=("output/train", "output/test"),
        arguments=("--ratio", "0.2"),
        Environment={"GREETING": "hello"},
    )
    name = job["ProcessingJobName"]
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert "ExitMessage" not in job and "FailureReason" not in job
    assert processing.lines(name) == ["['--ratio', '0.2'] hello"]
    assert processing.results(name) == {
        "output/train/out.txt": b"ac",
        "output/test/deep/out.txt": b"ca",
    }


def test_a_container_is_told_of_its_job_by_two_files(processing):
    """Their form is documented: SageMaker guide, "Build Your Own Processing Container"."""
    script = """
        for name in ("processingjobconfig", "resourceconfig"):
            print(open(f"/opt/ml/config/{name}.json").read())
        """
    name = processing.create(script, outputs=("out",), Environment={"A": "1"})
    processing.wait(name)
    config, resources = map(json.loads, processing.lines(name))
    assert resources == {"current_host": "algo-1", "hosts": ["algo-1"]}
    assert config == {
        "ProcessingJobArn": f"{ARN}{name}",
        "ProcessingJobName": name,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/run.py"],
            "ContainerArguments": None,
        },
        "Environment": {"A": "1"},
        "ProcessingInputs": [
            {
                "AppManaged": False,
                "InputName": "input-code",
                "S3Input": {
                    "LocalPath": "/opt/ml/processing/input/code",
                    "S3Uri": f"s3://{BUCKET}/{name}/input/code/run.py",
                    "S3DataDistributionType": "FullyReplicated",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                    "S3CompressionType": "None",
                    "S3DownloadMode": "StartOfJob",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "AppManaged": False,
                    "OutputName": "out",
                    "S3Output": {
                        "LocalPath": "/opt/ml/processing/out",
                        "S3Uri": f"s3://{BUCKET}/{name}/out",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ],
            "KmsKeyId": None,
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 30,
                "VolumeKmsKeyId": None,
            }
        },
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
    }


def test_a_script_is_the_jobs_role_and_may_write_where_it_starts(processing):
    script = """
        import boto3, os
        open("left.txt", "w").write("here")
        print(boto3.client("sts").get_caller_identity()["Arn"])
        assert "AWS_PROFILE" not in os.environ
        """
    name = processing.create(script)
    assert processing.wait(name)["ProcessingJobStatus"] == "Completed"
    [line] = processing.lines(name)
    assert line == "arn:aws:sts::111122223333:assumed-role/SageMakerExecutionRole/SageMaker"


def test_an_input_may_be_a_manifest(processing, data):
    listed = [{"prefix": data}, "b.txt", "deep/c.txt"]
    uri = processing.put("one.manifest", json.dumps(listed))
    name = processing.create(
        LISTS_FILES, inputs={"input/data": {"S3Uri": uri, "S3DataType": "ManifestFile"}}
    )
    assert processing.wait(name)["ProcessingJobStatus"] == "Completed"
    assert processing.lines(name) == ["b.txt b", "deep/c.txt c"]


def test_two_hosts_share_the_objects_of_a_sharded_input(processing, data):
    sharded = {"S3Uri": data, "S3DataDistributionType": "ShardedByS3Key"}
    script = """
        import json, os, shutil
        config = json.load(open("/opt/ml/config/resourceconfig.json"))
        host, data = config["current_host"], "/opt/ml/processing/input/data"
        assert config["hosts"] == ["algo-1", "algo-2"]
        found = sorted(name for _, _, names in os.walk(data) for name in names)
        open(f"/opt/ml/processing/out/{host}.txt", "w").write(" ".join(found))
        print("on", host)
        """
    name = processing.create(script, inputs={"input/data": sharded}, outputs=("out",), count=2)
    assert processing.wait(name)["ProcessingJobStatus"] == "Completed"
    assert processing.results(name) == {
        "out/algo-1.txt": b"a.txt c.txt",
        "out/algo-2.txt": b"b.txt",
    }
    for host in ("algo-1", "algo-2"):
        assert processing.lines(name, f"{host}-") == [f"on {host}"]


@pytest.mark.skipif(isolation() == "none", reason="names resolve only where namespaces are")
def test_hosts_meet_by_their_names(processing):
    script = """
        import json, socket, time
        if json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"] == "algo-1":
            with socket.create_server(("algo-1", 8765)) as server:
                print(server.accept()[0].recv(100).decode())
            raise SystemExit
        for attempt in range(600):
            try:
                with socket.create_connection(("algo-1", 8765)) as client:
                    client.sendall(b"met")
                break
            except OSError:
                time.sleep(0.1)
        """
    name = processing.create(script, count=2)
    assert processing.wait(name)["ProcessingJobStatus"] == "Completed"
    assert processing.lines(name) == ["met"]


@pytest.mark.skipif(isolation() == "none", reason="isolation is real only where namespaces are")
def test_an_isolated_container_reaches_nothing(processing):
    script = """
        import os, socket
        print(sorted(name for name in os.environ if "SECRET" in name))
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=5)
        except OSError:
            print("alone")
        """
    port = processing.cloud.info.port
    name = processing.create(
        script.replace("PORT", str(port)),
        outputs=("out",),
        NetworkConfig={"EnableNetworkIsolation": True},
    )
    job = processing.wait(name)
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["NetworkConfig"] == {"EnableNetworkIsolation": True}
    assert processing.lines(name) == ["[]", "alone"]


def test_a_continuous_output_is_stored_while_the_job_runs(processing):
    script = """
        import boto3, time
        open("/opt/ml/processing/out/log.txt", "w").write("first")
        s3 = boto3.client("s3")
        prefix = "continuous/out/"
        while "Contents" not in s3.list_objects_v2(Bucket="processing", Prefix=prefix):
            time.sleep(0.1)
        open("/opt/ml/processing/out/log.txt", "w").write("first, and last")
        """
    job = processing.run(
        script, outputs=("out",), mode="Continuous", ProcessingJobName="continuous"
    )
    assert job["ProcessingJobStatus"] == "Completed"
    assert processing.results("continuous") == {"out/log.txt": b"first, and last"}


def test_an_application_may_manage_its_inputs_and_outputs_by_itself(processing):
    request = processing.request("print('ran')", outputs=("out",), inputs={"in": "s3://absent/x"})
    request["ProcessingInputs"][0]["AppManaged"] = True
    request["ProcessingOutputConfig"]["Outputs"][0]["AppManaged"] = True
    del request["ProcessingInputs"][0]["S3Input"]["LocalPath"]
    processing.sagemaker.create_processing_job(**request)
    job = processing.wait(request["ProcessingJobName"])
    assert job["ProcessingJobStatus"] == "Completed"


def test_without_an_entry_point_the_arguments_are_the_command_else_a_shell_finds_nothing(
    processing,
):
    """As `docker run` of images without an entry point."""
    names = [
        processing.create(AppSpecification={"ImageUri": IMAGE, **application})
        for application in ({}, {"ContainerArguments": ["/bin/echo", "a b", "$HOME"]})
    ]
    assert [processing.wait(name)["ProcessingJobStatus"] for name in names] == ["Completed"] * 2
    assert [processing.lines(name) for name in names] == [[], ["a b $HOME"]]


def test_instances_have_metrics(processing, local_cloud):
    job = processing.run("print('ran')")
    name = job["ProcessingJobName"]
    cloudwatch = local_cloud.client("cloudwatch")
    deadline_s = time.monotonic() + 60
    points: list = []
    while not points:
        assert time.monotonic() < deadline_s
        points = cloudwatch.get_metric_statistics(
            Namespace=GROUP,
            MetricName="MemoryUtilization",
            Dimensions=[{"Name": "Host", "Value": f"{name}/algo-1"}],
            StartTime=job["CreationTime"] - timedelta(minutes=1),
            EndTime=job["ProcessingEndTime"] + timedelta(minutes=1),
            Period=60,
            Statistics=["Average"],
        )["Datapoints"]
