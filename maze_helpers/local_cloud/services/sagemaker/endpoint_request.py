"""CreateEndpoint and UpdateEndpoint: what the local cloud refuses by name, and what AWS's rules do.

Where no source is given, the wordings of AWS's rules are guesses.
"""

from collections.abc import Collection, Iterable
from typing import Any

from maze_helpers.local_cloud.engine.hosting.endpoint_record import DEPLOYED
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.endpoint_config_request import check_weights
from maze_helpers.local_cloud.services.sagemaker.refusals import refuse, unsupported

Document = dict[str, Any]

# New servers come up beside the old ones, all requests go over at once, the old servers end.
_ROUTING = "ALL_AT_ONCE"
_WAITS = ("TerminationWaitInSeconds", "MaximumExecutionTimeoutInSeconds")
_UPDATE_WEIGHTS = "UpdateEndpointWeightsAndCapacities"


def check_deployment_config(operation: str, request: dict[str, Any]) -> None:
    """Check that a deployment as the request wants it is what will be done.

    Raises: ValidationException.
    """
    config = request.get("DeploymentConfig", {})
    refuse(operation, "DeploymentConfig", config, ("AutoRollbackConfiguration",))
    refuse(operation, "DeploymentConfig", config, ("RollingUpdatePolicy",))
    policy = config.get("BlueGreenUpdatePolicy")
    if not policy:
        return
    path = "DeploymentConfig.BlueGreenUpdatePolicy"
    refuse(operation, path, policy, _WAITS)
    path = f"{path}.TrafficRoutingConfiguration"
    routing = policy["TrafficRoutingConfiguration"]
    if routing["Type"] != _ROUTING:
        raise unsupported(operation, f"{path}.Type", routing["Type"])
    refuse(operation, path, routing, ("WaitIntervalInSeconds",))


def check_update(document: Document, deployment: Document, scaled: Collection[str]) -> None:
    """Check that an endpoint can become another deployment.

    scaled: the names of its variants that are scalable targets. Raises: ValidationException.
    """
    earlier, later = (
        _is_serverless(d["ProductionVariants"]) for d in (document[DEPLOYED], deployment)
    )
    if later and not earlier:
        # Source: SageMaker guide, "Update a serverless endpoint".
        raise ValidationException(
            "An endpoint with instances cannot be updated to a serverless one. Create another "
            "endpoint."
        )
    earlier_types, later_types = (
        {variant["VariantName"]: variant.get("InstanceType") for variant in d["ProductionVariants"]}
        for d in (document[DEPLOYED], deployment)
    )
    held = [
        name
        for name in earlier_types
        if name in scaled and later_types.get(name) != earlier_types[name]
    ]
    if held:
        # Source of the rule: SageMaker guide, "Update endpoints that use auto scaling". The wording
        # is from memory, a guess.
        raise ValidationException(
            f'The variant(s) "[{", ".join(held)}]" must be deregistered as scalable targets with '
            "AWS Auto Scaling before they can be removed or have their instance type updated."
        )


def _is_serverless(variants: Iterable[Document]) -> bool:
    return any("ServerlessConfig" in variant for variant in variants)


def check_weights_and_capacities(document: Document, desired: list[dict[str, Any]]) -> None:
    """Check that an endpoint's variants can have what DesiredWeightsAndCapacities asks for.

    Raises: ValidationException.
    """
    variants = {variant["VariantName"]: variant for variant in document["ProductionVariants"]}
    names = [change["VariantName"] for change in desired]
    absent = [name for name in names if name not in variants]
    if absent:
        # Source: moto, which has it from AWS.
        raise ValidationException(
            f'The variant name(s) "{", ".join(absent)}" is/are not present within endpoint '
            f'configuration "{document["EndpointConfigName"]}".'
        )
    for change in desired:
        name = change["VariantName"]
        if names.count(name) > 1:
            raise ValidationException(f"Variant names must be unique; '{name}' is there twice.")
        refuse(_UPDATE_WEIGHTS, "DesiredWeightsAndCapacities", change, ("ServerlessUpdateConfig",))
        if "DesiredInstanceCount" in change:
            _check_instance_count(change, variants[name])
    weights = {name: variant["DesiredWeight"] for name, variant in variants.items()}
    weights |= {c["VariantName"]: c["DesiredWeight"] for c in desired if "DesiredWeight" in c}
    check_weights(list(weights.values()))


def _check_instance_count(change: dict[str, Any], variant: Document) -> None:
    if "DesiredInstanceCount" not in variant:
        raise ValidationException(
            f"Production variant {variant['VariantName']} is serverless, so that it cannot have "
            "DesiredInstanceCount."
        )
    if change["DesiredInstanceCount"] < 1:
        raise unsupported(_UPDATE_WEIGHTS, "DesiredWeightsAndCapacities.DesiredInstanceCount", 0)
