"""The SageMaker SDK, unmodified, has an endpoint's data captured, and stops it."""

import json
import time

import pytest
from deployer import Deployer
from test_deploy_sdk import Notebook, artifact

DEADLINE_S = 60
pytestmark = pytest.mark.slow


def captured(deployer, bucket, prefix):
    """Return the records below a prefix, once there are any."""
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        listed = deployer.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        if listed:
            break
        assert time.monotonic() < deadline_s, f"nothing was captured in {bucket}/{prefix}"
        time.sleep(0.1)
    records = []
    for entry in listed:
        body = deployer.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        records += [json.loads(line) for line in body.splitlines()]
    return records


def test_a_deployed_model_is_captured_until_that_is_disabled(local_cloud, tmp_path):
    deployer = Deployer(local_cloud)
    notebook = Notebook(deployer, tmp_path)
    url = deployer.put("captured.tar.gz", artifact(10))
    report = notebook.run(
        f"""
        from sagemaker.model_monitor import DataCaptureConfig
        capture = DataCaptureConfig(enable_capture=True, sampling_percentage=100,
                                    destination_s3_uri="s3://models/captured",
                                    sagemaker_session=session)
        predictor = model_of({url!r}).deploy(
            **on_one_instance, data_capture_config=capture, serializer=CSVSerializer(),
            deserializer=JSONDeserializer(), endpoint_name="captured-by-sdk")
        def state():
            return client.describe_endpoint(
                EndpointName=predictor.endpoint_name)["DataCaptureConfig"]["CaptureStatus"]
        report(first=predictor.predict(ROWS), started=state())
        predictor.disable_data_capture()
        predictor.predict(ROWS)
        report(disabled=state())
        predictor.enable_data_capture()
        report(enabled=state(), bucket=session.default_bucket())
        # One in five is captured, the SDK's default.
        for _ in range(100):
            predictor.predict(ROWS)
        """
    )
    assert (report["started"], report["disabled"], report["enabled"]) == (
        "Started",
        "Stopped",
        "Started",
    )
    (record,) = captured(deployer, "models", "captured/captured-by-sdk/AllTraffic/")
    sides = record["captureData"]
    assert (sides["endpointInput"]["data"], sides["endpointInput"]["encoding"]) == (
        "1.0,0.0\n2.0,0.0",
        "CSV",
    )
    assert sides["endpointOutput"]["encoding"] == "JSON"
    assert json.loads(sides["endpointOutput"]["data"]) == report["first"]
    prefix = "model-monitor/data-capture/captured-by-sdk/AllTraffic/"
    for record in captured(deployer, report["bucket"], prefix):
        assert record["captureData"]["endpointInput"] == sides["endpointInput"]
