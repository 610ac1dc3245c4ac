"""How an instance of a transform job works: by the request, the container and the defaults."""

import json
from dataclasses import dataclass
from typing import Any

from maze_helpers.local_cloud.engine.transform.data_processing import Processing, processing_of
from maze_helpers.local_cloud.engine.transform.splitting import MEGABYTE

Document = dict[str, Any]

SINGLE_RECORD, MULTI_RECORD = "SINGLE_RECORD", "MULTI_RECORD"
# Source: SageMaker guide, "Use Your Own Inference Code with Batch Transform", and the API
# reference, ModelClientConfig.
_STRATEGIES = {"SingleRecord": SINGLE_RECORD, "MultiRecord": MULTI_RECORD}
DEFAULT_CONCURRENT, DEFAULT_PAYLOAD_MB = 1, 6
DEFAULT_TIMEOUT_S, DEFAULT_RETRIES = 600, 3
# Source: CreateTransformJob, MaxPayloadInMB: it and its product with MaxConcurrentTransforms.
MOST_CONCURRENT_MB = 100
# Source: access logs of containers that public reports quote.
USER_AGENT = "Go-http-client/1.1"


class BadExecutionParameters(Exception):
    """A container's answer to GET /execution-parameters is none; the text says why."""


@dataclass(frozen=True)
class Settings:
    """What an instance works with.

    max_concurrent: requests at a time. max_payload_mb: of a request; 0 for any, sent in chunks.
    strategy: SINGLE_RECORD or MULTI_RECORD, as the container and the log have it. splits,
    assembles: by lines. timeout_s, retries: of each request.
    """

    max_concurrent: int
    max_payload_mb: int
    strategy: str
    timeout_s: float
    retries: int
    headers: dict[str, str]
    splits: bool
    assembles: bool
    is_gzip: bool
    processing: Processing

    @property
    def max_payload_bytes(self) -> int | None:
        """The most that goes into a request, None for any size."""
        return self.max_payload_mb * MEGABYTE or None


def settings_of(job: Document, of_container: Document) -> Settings:
    """Return how a job works.

    of_container: what its container asks for, as `execution_parameters` returns it. The job's own
    settings win over those.
    """
    asked, given = _asked(job), of_container
    max_payload_mb = _first(asked, given, "MaxPayloadInMB", DEFAULT_PAYLOAD_MB)
    source, target = job["TransformInput"], job["TransformOutput"]
    client = job.get("ModelClientConfig", {})
    content_type, accept = source.get("ContentType"), target.get("Accept")
    data = job.get("DataProcessing", {})
    return Settings(
        max_concurrent=_max_concurrent(asked, given, max_payload_mb),
        max_payload_mb=max_payload_mb,
        strategy=_first(asked, given, "BatchStrategy", MULTI_RECORD),
        timeout_s=client.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_S),
        retries=client.get("InvocationsMaxRetries", DEFAULT_RETRIES),
        headers={
            name: value
            for name, value in (
                ("User-Agent", USER_AGENT),
                ("Content-Type", content_type),
                ("Accept", accept),
            )
            if value
        },
        splits=source.get("SplitType", "None") == "Line",
        assembles=target.get("AssembleWith", "None") == "Line",
        is_gzip=source.get("CompressionType", "None") == "Gzip",
        processing=processing_of(
            content_type or "",
            data.get("InputFilter") or "$",
            data.get("JoinSource", "None") == "Input",
            data.get("OutputFilter") or "$",
        ),
    )


def batch_variables(job: Document) -> dict[str, str]:
    """Return the environment variables that tell a container how it is used.

    Source: SageMaker guide, "Use Your Own Inference Code with Batch Transform".
    """
    names = {
        "MaxPayloadInMB": "SAGEMAKER_MAX_PAYLOAD_IN_MB",
        "BatchStrategy": "SAGEMAKER_BATCH_STRATEGY",
        "MaxConcurrentTransforms": "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
    }
    asked = _asked(job)
    return {
        "SAGEMAKER_BATCH": "true",
        **{names[member]: str(value) for member, value in asked.items()},
    }


def execution_parameters(status: int, body: bytes) -> Document:
    """Return what a container answered to GET /execution-parameters, {} where it has none.

    Raises: BadExecutionParameters.
    """
    if status != 200:
        return {}
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad("it is not JSON") from error
    if not isinstance(answer, dict):
        raise _bad("it is not a JSON object")
    for name in ("MaxConcurrentTransforms", "MaxPayloadInMB"):
        value = answer.get(name, 0)
        if type(value) is not int or not 0 <= value <= MOST_CONCURRENT_MB:
            raise _bad(f"its {name} is not a whole number from 0 to {MOST_CONCURRENT_MB}")
    if answer.get("BatchStrategy", MULTI_RECORD) not in _STRATEGIES.values():
        raise _bad("its BatchStrategy is neither SINGLE_RECORD nor MULTI_RECORD")
    return answer


def _bad(why: str) -> BadExecutionParameters:
    return BadExecutionParameters(f"The answer to GET /execution-parameters is none: {why}.")


def _asked(job: Document) -> Document:
    """Return those of the three settings that the request has, spelled as the container's."""
    asked = {
        name: job[name] for name in ("MaxConcurrentTransforms", "MaxPayloadInMB") if name in job
    }
    if "BatchStrategy" in job:
        asked["BatchStrategy"] = _STRATEGIES[job["BatchStrategy"]]
    return asked


def _max_concurrent(asked: Document, given: Document, max_payload_mb: int) -> int:
    if asked.get("MaxConcurrentTransforms"):
        return asked["MaxConcurrentTransforms"]
    # What a container asks for may not go with the request's payload. That it gives way is a guess.
    most = MOST_CONCURRENT_MB // max(1, max_payload_mb)
    return min(given.get("MaxConcurrentTransforms") or DEFAULT_CONCURRENT, most)


def _first(asked: Document, given: Document, name: str, default: Any) -> Any:
    return asked.get(name, given.get(name, default))
