"""Endpoint configurations: what Create refuses, what Describe and List answer."""

import pytest
from deployer import BUCKET, INSTANCE, ROLE, SERVERLESS, Deployer, variant

ARN = "arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/"
MODEL_ARN = "arn:aws:sagemaker:us-east-1:111122223333:model/"
CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
ASYNC = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/answers"}}
TOPIC = "arn:aws:sns:us-east-1:111122223333:topic"
VPC = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}


@pytest.fixture(scope="module")
def deployer(local_cloud) -> Deployer:
    deployer = Deployer(local_cloud)
    deployer.model("served")
    return deployer


def refusal(deployer, *variants: dict, **members) -> tuple[str, str]:
    """Return how a configuration of these variants is refused."""
    request = {"EndpointConfigName": "refused", "ProductionVariants": list(variants), **members}
    return deployer.refusal("create_endpoint_config", **request)


def test_create_answers_the_arn_with_the_name_in_lower_case(deployer):
    answer = deployer.sagemaker.create_endpoint_config(
        EndpointConfigName="Mixed-Case", ProductionVariants=[variant("served")]
    )
    assert answer["EndpointConfigArn"] == f"{ARN}mixed-case"


def test_describe_answers_what_create_was_given_and_the_weight(deployer):
    given = variant(
        "served",
        VolumeSizeInGB=30,
        ModelDataDownloadTimeoutInSeconds=60,
        ContainerStartupHealthCheckTimeoutInSeconds=120,
        RoutingConfig={"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    )
    captured = {"EnableCapture": False, **CAPTURE}
    deployer.config(given, name="described", DataCaptureConfig=captured, KmsKeyId="key")
    described = deployer.sagemaker.describe_endpoint_config(EndpointConfigName="described")
    created = described.pop("CreationTime")
    del described["ResponseMetadata"]
    assert described == {
        "EndpointConfigName": "described",
        "EndpointConfigArn": f"{ARN}described",
        "ProductionVariants": [{**given, "InitialVariantWeight": 1.0}],
        "DataCaptureConfig": captured,
        "KmsKeyId": "key",
        "EnableNetworkIsolation": False,
    }
    listed = deployer.sagemaker.list_endpoint_configs(NameContains="described")
    assert listed["EndpointConfigs"] == [
        {
            "EndpointConfigName": "described",
            "EndpointConfigArn": f"{ARN}described",
            "CreationTime": created,
        }
    ]


def test_variants_may_be_several_serverless_or_asynchronous(deployer):
    deployer.config(
        variant("served", "a", InitialVariantWeight=0.25),
        variant("served", "b", InitialVariantWeight=0, InitialInstanceCount=2),
    )
    provisioned = {"MemorySizeInMB": 6144, "MaxConcurrency": 200, "ProvisionedConcurrency": 200}
    deployer.config(variant("served", ServerlessConfig=provisioned))
    name = deployer.config(variant("served"), AsyncInferenceConfig=ASYNC)
    described = deployer.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    assert described["AsyncInferenceConfig"] == ASYNC


def test_the_models_must_be_there(deployer):
    """Wording observed."""
    message = f'Could not find model "{MODEL_ARN}nothing".'
    found = refusal(deployer, variant("served", "a"), variant("Nothing", "b"))
    assert found == ("ValidationException", message)


def test_a_name_can_be_used_once(deployer):
    """Wording observed."""
    deployer.config(variant("served"), name="twice")
    message = f'Cannot create already existing endpoint configuration "{ARN}twice".'
    found = refusal(deployer, variant("served"), EndpointConfigName="Twice")
    assert found == ("ValidationException", message)


@pytest.mark.parametrize("operation", ["describe_endpoint_config", "delete_endpoint_config"])
def test_a_configuration_that_is_not_there(deployer, operation):
    """Wording observed."""
    message = f'Could not find endpoint configuration "{ARN}nothing".'
    found = deployer.refusal(operation, EndpointConfigName="nothing")
    assert found == ("ValidationException", message)


def test_a_deleted_configuration_is_gone(deployer):
    name = deployer.config(variant("served"))
    deployer.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    assert deployer.refusal("describe_endpoint_config", EndpointConfigName=name)


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"CoreDumpConfig": {"DestinationS3Uri": "s3://b/c"}}, "ProductionVariants.CoreDumpConfig"),
        ({"AcceleratorType": "ml.eia1.medium"}, "ProductionVariants.AcceleratorType"),
        ({"EnableSSMAccess": True}, "ProductionVariants.EnableSSMAccess"),
        (
            {"RoutingConfig": {"RoutingStrategy": "KV_AWARE"}},
            "ProductionVariants.RoutingConfig.RoutingStrategy 'KV_AWARE'",
        ),
        (
            {"InstancePools": [{"InstanceType": "ml.m5.large", "Priority": 1}]},
            "ProductionVariants.InstancePools",
        ),
    ],
)
def test_what_a_variant_cannot_have_here_is_refused_by_name(deployer, members, named):
    assert refusal(deployer, variant("served", **members)) == (
        "ValidationException",
        f"The local cloud does not support {named} in CreateEndpointConfig.",
    )


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"ExecutionRoleArn": ROLE}, "ExecutionRoleArn"),
        ({"EnableNetworkIsolation": True}, "EnableNetworkIsolation"),
        ({"VpcConfig": VPC}, "VpcConfig"),
        ({"MetricsConfig": {"EnableEnhancedMetrics": True}}, "MetricsConfig"),
        (
            {
                "AsyncInferenceConfig": {
                    "OutputConfig": {"NotificationConfig": {"SuccessTopic": TOPIC}}
                }
            },
            "AsyncInferenceConfig.OutputConfig.NotificationConfig",
        ),
    ],
)
def test_what_a_configuration_cannot_have_here_is_refused_by_name(deployer, members, named):
    message = refusal(deployer, variant("served"), **members)[1]
    assert message.startswith(f"The local cloud does not support {named}")


def test_shadow_variants_are_refused_by_name(deployer):
    shadow = [variant("served", "shadow")]
    message = refusal(deployer, variant("served"), ShadowProductionVariants=shadow)[1]
    assert "does not support ShadowProductionVariants" in message


def test_inference_components_are_refused_by_name(deployer):
    without_model = {"VariantName": "AllTraffic", **INSTANCE}
    assert "does not support inference components" in refusal(deployer, without_model)[1]


def test_managed_scaling_is_for_inference_components(deployer):
    """Wording observed."""
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    assert refusal(deployer, variant("served", ManagedInstanceScaling=scaling)) == (
        "ValidationException",
        "ManagedInstanceScaling is only supported for inference component endpoints.",
    )


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        ([variant("served"), variant("served")], "must be unique; 'AllTraffic'"),
        ([variant("served", **INSTANCE, **SERVERLESS)], "cannot have InitialInstanceCount"),
        ([variant("served", **SERVERLESS), variant("served", "b")], "one serverless"),
        (
            [variant("served", **SERVERLESS), variant("served", "b", **SERVERLESS)],
            "one serverless",
        ),
        ([variant("served", InitialVariantWeight=0)], "a weight above 0"),
        ([{"VariantName": "a", "ModelName": "served"}], "'productionVariants.1.member.initial"),
        (
            [{"VariantName": "a", "ModelName": "served", "InitialInstanceCount": 1}],
            "'productionVariants.1.member.instanceType'",
        ),
        ([variant("served", InstanceType="ml.t3.medium")], "must satisfy enum value set"),
        (
            [variant("served", ServerlessConfig={"MemorySizeInMB": 1500, "MaxConcurrency": 1})],
            "must be one of 1024, 2048",
        ),
        (
            [variant("served", ServerlessConfig={"MemorySizeInMB": 7168, "MaxConcurrency": 1})],
            "less than or equal to 6144",
        ),
        (
            [
                variant(
                    "served",
                    ServerlessConfig={
                        "MemorySizeInMB": 1024,
                        "MaxConcurrency": 1,
                        "ProvisionedConcurrency": 2,
                    },
                )
            ],
            "at most MaxConcurrency, which is 1",
        ),
    ],
)  # fmt: skip
def test_variants_that_make_no_sense_are_refused(deployer, variants, expected):
    code, message = refusal(deployer, *variants)
    assert code == "ValidationException" and expected in message


@pytest.mark.parametrize(
    ("variants", "config", "expected"),
    [
        ([variant("served", **SERVERLESS)], ASYNC, "which is not serverless"),
        ([variant("served"), variant("served", "b")], ASYNC, "one production variant"),
        ([variant("served")], {"OutputConfig": {}}, "outputConfig.s3OutputPath"),
        (
            [variant("served")],
            {"OutputConfig": {"S3OutputPath": "https://b/answers"}},
            "s3://bucket/key",
        ),
    ],
)
def test_asynchronous_endpoints_that_make_no_sense_are_refused(
    deployer, variants, config, expected
):
    assert expected in refusal(deployer, *variants, AsyncInferenceConfig=config)[1]


def test_configurations_are_listed_in_pages(deployer):
    for letter in "cab":
        deployer.config(variant("served"), name=f"paged-{letter}")
    pages = deployer.sagemaker.get_paginator("list_endpoint_configs").paginate(
        NameContains="paged-", MaxResults=2, SortBy="Name", SortOrder="Ascending"
    )
    names = [
        config["EndpointConfigName"][-1] for page in pages for config in page["EndpointConfigs"]
    ]
    assert names == ["a", "b", "c"]


def test_a_configuration_has_tags(deployer):
    deployer.config(variant("served"), name="tagged", Tags=[{"Key": "team", "Value": "blue"}])
    tags = deployer.sagemaker.list_tags(ResourceArn=f"{ARN}tagged")["Tags"]
    assert tags == [{"Key": "team", "Value": "blue"}]
