"""InvokeEndpoint's errors: AWS's codes, statuses and words."""

import json
import re
import time

import psutil
import pytest
from botocore.exceptions import ClientError
from deployer import Deployer, variant
from echo_endpoint import EchoEndpoint, echo_endpoint, echo_model
from model_servers import gunicorns_of
from signed_requests import send

from maze_helpers.local_cloud.engine.hosting.calls import ConnectionLost, Reply, TimedOut
from maze_helpers.local_cloud.services.sagemaker_runtime.model_error import ModelErrors

MIB = 1024**2
ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def echo(local_cloud):
    with echo_endpoint(local_cloud) as endpoint:
        yield endpoint


def see(endpoint: str) -> str:
    return (
        "See https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
        f"#logEventViewer:group=/aws/sagemaker/Endpoints/{endpoint} in account {ACCOUNT} "
        "for more information."
    )


def code_and_message(response: dict) -> tuple[str, str]:
    return response["Error"]["Code"], response["Error"]["Message"]


@pytest.mark.parametrize(
    ("status", "kind"), [("400 Bad", "client"), ("404 No", "client"), ("500 Oops", "server")]
)
def test_a_models_error_is_told_with_its_status_body_and_log(echo, status, kind):
    error = echo.error(b'{"why": "because"}', f"status {status}")
    code = int(status[:3])
    assert code_and_message(error) == (
        "ModelError",
        f'Received {kind} error ({code}) from primary with message "{{"why": "because"}}". '
        + see(echo.name),
    )
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert error["OriginalStatusCode"] == code
    assert error["OriginalMessage"] == '{"why": "because"}'
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/{echo.name}"
    assert re.fullmatch(group + r":log-stream:AllTraffic/i-[0-9a-f]{17}", error["LogStreamArn"])


def test_a_models_long_error_is_left_to_the_log(echo):
    error = echo.error(b"x" * 3000, "status 500 Oops")
    assert error["Error"]["Message"] == (
        "Received server error (500) from primary and could not load the entire response body. "
        + see(echo.name)
    )
    assert error["OriginalMessage"] == ""


def test_bytes_in_an_error_that_are_no_text_are_replaced(echo):
    assert echo.error(b"\xff\xfe", "status 500 x")["OriginalMessage"] == "\ufffd\ufffd"


def test_a_worker_that_dies_is_a_models_error_and_another_takes_its_place(echo):
    error = echo.error(b"", "die")
    assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 502)
    assert "ended while it had the request" in error["OriginalMessage"]
    assert echo.invoke(b"next")["Body"] == b"next"


def test_an_answer_that_times_out_has_status_0():
    error = ModelErrors(ACCOUNT, "us-east-1").of_failure("e", TimedOut("", "v/i"))
    text = (
        "Your invocation timed out while waiting for a response from container primary. Review "
        "the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try "
        "again."
    )
    assert error.message == (
        f'Received server error (0) from primary with message "{text}". {see("e")}'
    )
    assert error.fields["OriginalStatusCode"] == 0
    assert error.fields["OriginalMessage"] == text


@pytest.mark.parametrize(
    "error",
    [
        ModelErrors(ACCOUNT, "us-east-1").of_failure("e" * 63, ConnectionLost("")),
        ModelErrors(ACCOUNT, "us-east-1").of_reply("e" * 63, "v/i", Reply(500, {}, b"x" * 1900, 0)),
        ModelErrors(ACCOUNT, "us-east-1").of_oversize("e" * 63, "v/i", 1),
    ],
)
def test_no_message_is_longer_than_its_model_allows(error):
    assert len(error.message) <= 2048


@pytest.mark.slow
def test_a_model_that_takes_longer_than_a_minute_times_out(local_cloud):
    deployer = Deployer(local_cloud)
    model = echo_model(deployer, SAGEMAKER_MODEL_SERVER_TIMEOUT="90")
    name = deployer.endpoint(deployer.config(variant(model)))
    deployer.settle(name)
    runtime = local_cloud.client("sagemaker-runtime", read_timeout=90)
    began_s = time.monotonic()
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(EndpointName=name, Body=b"", CustomAttributes="sleep 70")
    assert caught.value.response["OriginalStatusCode"] == 0
    assert 59 < time.monotonic() - began_s < 69
    deployer.delete(name)


def test_an_endpoint_that_is_not_there_is_not_found(echo):
    nowhere = EchoEndpoint(echo.deployer, "nowhere")
    error = nowhere.error()
    assert code_and_message(error) == (
        "ValidationError",
        f"Endpoint nowhere of account {ACCOUNT} not found.",
    )
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_endpoint_that_is_being_created_is_not_found(echo):
    deployer = echo.deployer
    name = deployer.endpoint(deployer.config(variant(echo_model(deployer))))
    answered = False
    try:
        answered = EchoEndpoint(deployer, name).invoke() is not None
    except ClientError as error:
        assert error.response["Error"]["Message"].endswith("not found.")
    # One that was ready by then may have answered.
    assert not (answered and deployer.describe(name)["EndpointStatus"] == "Creating")
    deployer.settle(name)
    deployer.delete(name)
    assert EchoEndpoint(deployer, name).error()["Error"]["Message"].endswith("not found.")


def test_a_variant_that_is_not_there_is_named(echo):
    assert code_and_message(echo.error(TargetVariant="other")) == (
        "ValidationError",
        f"Variant other not found for endpoint {echo.name}.",
    )


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [
        ("TargetModel", "m.tar.gz", "is not a multi-model endpoint and does not support"),
        ("TargetContainerHostname", "host", "is not a multi-container endpoint and does not"),
        ("InferenceComponentName", "component", "InferenceComponentName"),
        ("EnableExplanations", "`true`", "EnableExplanations"),
        ("SessionId", "NEW_SESSION", "SessionId"),
    ],
)
def test_what_is_left_out_is_refused_by_name(echo, member, value, words):
    code, message = code_and_message(echo.error(**{member: value}))
    assert code == "ValidationError"
    assert words in message


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"ContentType": "a" * 1025},
            f"1 validation error detected: Value '{'a' * 1025}' at 'contentType' failed to satisfy "
            "constraint: Member must have length less than or equal to 1024",
        ),
        (
            {"TargetVariant": "-", "InferenceId": "x" * 65},
            "2 validation errors detected: Value '-' at 'targetVariant' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: "
            "^[a-zA-Z0-9](-*[a-zA-Z0-9])*; Value "
            f"'{'x' * 65}' at 'inferenceId' failed to satisfy constraint: Member must have length "
            "less than or equal to 64",
        ),
        (
            {"CustomAttributes": "a" * 1025},
            "1 validation error detected: Value at 'customAttributes' failed to satisfy "
            "constraint: Member must have length less than or equal to 1024",
        ),
    ],
)
def test_a_request_that_breaks_the_model_is_told_how(echo, members, message):
    assert code_and_message(echo.error(**members)) == ("ValidationError", message)


def test_attributes_that_are_not_ascii_break_the_model(echo, signer):
    path = f"/endpoints/{echo.name}/invocations"
    request = signer.request("POST", path, b"", service="sagemaker")
    answer = send(request, X_Amzn_SageMaker_Custom_Attributes="sch\xf6n")
    assert answer.status == 400
    assert "customAttributes" in answer.body.decode()


def test_a_body_over_25_mb_is_too_long(echo):
    error = echo.error(bytes(25 * MIB + 1))
    assert code_and_message(error) == ("413", "HTTP content length exceeded 26214400 bytes.")
    assert echo.invoke(b"next")["Body"] == b"next"


def test_an_answer_over_25_mb_is_a_models_error(echo):
    error = echo.error(bytes(MIB), "repeat 26")
    assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 0)


def test_a_stream_of_answers_is_refused_by_name(echo):
    with pytest.raises(ClientError, match="InvokeEndpointWithResponseStream") as caught:
        echo.runtime.invoke_endpoint_with_response_stream(EndpointName=echo.name, Body=b"")
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


def test_who_does_not_sign_is_refused_in_json(echo, signer):
    path = f"/endpoints/{echo.name}/invocations"
    for content_type in ("text/csv", "application/x-www-form-urlencoded"):
        request = signer.request("POST", path, b"1", {"Content-Type": content_type})
        answer = send(request, Authorization=None, X_Amz_Date=None)
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
        assert json.loads(answer.body)["message"] == "Missing Authentication Token"


def test_another_body_than_the_signed_one_is_refused(echo, signer):
    path = f"/endpoints/{echo.name}/invocations"
    request = signer.request("POST", path, b"1,2", service="sagemaker")
    answer = send(request, body=b"1,3")
    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"


@pytest.mark.parametrize("service", ["sagemaker-runtime", "runtime.sagemaker"])
def test_who_signs_for_the_runtime_by_its_own_name_is_told_the_right_one(echo, signer, service):
    path = f"/endpoints/{echo.name}/invocations"
    answer = send(signer.request("POST", path, b"1", service=service))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "InvalidSignatureException")
    text = "Credential should be scoped to correct service: 'sagemaker'."
    assert json.loads(answer.body)["message"] == text


def test_an_endpoint_whose_servers_cannot_be_replaced_is_unavailable(new_cloud):
    with echo_endpoint(new_cloud) as echo:
        new_cloud.client("s3").delete_object(Bucket="models", Key="echo/sourcedir.tar.gz")
        first, workers = gunicorns_of(psutil.Process(new_cloud.info.pid).children(recursive=True))
        for server in first:
            server.kill()
        # Until its supervisor has seen it, a worker goes on answering.
        psutil.wait_procs(workers)
        error = echo.error(b"")
        assert error["Error"]["Code"] in ("ServiceUnavailable", "ModelError")
        error = echo.error(b"")
        assert error["Error"]["Code"] == "ServiceUnavailable"
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 503
