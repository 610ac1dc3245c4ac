"""Finding endpoints: those that are there, and those that are deleted and have left traces.

A deleted one is known by its log group and by its configuration, which the SDK names as the
endpoint, and which stays unless somebody deletes it as well.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError

from maze_helpers.checks.check import Work
from maze_helpers.checks.found import Candidate, in_turn
from maze_helpers.endpoint_bills import LOG_GROUPS
from maze_helpers.gone import is_gone

# The images of the bonus track serve other models, some behind the same beginning of a name.
OTHER_IMAGES = ("pytorch", "huggingface")
OUR_IMAGE = "scikit-learn"


@dataclass(frozen=True)
class Endpoint(Candidate):
    """An endpoint. described: {} of one that is deleted.

    config: what Describe says of its configuration; {} where that is gone as well. created: the
    moment, or that of its log group.
    """

    config: dict[str, Any]
    created: datetime

    @property
    def is_there(self) -> bool:
        """Whether it is not deleted."""
        return bool(self.described)

    @property
    def variants(self) -> list[dict[str, Any]]:
        """The production variants as configured; none, where that is not known."""
        if self.config:
            return self.config["ProductionVariants"]
        # Somebody deleted the configuration of an endpoint that is there.
        return [
            variant | {"ServerlessConfig": variant["CurrentServerlessConfig"]}
            if "CurrentServerlessConfig" in variant
            else variant
            for variant in self.described.get("ProductionVariants", [])
        ]

    @property
    def is_serverless(self) -> bool | None:
        """Whether it has no instances; None, where that is not known."""
        for variant in self.variants:
            if "ServerlessConfig" in variant:
                return True
            if "InstanceType" in variant or variant.get("CurrentInstanceCount"):
                return False
        return None


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
    nobodys = {name: when for name, when in configs.items() if name not in logged}
    for name in in_turn(sorted(created, key=created.__getitem__, reverse=True), prefix):
        endpoint = _look_up(sagemaker, name, created[name], nobodys, name.startswith(prefix))
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


def _look_up(
    sagemaker: Any, name: str, created: datetime, nobodys: dict[str, datetime], as_told: bool
) -> Endpoint:
    """Return what is known of an endpoint. nobodys: configurations that no endpoint is named as."""
    described = _or_nothing(sagemaker.describe_endpoint, EndpointName=name)
    if described.get("EndpointStatus") == "Deleting":
        described = {}
    config_name = described.get("EndpointConfigName", name)
    config = _or_nothing(sagemaker.describe_endpoint_config, EndpointConfigName=config_name)
    earlier = [other for other, when in nobodys.items() if when <= created]
    if not described and not config and earlier:
        # By boto3, both have names of their own: it was made just before its endpoint.
        newest = max(earlier, key=nobodys.__getitem__)
        config = _or_nothing(sagemaker.describe_endpoint_config, EndpointConfigName=newest)
    return Endpoint(name, described, as_told, config, created)


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
