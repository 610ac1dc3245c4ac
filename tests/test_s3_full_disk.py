"""A full disk: an error that says so, nothing lost, and all well again once there is room."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Runs on a disk of 24 MB, in a mount namespace of its own.
SCRIPT = """
import sys
from pathlib import Path
from botocore.exceptions import ClientError
sys.path.insert(0, "tests")
from conftest import RunningCloud

def error_of(call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]

cloud = RunningCloud(Path(sys.argv[1]) / ".maze")
try:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="bucket")
    ballast = cloud.home / "ballast"
    ballast.write_bytes(bytes(3_000_000))
    kept = {f"kept-{number}": bytes([number]) * 1_000_000 for number in range(8)}
    for key, body in kept.items():
        s3.put_object(Bucket="bucket", Key=key, Body=body)
    large = {"Bucket": "bucket", "Key": "kept-1", "Body": b"x" * 30_000_000}
    assert error_of(s3.put_object, **large) == "InsufficientStorage"
    named = {"Bucket": "bucket", "Key": "parts"}
    upload = named | {"UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    part = {"PartNumber": 1, "Body": b"x" * 30_000_000}
    assert error_of(s3.upload_part, **upload, **part) == "InsufficientStorage"
    fits = 0
    while error_of(s3.put_object, Bucket="bucket", Key=f"more-{fits}", Body=b"y" * 400_000) is None:
        fits += 1
    assert fits > 1
    small = 0
    while error_of(s3.put_object, Bucket="bucket", Key=f"small-{small}", Body=b"z" * 9_000) is None:
        small += 1
    for key, body in kept.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body
    for number in range(small):
        assert s3.get_object(Bucket="bucket", Key=f"small-{number}")["Body"].read() == b"z" * 9_000
    blobs = list((cloud.home / "blobs").rglob("*"))
    assert len([path for path in blobs if path.is_file()]) == len(kept) + fits
    ballast.unlink()
    s3.put_object(Bucket="bucket", Key="kept-0", Body=b"again" * 100_000)
    kept["kept-0"] = b"again" * 100_000
    for number in range(small):
        s3.delete_object(Bucket="bucket", Key=f"small-{number}")
    s3.upload_part(**upload, PartNumber=1, Body=b"room")
    cloud.restart()
    for key, body in kept.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body
    print("FULL", fits, small)
finally:
    cloud.stop()
"""

needs_namespaces = pytest.mark.skipif(
    not sys.platform.startswith("linux")
    or subprocess.run(["unshare", "--map-root-user", "--mount", "true"]).returncode != 0,
    reason="this machine allows no mount namespaces",
)


@needs_namespaces
def test_a_full_disk_refuses_writes_and_loses_nothing(tmp_path):
    mount = 'mount -t tmpfs -o size=24m none "$1"; home=$1; shift; exec "$@" "$home"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-ec", mount, "sh", str(tmp_path)]
    done = subprocess.run(
        [*command, sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("FULL")
