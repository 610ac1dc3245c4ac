"""What the handlers of sagemaker-inference raise. Callers see the texts, so they are AWS's."""

from __future__ import annotations

# What they are called in a traceback, which callers see.
_MODULE = "sagemaker_inference.errors"
# Its indentation is in the text there, too.
_UNSUPPORTED = (
    "Content type {} is not supported by this framework.\n\n"
    "            Please implement input_fn to to deserialize the request data or an output_fn to\n"
    "            serialize the response. For more information, see the SageMaker Python SDK README."
)
BAD_REQUEST, INTERNAL_ERROR, UNAVAILABLE = 400, 500, 503


class UnsupportedFormatError(Exception):
    """There is no codec for a content type."""

    def __init__(self, content_type: object) -> None:
        super().__init__(_UNSUPPORTED.format(content_type))


class BaseInferenceToolkitError(Exception):
    """An error that chooses how the request is answered.

    status_code: of the answer. message: its first line. phrase: of the status line.
    """

    def __init__(self, status_code: int, message: str, phrase: str) -> None:
        self.status_code = status_code
        self.message = message
        self.phrase = phrase
        super().__init__(status_code, message, phrase)


class GenericInferenceToolkitError(BaseInferenceToolkitError):
    """The same, with words for what is not said."""

    def __init__(
        self, status_code: int, message: str | None = None, phrase: str | None = None
    ) -> None:
        message = message or "Invalid Request"
        super().__init__(status_code, message, phrase or message)


for _error in (UnsupportedFormatError, BaseInferenceToolkitError, GenericInferenceToolkitError):
    _error.__module__ = _MODULE


class PredictionException(Exception):
    """An answer of the model server's own: a status, and a message in a JSON document."""

    def __init__(self, message: str, error_code: int = INTERNAL_ERROR) -> None:
        self.message = message
        self.error_code = error_code
        super().__init__(message)

    def __str__(self) -> str:
        """Return the message with its status behind it, as the Multi Model Server does."""
        return f"{self.message} : {self.error_code}"
