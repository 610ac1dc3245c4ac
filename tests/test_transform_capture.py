"""Tests of transform jobs' data capture: manifests of what was read and written."""

import json
import re

from deployer import BUCKET
from transforms import ECHO, Transforms

HOUR = re.compile(r"captured/(input|output)/\d{4}/\d\d/\d\d/\d\d/[-\w]+\.jsonl")
# Answers an error to one record.
PICKY = (
    ECHO
    + """
    def predict_fn(body, model):
        assert body.strip() != "bad"
        return body
    """
)


def test_a_job_leaves_manifests_of_what_it_read_and_wrote(local_cloud):
    """Their content is documented, their names are not."""
    transforms = Transforms(local_cloud)
    for name, body in (("a.csv", b"1"), ("sub/b.csv", b"2"), ("c.csv", b"bad")):
        transforms.put(f"to-capture/{name}", body)
    uri = f"s3://{BUCKET}/to-capture/"
    config = {"DestinationS3Uri": f"s3://{BUCKET}/captured"}
    job = transforms.run_job(
        transforms.scripted(PICKY),
        TransformInput=transforms.source(uri, ContentType="text/csv"),
        TransformOutput=transforms.target("written"),
        DataCaptureConfig=config,
    )
    assert job["TransformJobStatus"] == "Failed"
    assert job["DataCaptureConfig"] == config
    found = transforms.s3.list_objects_v2(Bucket=BUCKET, Prefix="captured/")["Contents"]
    manifests = {}
    for entry in found:
        match = HOUR.fullmatch(entry["Key"])
        body = transforms.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
        manifests[match[1]] = json.loads(body)
    assert manifests == {
        "input": [{"prefix": uri}, "a.csv", "sub/b.csv"],
        "output": [{"prefix": f"s3://{BUCKET}/written/"}, "a.csv.out", "sub/b.csv.out"],
    }
