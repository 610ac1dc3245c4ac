"""Processing jobs that run: what their containers see, and what they leave in S3 and CloudWatch."""


import pytest
from processor import Processing


@pytest.fixture(scope="module")
def processing(local_cloud) -> Processing:
    return Processing(local_cloud)


def test_a_script_reads_inputs_and_arguments_and_writes_outputs(processing):
    data = processing.put("data/a.txt", "one")
    processing.put("data/deep/b.txt", "two")
    job = processing.run(
        """
        import os, sys
        print(sys.argv[1:], os.environ["GREETING"])
        for folder in ("output/train", "output/test"):
            assert os.listdir(f"/opt/ml/processing/{folder}") == []
        text = open("/opt/ml/processing/input/a.txt").read()
        text += open("/opt/ml/processing/input/deep/b.txt").read()
        os.makedirs("/opt/ml/processing/output/test/deep")
        open("/opt/ml/processing/output/train/out.txt", "w").write(text)
        open("/opt/ml/processing/output/test/deep/out.txt", "w").write(text[::-1])
        os.symlink("out.txt", "/opt/ml/processing/output/train/link.txt")
        """,
        inputs={"input": data.removesuffix("a.txt")},
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
        "output/train/out.txt": b"onetwo",
        "output/test/deep/out.txt": b"owteno",
    }
