"""The errors an API client can see: one class a wire code, rendered by `protocol` alone.

`MazeError` is for people instead, on a terminal or in a notebook. S3's own codes are in
`services/s3/errors.py`; everything else is here.
"""


class MazeError(Exception):
    """Trouble that a person can put right: its text is one sentence with the fix."""

    def _render_traceback_(self) -> list[str]:
        """Have Jupyter show the sentence alone: where it was raised does not help."""
        return [f"{type(self).__name__}: {self}"]


class AWSError(Exception):
    """An error with AWS's code, HTTP status and wording.

    fields: further members of the error's shape, such as ModelError's OriginalStatusCode.
    """

    code = "InternalFailure"
    status = 500

    def __init__(self, message: str | None = "", **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class InternalFailure(AWSError):
    """A fault of ours. The traceback is in the server's log, never in the answer."""


class UnknownOperation(AWSError):
    """The operation is not implemented, or not one of the service's."""

    code = "UnknownOperationException"
    status = 404


class ValidationException(AWSError):
    """The request breaks a constraint, or names something that is not there (SageMaker)."""

    code = "ValidationException"
    status = 400


class SerializationException(AWSError):
    """The request's body is not what the protocol prescribes."""

    code = "SerializationException"
    status = 400


class AccessDenied(AWSError):
    """The caller may not do this (STS, IAM and other services with forms)."""

    code = "AccessDenied"
    status = 403


class AccessDeniedException(AWSError):
    """The caller may not do this (services with JSON)."""

    code = "AccessDeniedException"
    status = 400


class MalformedPolicyDocument(AWSError):
    """A policy is not JSON, or not a policy (IAM)."""

    code = "MalformedPolicyDocument"
    status = 400


class ResourceInUse(AWSError):
    """SageMaker's code for a name that is taken."""

    code = "ResourceInUse"
    status = 400


class ResourceLimitExceeded(AWSError):
    """A SageMaker quota would be exceeded."""

    code = "ResourceLimitExceeded"
    status = 400


class ValidationError(AWSError):
    """The request breaks a constraint (IAM, STS, the SageMaker runtime, some of CloudWatch)."""

    code = "ValidationError"
    status = 400


class ModelError(AWSError):
    """A model did not answer, or answered with an error (the SageMaker runtime)."""

    code = "ModelError"
    status = 424


class ThrottlingException(AWSError):
    """As many requests run as may (the SageMaker runtime)."""

    code = "ThrottlingException"
    status = 400


class ServiceUnavailable(AWSError):
    """No server is ready for a request: it may be sent again (the SageMaker runtime)."""

    code = "ServiceUnavailable"
    status = 503


class InvalidParameterException(AWSError):
    """The request breaks a constraint or a rule (CloudWatch Logs)."""

    code = "InvalidParameterException"
    status = 400


class ResourceNotFoundException(AWSError):
    """The log group or stream is not there."""

    code = "ResourceNotFoundException"
    status = 400


class ResourceAlreadyExistsException(AWSError):
    """The log group or stream, or a request for more of a quota, is there already."""

    code = "ResourceAlreadyExistsException"
    status = 400


class NoSuchResourceException(AWSError):
    """There is no such service, quota or request (Service Quotas)."""

    code = "NoSuchResourceException"
    status = 400


class IllegalArgumentException(AWSError):
    """A quota cannot be what it is asked to be (Service Quotas)."""

    code = "IllegalArgumentException"
    status = 400


class InvalidPaginationTokenException(AWSError):
    """A token that was never given out (Service Quotas)."""

    code = "InvalidPaginationTokenException"
    status = 400


class TooManyTagsException(AWSError):
    """A log group cannot carry so many tags."""

    code = "TooManyTagsException"
    status = 400


class MissingParameter(AWSError):
    """CloudWatch's code for a parameter that is absent or empty."""

    code = "MissingParameter"
    status = 400


class InvalidParameterValue(AWSError):
    """CloudWatch's code for a parameter that is out of bounds."""

    code = "InvalidParameterValue"
    status = 400


class InvalidParameterCombination(AWSError):
    """CloudWatch's code for parameters that do not go together."""

    code = "InvalidParameterCombination"
    status = 400


class InvalidNextToken(AWSError):
    """CloudWatch's code for a token that it never gave."""

    code = "InvalidNextToken"
    status = 400


class ObjectNotFoundException(AWSError):
    """A scalable target or a policy is not there (Application Auto Scaling)."""

    code = "ObjectNotFoundException"
    status = 400


class InvalidNextTokenException(AWSError):
    """Application Auto Scaling's code for a token that it never gave."""

    code = "InvalidNextTokenException"
    status = 400
