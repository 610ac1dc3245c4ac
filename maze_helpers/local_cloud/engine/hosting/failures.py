"""What goes wrong before a model answers.

DeploymentFailed           a variant cannot be brought up; the text is AWS's FailureReason
    ModelDataFailed        its model data cannot be had
ServerFailed               a model server did not become ready; the text is the cause, if known
    ServerExited           its container ended before it was ready
    OutOfMemory            its container was killed before it was ready, for its memory
"""


class DeploymentFailed(Exception):
    """A variant cannot be brought up; the text is AWS's FailureReason."""


class ModelDataFailed(DeploymentFailed):
    """The model data cannot be had."""


class ServerFailed(Exception):
    """A model server did not become ready; the text is one sentence with the cause."""


class ServerExited(ServerFailed):
    """The server's container ended before it was ready."""


class OutOfMemory(ServerFailed):
    """The server's container was killed before it was ready, because it used too much memory."""


def role_failure(role_arn: str) -> DeploymentFailed:
    """Return why a model cannot be deployed whose role SageMaker cannot assume.

    Source: FailureReason as public reports quote it, bentoml/BentoML issue 892 in part.
    """
    return DeploymentFailed(
        f'The execution role ARN "{role_arn}" is invalid. Please ensure that the role exists and '
        'that its trust relationship policy allows the action "sts:AssumeRole" for the service '
        'principal "sagemaker.amazonaws.com".'
    )


def ping_failure(variant: str, failure: ServerFailed) -> DeploymentFailed:
    """Return why a variant has no server, in AWS's words, and then the cause.

    Source: FailureReason as public reports quote it. The cause is what AWS leaves to the log.
    """
    return DeploymentFailed(
        f"The primary container for production variant {variant} did not pass the ping health "
        f"check. Please check CloudWatch logs for this endpoint. {failure}"
    )
