"""CreateEndpointConfig: what the local cloud refuses by name, and what AWS's rules refuse.

Nothing that would change how requests are served is ignored: it is done, or refused here. Where
no source is given, the wordings of AWS's rules are guesses.
"""

from typing import Any

from maze_helpers.local_cloud.engine.hosting.data_capture_record import is_enabled
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.refusals import missing, refuse, unsupported

_OPERATION = "CreateEndpointConfig"
# Source: ProductionVariantServerlessConfig, MemorySizeInMB.
MEMORY_STEP_MB = 1024
# Members that would change what an endpoint does, and are not here (yet). Those of the second
# line belong to endpoints with inference components.
_UNSUPPORTED = (
    *("CrossRegionTrafficConfig", "ExplainerConfig", "MetricsConfig", "ShadowProductionVariants"),
    *("EnableNetworkIsolation", "ExecutionRoleArn", "VpcConfig"),
)
_UNSUPPORTED_OF_A_VARIANT = (
    "AcceleratorPartitionLayouts",
    "AcceleratorType",
    "CapacityReservationConfig",
    "CoreDumpConfig",
    "EnableSSMAccess",
    "InferenceAmiVersion",
    "InstancePools",
)
# Of a variant that has instances; a serverless one has none of them.
_OF_INSTANCES = ("InitialInstanceCount", "InstanceType")
# Differs from AWS: where a configuration has none, requests go to the instance with the fewest
# under way, which is never worse than RANDOM, AWS's default.
_ROUTING = ("LEAST_OUTSTANDING_REQUESTS", "RANDOM")


def check_endpoint_config_request(request: dict[str, Any]) -> None:
    """Check all of a request that the service's model cannot state.

    Raises: ValidationException.
    """
    refuse(_OPERATION, "", request, _UNSUPPORTED)
    variants = request["ProductionVariants"]
    for number, variant in enumerate(variants, 1):
        _check_variant(variant, f"productionVariants.{number}.member")
    names = [variant["VariantName"] for variant in variants]
    for name in names:
        if names.count(name) > 1:
            raise ValidationException(
                f"Production variant names must be unique; '{name}' is there twice."
            )
    _check_together(variants)
    if "AsyncInferenceConfig" in request:
        _check_async(request["AsyncInferenceConfig"], variants)
    if "DataCaptureConfig" in request:
        _check_capture(request, variants)


def _check_variant(variant: dict[str, Any], path: str) -> None:
    refuse(_OPERATION, "ProductionVariants", variant, _UNSUPPORTED_OF_A_VARIANT)
    if not variant.get("ModelName"):
        raise unsupported(_OPERATION, "inference components (a production variant without model)")
    if variant.get("ManagedInstanceScaling"):
        # Source: github.com/hashicorp/terraform-provider-aws/pull/45926.
        raise ValidationException(
            "ManagedInstanceScaling is only supported for inference component endpoints."
        )
    if "RoutingConfig" in variant:
        routing, path = variant["RoutingConfig"], "ProductionVariants.RoutingConfig"
        if routing["RoutingStrategy"] not in _ROUTING:
            raise unsupported(_OPERATION, f"{path}.RoutingStrategy", routing["RoutingStrategy"])
        refuse(_OPERATION, path, routing, ("PrefixAwareRoutingConfig",))
    if "ServerlessConfig" in variant:
        _check_serverless(variant)
    else:
        for member in _OF_INSTANCES:
            if member not in variant:
                raise missing(f"{path}.{member[0].lower()}{member[1:]}")


def _check_serverless(variant: dict[str, Any]) -> None:
    name, serverless = variant["VariantName"], variant["ServerlessConfig"]
    for member in _OF_INSTANCES:
        if member in variant:
            raise ValidationException(
                f"Production variant {name} has a ServerlessConfig, so that it cannot have "
                f"{member}."
            )
    memory_mb = serverless["MemorySizeInMB"]
    if memory_mb % MEMORY_STEP_MB:
        raise ValidationException(
            f"MemorySizeInMB of production variant {name} is {memory_mb}; it must be one of 1024, "
            "2048, 3072, 4096, 5120 and 6144."
        )
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise ValidationException(
            f"ProvisionedConcurrency of production variant {name} is "
            f"{serverless['ProvisionedConcurrency']}; it must be at most MaxConcurrency, which is "
            f"{serverless['MaxConcurrency']}."
        )


def _check_together(variants: list[dict[str, Any]]) -> None:
    # Source: github.com/aws/aws-cdk-rfcs, RFC 431: one serverless variant, or ones with instances.
    if len(variants) > 1 and any("ServerlessConfig" in variant for variant in variants):
        raise ValidationException(
            "An endpoint configuration can have one serverless production variant, and no other "
            "beside it."
        )
    check_weights([variant.get("InitialVariantWeight", 1.0) for variant in variants])


def check_weights(weights: list[float]) -> None:
    """Check that requests can be shared out by these weights.

    Raises: ValidationException.
    """
    if not sum(weights) > 0:
        raise ValidationException("At least one production variant must have a weight above 0.")


def _check_async(config: dict[str, Any], variants: list[dict[str, Any]]) -> None:
    output = config["OutputConfig"]
    path = "AsyncInferenceConfig.OutputConfig"
    refuse(_OPERATION, path, output, ("NotificationConfig",))
    if not output.get("S3OutputPath"):
        # AWS can do without it where it sends the answer to a topic.
        raise missing("asyncInferenceConfig.outputConfig.s3OutputPath")
    for member in ("S3OutputPath", "S3FailurePath"):
        if output.get(member):
            split_s3_uri(output[member])
    # Source: github.com/aws/aws-cdk-rfcs, RFC 431.
    if len(variants) > 1 or "ServerlessConfig" in variants[0]:
        raise ValidationException(
            "An endpoint configuration with AsyncInferenceConfig has one production variant, "
            "which is not serverless."
        )


def _check_capture(request: dict[str, Any], variants: list[dict[str, Any]]) -> None:
    config = request["DataCaptureConfig"]
    split_s3_uri(config["DestinationS3Uri"])
    if is_enabled(config) and "AsyncInferenceConfig" in request:
        raise unsupported(_OPERATION, "DataCaptureConfig of an asynchronous endpoint")
    if is_enabled(config) and "ServerlessConfig" in variants[0]:
        # Source of the rule: SageMaker guide, "Deploy models with Amazon SageMaker Serverless
        # Inference", on features that it excludes.
        raise ValidationException("Data capture is not supported for serverless endpoints.")
