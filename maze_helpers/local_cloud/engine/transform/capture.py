"""Data capture of a transform job: manifests of the objects that it read and wrote.

Source: SageMaker guide, "Capture data from batch transform job". How a manifest is named below its
hour is a guess.
"""

import json
from collections import defaultdict
from typing import Any

from maze_helpers.local_cloud.engine.hosting.data_capture_record import object_name
from maze_helpers.local_cloud.engine.s3_uri import join_s3_uri
from maze_helpers.local_cloud.engine.transform.inputs import InputObject, output_uri
from maze_helpers.local_cloud.engine.transform.outputs import Outputs

Document = dict[str, Any]


def keep_manifests(
    job: Document, inputs: list[InputObject], outputs: Outputs, now_s: float
) -> None:
    """Keep, with a job's outputs, manifests of them and of the inputs that they are of.

    Nothing is kept where the job has no DataCaptureConfig. now_s: seconds since the epoch.
    Raises: the object store's errors, if they may not be.
    """
    config, output_path = job.get("DataCaptureConfig"), job["TransformOutput"]["S3OutputPath"]
    done = [found for found in inputs if outputs.holds(output_uri(output_path, found))]
    if not config or not done:
        return
    read: defaultdict[str, list[str]] = defaultdict(list)
    for found in done:
        prefix = found.key.removesuffix(found.path)
        read[f"s3://{found.bucket}/{prefix}"].append(found.path)
    for prefix, names in read.items():
        _keep(outputs, config["DestinationS3Uri"], "input", prefix, names, now_s)
    names = [f"{found.path}.out" for found in done]
    prefix = join_s3_uri(output_path, "")
    _keep(outputs, config["DestinationS3Uri"], "output", prefix, names, now_s)


def _keep(
    outputs: Outputs, destination: str, side: str, prefix: str, names: list[str], now_s: float
) -> None:
    """Keep one manifest. side: the folder that it is in."""
    content = outputs.new()
    try:
        content.write(json.dumps([{"prefix": prefix}, *names]).encode() + b"\n")
        outputs.keep(join_s3_uri(destination, side, object_name(now_s)), content)
    except BaseException:
        content.discard()
        raise
