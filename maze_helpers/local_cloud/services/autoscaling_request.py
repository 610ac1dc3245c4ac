"""What Application Auto Scaling refuses: by name what is not here, and by AWS's own rules.

Where no source is given, the wordings of AWS's rules are guesses.
"""

from __future__ import annotations

import re
from typing import Any

from maze_helpers.local_cloud.engine.hosting.scaling_store import Document
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.refusals import missing, refuse, unsupported

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TARGET_TRACKING = "TargetTrackingScaling"
PREDEFINED = "SageMakerVariantInvocationsPerInstance"
_RESOURCE = re.compile(r"endpoint/[^/]+/variant/[^/]+")
# Source: moto, which has it from AWS.
_MISMATCH = "Unsupported service namespace, resource type or scalable dimension"
# Source: github.com/aws/aws-cdk/pull/22886, which cites the SageMaker guide.
_BURSTABLE = re.compile(r"ml\.t\d")
_TRACKING = "TargetTrackingScalingPolicyConfiguration"
# Source: TargetTrackingScalingPolicyConfiguration, TargetValue.
_LEAST_TARGET, _LARGEST_TARGET = 8.515920e-109, 1.174271e108
_CUSTOM = ("MetricName", "Namespace", "Statistic")


def check_resource(operation: str, request: dict[str, Any]) -> None:
    """Check that a request is about the instance count of an endpoint's variant.

    Raises: ValidationException.
    """
    namespace, dimension = request["ServiceNamespace"], request["ScalableDimension"]
    if namespace != NAMESPACE:
        raise unsupported(operation, "ServiceNamespace", namespace)
    if not dimension.startswith(f"{NAMESPACE}:"):
        raise ValidationException(_MISMATCH)
    if dimension != DIMENSION:
        raise unsupported(operation, "ScalableDimension", dimension)
    if not _RESOURCE.fullmatch(request["ResourceId"]):
        raise ValidationException(_MISMATCH)


def check_registration(request: dict[str, Any], endpoint: Document, variant: str) -> None:
    """Check that a variant can be a scalable target.

    endpoint: the document of the endpoint that the request names. Raises: ValidationException.
    """
    resource = request["ResourceId"]
    refuse("RegisterScalableTarget", "", request, ("Tags",))
    deployed = endpoint.get("_Deployed", {}).get("ProductionVariants", [])
    found = next((item for item in deployed if item["VariantName"] == variant), None)
    if found is None:
        raise ValidationException(f"SageMaker endpoint variant doesn't exist: {resource}")
    if "InstanceType" not in found:
        raise ValidationException(
            f"{resource} is a serverless variant, so that it has no instance count to scale."
        )
    if _BURSTABLE.match(found["InstanceType"]):
        raise ValidationException(
            f"Automatic scaling does not support burstable instances such as "
            f"{found['InstanceType']}, which {resource} has."
        )


def check_bounds(target: Document) -> None:
    """Check the bounds of a target as it shall be. Raises: ValidationException."""
    for member in ("MinCapacity", "MaxCapacity"):
        if member not in target:
            # Source: RegisterScalableTarget, which demands both of a new target.
            raise missing(member[0].lower() + member[1:])
    least, most = target["MinCapacity"], target["MaxCapacity"]
    if least < 1:
        raise unsupported("RegisterScalableTarget", "MinCapacity", least)
    if most < least:
        # Source: public reports.
        raise ValidationException("Maximum capacity cannot be less than minimum capacity")


def check_policy(request: dict[str, Any], policy: Document) -> None:
    """Check a policy as it shall be. Raises: ValidationException."""
    operation = "PutScalingPolicy"
    refuse(operation, "", request, ("PredictiveScalingPolicyConfiguration",))
    refuse(operation, "", request, ("StepScalingPolicyConfiguration",))
    if policy["PolicyType"] != TARGET_TRACKING:
        raise unsupported(operation, "PolicyType", policy["PolicyType"])
    if _TRACKING not in policy:
        raise missing(_TRACKING[0].lower() + _TRACKING[1:])
    configuration = policy[_TRACKING]
    if not _LEAST_TARGET <= configuration["TargetValue"] <= _LARGEST_TARGET:
        raise ValidationException(
            f"TargetValue must be between {_LEAST_TARGET} and {_LARGEST_TARGET}."
        )
    for member in ("ScaleOutCooldown", "ScaleInCooldown"):
        if configuration.get(member, 0) < 0:
            raise ValidationException(f"{member} must not be negative.")
    _check_metric(operation, configuration)


def _check_metric(operation: str, configuration: dict[str, Any]) -> None:
    predefined = configuration.get("PredefinedMetricSpecification")
    custom = configuration.get("CustomizedMetricSpecification")
    if bool(predefined) == bool(custom):
        raise ValidationException(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must "
            "be specified."
        )
    if predefined:
        path = f"{_TRACKING}.PredefinedMetricSpecification"
        metric_type = predefined["PredefinedMetricType"]
        if metric_type != PREDEFINED:
            raise unsupported(operation, f"{path}.PredefinedMetricType", metric_type)
        refuse(operation, path, predefined, ("ResourceLabel",))
    if custom:
        path = f"{_TRACKING}.CustomizedMetricSpecification"
        refuse(operation, path, custom, ("Metrics",))
        for member in _CUSTOM:
            if not custom.get(member):
                parts = (*path.split("."), member)
                raise missing(".".join(part[0].lower() + part[1:] for part in parts))
