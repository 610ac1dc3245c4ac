"""What the tests of transform jobs' control plane share: requests, jobs, and their ends."""

import itertools
import time
from typing import Any

from deployer import BUCKET, Deployer
from trainer import tar_gz

GROUP = "/aws/sagemaker/TransformJobs"
ARN = "arn:aws:sagemaker:us-east-1:111122223333:transform-job/"
ENDED = ("Completed", "Failed", "Stopped")
# Models' code: one answers what it was asked; the other takes its time.
ECHO = """
    def model_fn(model_dir):
        return None
    def input_fn(body, content_type):
        return body
    def predict_fn(body, model):
        return body
    def output_fn(answer, accept):
        return answer
    """
SLOW = (
    ECHO
    + """
    import time
    def predict_fn(body, model):
        time.sleep(600)
    """
)
_numbers = itertools.count()


class Transforms(Deployer):
    """Creates transform jobs and waits for them. cloud: conftest's RunningCloud."""

    def __init__(self, cloud: Any) -> None:
        super().__init__(cloud)
        self.input = self.put("input/rows.csv", b"1,2\n3,4\n")

    def scripted(self, script: str) -> str:
        """Create a model whose code is a script, and return its name."""
        source = self.put(
            f"scripted-{next(_numbers)}/sourcedir.tar.gz", tar_gz({"predict.py": script})
        )
        code = {"SAGEMAKER_PROGRAM": "predict.py", "SAGEMAKER_SUBMIT_DIRECTORY": source}
        return self.model(PrimaryContainer=self.container(Environment=code))

    def request(self, model: str, **members: Any) -> dict[str, Any]:
        """Return a CreateTransformJob request; a member of None is left out."""
        name = members.pop("TransformJobName", f"transform-{next(_numbers)}")
        request = {
            "TransformJobName": name,
            "ModelName": model,
            "TransformInput": self.source(),
            "TransformOutput": self.target(name),
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **members,
        }
        return {member: value for member, value in request.items() if value is not None}

    def source(self, uri: str = "", data_type: str = "S3Prefix", **members: Any) -> dict[str, Any]:
        """Return a TransformInput."""
        data = {"S3DataSource": {"S3DataType": data_type, "S3Uri": uri or self.input}}
        return {"DataSource": data, **members}

    def target(self, folder: str = "output", **members: Any) -> dict[str, Any]:
        """Return a TransformOutput."""
        return {"S3OutputPath": f"s3://{BUCKET}/{folder}", **members}

    def job(self, model: str, **members: Any) -> str:
        """Create a job and return its name."""
        request = self.request(model, **members)
        self.sagemaker.create_transform_job(**request)
        return request["TransformJobName"]

    def run_job(self, model: str, **members: Any) -> dict[str, Any]:
        """Create a job, wait for its end and return its description."""
        return self.wait(self.job(model, **members))

    def stop(self, name: str) -> dict[str, Any]:
        """Stop a job, wait for its end and return its description."""
        self.sagemaker.stop_transform_job(TransformJobName=name)
        return self.wait(name)

    def describe_job(self, name: str) -> dict[str, Any]:
        """Return a job's description."""
        return self.sagemaker.describe_transform_job(TransformJobName=name)

    def wait(self, name: str, timeout_s: float = 120) -> dict[str, Any]:
        """Wait until a job has ended, and return its description."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            job = self.describe_job(name)
            if job["TransformJobStatus"] in ENDED:
                return job
            assert time.monotonic() < deadline_s, f"{name} is still {job['TransformJobStatus']}"
            time.sleep(0.05)

    def refused(self, model: str, **members: Any) -> tuple[str, str]:
        """Return the code and message of the error that creating a job is answered with."""
        return self.refusal("create_transform_job", **self.request(model, **members))


def csv_lines(transforms: Transforms, folder: str = "output") -> dict[str, Any]:
    """Return the members of a request for CSV in, CSV out, line by line."""
    return {
        "TransformInput": transforms.source(ContentType="text/csv", SplitType="Line"),
        "TransformOutput": transforms.target(folder, Accept="text/csv", AssembleWith="Line"),
    }
