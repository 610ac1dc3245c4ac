"""Memory: the server uses as much for a large object that is transformed as for a small one."""

import pytest
from test_s3_memory import peak_of
from transforms import BUCKET, ECHO, Transforms

MB = 1_000_000
# Room for a few payloads and their answers, with the copies that are made of them.
ALLOWED_BYTES = 60 * MB
ROW = b"1.25,2.5,3.75,a name,12345\n"


class Rows:
    """A file of many rows that takes no room."""

    def __init__(self, size_bytes: int) -> None:
        self.left = size_bytes // len(ROW) * len(ROW)

    def read(self, size: int) -> bytes:
        size = min(size, self.left)
        begun = -self.left % len(ROW)
        self.left -= size
        return (ROW * (size // len(ROW) + 2))[begun : begun + size]


@pytest.mark.slow
@pytest.mark.parametrize("joins", [False, True])
@pytest.mark.parametrize("payload_mb", [0, 2])
def test_memory_does_not_grow_with_an_object(new_cloud, payload_mb, joins):
    transforms = Transforms(new_cloud)
    model = transforms.scripted(ECHO)

    def peak(size_bytes: int) -> int:
        folder = f"rows-{size_bytes}"
        transforms.s3.upload_fileobj(Rows(size_bytes), BUCKET, f"{folder}/in.csv")
        with peak_of(new_cloud) as found:
            job = transforms.run_job(
                model,
                TransformInput=transforms.source(
                    f"s3://{BUCKET}/{folder}/", ContentType="text/csv", SplitType="Line"
                ),
                TransformOutput=transforms.target(
                    f"of-{folder}", Accept="text/csv", AssembleWith="Line"
                ),
                MaxPayloadInMB=payload_mb,
                DataProcessing={"JoinSource": "Input"} if joins else None,
            )
        assert job["TransformJobStatus"] == "Completed", job
        output = transforms.s3.head_object(Bucket=BUCKET, Key=f"of-{folder}/in.csv.out")
        assert output["ContentLength"] == size_bytes // len(ROW) * len(ROW) * (1 + joins)
        return max(found)

    small = peak(10 * MB)
    assert peak(200 * MB) - small < ALLOWED_BYTES
