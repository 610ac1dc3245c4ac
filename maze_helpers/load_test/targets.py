"""What a load test calls: an SDK predictor, an endpoint through a boto3 client, or a URL.

The SDK and boto3 try a throttled call again by themselves. Here nothing is tried again, so that
every throttle is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from maze_helpers.load_test.outcomes import CALL_ERRORS, OK, Outcome, of_error, of_status
from maze_helpers.local_cloud.errors import MazeError

if TYPE_CHECKING:
    from sagemaker.predictor import Predictor

# More than the 60 s after which an endpoint gives up, so that its own answer is seen.
READ_TIMEOUT_S = 70.0
CONNECT_TIMEOUT_S = 10.0
DETAIL_BYTES = 500
NO_RETRIES = {"total_max_attempts": 1, "mode": "standard"}

Call = Callable[[], Outcome]


class Target(Protocol):
    """Something to call. name: for people. endpoint_name: None, where it is no endpoint."""

    name: str
    endpoint_name: str | None

    def prepare(self, data: Any, connections: int) -> Call:
        """Return what makes one call; many threads may use it at once.

        data: what is sent, made into bytes here, once. connections: how many are kept open.
        """


class Endpoint:
    """A SageMaker endpoint that a boto3 client calls, with a body as it is.

    client: of sagemaker-runtime, made with `Config(retries={"total_max_attempts": 1},
    max_pool_connections=…)`. arguments: further ones of InvokeEndpoint, such as TargetVariant.
    """

    def __init__(self, client: Any, endpoint_name: str, **arguments: str) -> None:
        self.name = self.endpoint_name = endpoint_name
        self._client = client
        self._arguments = arguments

    def prepare(self, data: bytes | str, connections: int) -> Call:
        """Return what makes one call.

        Raises: MazeError, if the client tries again by itself or keeps fewer connections.
        """
        config = self._client.meta.config
        if (config.retries or {}).get("total_max_attempts") != 1:
            raise MazeError(
                "The client tries throttled calls again, which hides them: make it with "
                'config=Config(retries={"total_max_attempts": 1}).'
            )
        if config.max_pool_connections < connections:
            raise MazeError(
                f"The client keeps {config.max_pool_connections} connections, and {connections} "
                f"calls are made at a time: make it with Config(max_pool_connections="
                f"{connections})."
            )
        return _invocation(self._client, self._arguments | {"EndpointName": self.name}, data)


class PredictorEndpoint:
    """The endpoint of an SDK predictor, called with its serialiser and where its session calls."""

    def __init__(self, predictor: Predictor) -> None:
        self.name = self.endpoint_name = predictor.endpoint_name
        self._predictor = predictor

    def prepare(self, data: Any, connections: int) -> Call:
        """Return what makes one call. data: what `predictor.predict` takes."""
        predictor, session = self._predictor, self._predictor.sagemaker_session
        as_it_calls = session.sagemaker_runtime_client.meta
        client = session.boto_session.client(
            "sagemaker-runtime",
            region_name=as_it_calls.region_name,
            endpoint_url=as_it_calls.endpoint_url,
            config=Config(
                retries=NO_RETRIES,
                max_pool_connections=connections,
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
            ),
        )
        arguments = {
            "EndpointName": self.name,
            "ContentType": predictor.content_type,
            "Accept": ", ".join(_listed(predictor.accept)),
        }
        if predictor.component_name:
            arguments["InferenceComponentName"] = predictor.component_name
        return _invocation(client, arguments, predictor.serializer.serialize(data))


def _listed(accept: str | tuple[str, ...]) -> tuple[str, ...]:
    return (accept,) if isinstance(accept, str) else tuple(accept)


def _bytes(data: Any) -> bytes:
    """Return what is sent of the data: text as UTF-8.

    Raises: MazeError, if it is neither bytes nor text.
    """
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    raise MazeError(
        f"A load test sends bytes or text, not a {type(data).__name__}: encode it first, or call "
        "a predictor whose serializer does."
    )


def _invocation(client: Any, arguments: dict[str, str], data: Any) -> Call:
    body = _bytes(data)

    def invoke() -> Outcome:
        try:
            # The body is read here, as a caller would: an answer is there when all of it is.
            client.invoke_endpoint(**arguments, Body=body)["Body"].read()
        except CALL_ERRORS as error:
            return of_error(error)
        return Outcome(OK, 200)

    return invoke


class Url:
    """A URL that is sent a body by POST, such as a stage of API Gateway."""

    endpoint_name = None

    def __init__(
        self,
        url: str,
        content_type: str = "application/octet-stream",
        timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self.name = url
        self._headers = {"Content-Type": content_type}
        self._timeout_s = timeout_s

    def prepare(self, data: bytes | str, connections: int) -> Call:
        """Return what makes one call, unsigned, through the environment's proxy if it names one."""
        http = URLLib3Session(
            verify=botocore.session.Session().get_config_variable("ca_bundle") or True,
            proxies=get_environ_proxies(self.name),
            timeout=(min(CONNECT_TIMEOUT_S, self._timeout_s), self._timeout_s),
            max_pool_connections=connections,
        )
        # botocore takes a text's characters for its length in bytes.
        body = _bytes(data)

        def post() -> Outcome:
            request = AWSRequest("POST", self.name, headers=self._headers, data=body)
            try:
                response = http.send(request.prepare())
                return of_status(response.status_code, response.content[:DETAIL_BYTES])
            except CALL_ERRORS as error:
                return of_error(error)

        return post


def as_target(target: Predictor | Target | str) -> Target:
    """Return a target: itself, or one made of an SDK predictor or a URL.

    Raises: MazeError, if it is none of these.
    """
    if isinstance(target, str):
        if not target.startswith(("http://", "https://")):
            raise MazeError(f'"{target}" is not a URL; for an endpoint\'s name, use Endpoint.')
        return Url(target)
    if hasattr(target, "sagemaker_session") and hasattr(target, "serializer"):
        return PredictorEndpoint(target)
    if not hasattr(target, "prepare"):
        raise MazeError(
            f"A load test calls a predictor, an Endpoint or a URL, not a {type(target).__name__}."
        )
    return target
