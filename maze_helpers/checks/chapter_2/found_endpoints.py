"""Finding endpoints: those that are there, and those that are deleted and have left traces.

A deleted one is known by its log group and by its configuration, which the SDK names as the
endpoint, and which stays unless somebody deletes it as well.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError

from maze_helpers.checks.chapter_2.endpoint import Endpoint
from maze_helpers.checks.chapter_2.endpoint_traces import Traces
from maze_helpers.checks.check import Work
from maze_helpers.checks.found import in_turn
from maze_helpers.endpoint_bills import LOG_GROUPS
from maze_helpers.gone import is_gone

# The images of the bonus track serve other models, some behind the same beginning of a name.
OTHER_IMAGES = ("pytorch", "huggingface")
OUR_IMAGE = "scikit-learn"


def endpoints(work: Work, prefix: str) -> Iterator[Endpoint]:
    """Yield the endpoints of scikit-learn's image since the work began, in the order to look."""
    sagemaker = work.session.client("sagemaker")
    there = _created(sagemaker, work, "list_endpoints", "Endpoints", "EndpointName")
    configs = _created(
        sagemaker, work, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"
    )
    logged = _logged(work.session.client("logs"))
    gone = {
        name: max(created, configs.get(name, created))
        for name, created in logged.items()
        if name not in there and (created >= work.since or name in configs)
    }
    created = gone | there
    used = _configs_of(sagemaker, there)
    nobodys = {
        name: when for name, when in configs.items() if name not in logged and name not in used
    }
    for name in in_turn(sorted(created, key=created.__getitem__, reverse=True), prefix):
        endpoint = _look_up(sagemaker, name, created[name], name.startswith(prefix))
        if not endpoint.is_there and not endpoint.config:
            endpoint = _with_likely_config(sagemaker, work, endpoint, nobodys)
        if _serves_digits(endpoint, _image(sagemaker, endpoint)):
            yield endpoint


def there_first(found: Iterable[Endpoint]) -> list[Endpoint]:
    """Return the endpoints that are there, then the deleted ones: people ask about the former."""
    return sorted(found, key=lambda endpoint: not endpoint.is_there)


def _created(
    sagemaker: Any, work: Work, operation: str, summaries: str, member: str
) -> dict[str, datetime]:
    """Return when each of what a List operation knows was created, if since the work began."""
    pages = sagemaker.get_paginator(operation).paginate(CreationTimeAfter=work.since)
    return {each[member]: each["CreationTime"] for page in pages for each in page[summaries]}


def _logged(logs: Any) -> dict[str, datetime]:
    """Return when each endpoint's log group was made, by the endpoint's name."""
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=LOG_GROUPS)
    return {
        group["logGroupName"].removeprefix(LOG_GROUPS): datetime.fromtimestamp(
            group["creationTime"] / 1000, tz=timezone.utc
        )
        for page in pages
        for group in page["logGroups"]
    }


def _configs_of(sagemaker: Any, there: Iterable[str]) -> set[str]:
    """Return the names of the configurations that endpoints have now."""
    described = [_or_nothing(sagemaker.describe_endpoint, EndpointName=name) for name in there]
    return {each["EndpointConfigName"] for each in described if each}


def _look_up(sagemaker: Any, name: str, created: datetime, as_told: bool) -> Endpoint:
    """Return what is known of an endpoint."""
    described = _or_nothing(sagemaker.describe_endpoint, EndpointName=name)
    if described.get("EndpointStatus") == "Deleting":
        described = {}
    config_name = described.get("EndpointConfigName", name)
    config = _or_nothing(sagemaker.describe_endpoint_config, EndpointConfigName=config_name)
    return Endpoint(name, described, as_told, config, created)


def _with_likely_config(
    sagemaker: Any, work: Work, endpoint: Endpoint, nobodys: dict[str, datetime]
) -> Endpoint:
    """Return a deleted endpoint with the one configuration that can have been its own, if any.

    By boto3, both have names of their own. It is older than its endpoint, and as the calls of the
    endpoint were. nobodys: when each was created that no endpoint has, or is named as.
    """
    had_instances = Traces(work, endpoint).had_instances()
    likely = []
    for name, when in nobodys.items():
        if when > endpoint.created:
            continue
        config = _or_nothing(sagemaker.describe_endpoint_config, EndpointConfigName=name)
        with_config = replace(endpoint, config=config)
        if config and had_instances in (None, not with_config.is_serverless):
            likely.append(with_config)
    return likely[0] if len(likely) == 1 else endpoint


def _image(sagemaker: Any, endpoint: Endpoint) -> str:
    """Return the image behind an endpoint; "", where its configuration or model is gone."""
    names = [variant["ModelName"] for variant in endpoint.variants if "ModelName" in variant]
    for name in names:
        model = _or_nothing(sagemaker.describe_model, ModelName=name)
        containers = [model.get("PrimaryContainer", {}), *model.get("Containers", [])]
        for container in containers:
            if container.get("Image"):
                return container["Image"]
    return ""


def _serves_digits(endpoint: Endpoint, image: str) -> bool:
    if image:
        others = any(other in image for other in OTHER_IMAGES)
        return not others if endpoint.as_told else OUR_IMAGE in image
    # The SDK names an endpoint after its image, unless it is told a name.
    return endpoint.as_told or endpoint.is_there or OUR_IMAGE in endpoint.name


def _or_nothing(describe: Any, **which: str) -> dict[str, Any]:
    try:
        return describe(**which)
    except ClientError as error:
        if not is_gone(error):
            raise
        return {}
