"""What SageMaker's operations ask of policies.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon
SageMaker".
"""

import re
from collections.abc import Iterator
from typing import Any

from maze_helpers.local_cloud.access.target import (
    Account,
    Parameters,
    Target,
    found_below,
    tag_keys,
)
from maze_helpers.local_cloud.authorization import SAGEMAKER

_OF_ONE_RESOURCE = re.compile(r"(?:Create|Delete|Describe|Start|Stop|Update)([A-Z]\w+)")
# Those whose names do not end as their resource is called.
_NOUNS = {
    "CreatePresignedNotebookInstanceUrl": "NotebookInstance",
    "InvokeEndpoint": "Endpoint",
    "InvokeEndpointAsync": "Endpoint",
    "InvokeEndpointWithResponseStream": "Endpoint",
    "UpdateEndpointWeightsAndCapacities": "Endpoint",
}
_WITH_CONFIG = ("CreateEndpoint", "UpdateEndpoint")
_ROLES = ("RoleArn", "ExecutionRoleArn")
# Condition keys, by the members that they have the values of, wherever these are in a request.
_KEYS = {
    "sagemaker:InstanceTypes": "InstanceType",
    "sagemaker:VpcSubnets": "Subnets",
    "sagemaker:VpcSecurityGroupIds": "SecurityGroupIds",
    "sagemaker:NetworkIsolation": "EnableNetworkIsolation",
    "sagemaker:InterContainerTrafficEncryption": "EnableInterContainerTrafficEncryption",
    "sagemaker:MaxRuntimeInSeconds": "MaxRuntimeInSeconds",
    "sagemaker:VolumeKmsKey": "VolumeKmsKeyId",
    "sagemaker:ServerlessMaxConcurrency": "MaxConcurrency",
    "sagemaker:ServerlessMemorySize": "MemorySizeInMB",
    "sagemaker:TargetModel": "TargetModel",
    "sagemaker:DirectInternetAccess": "DirectInternetAccess",
    "sagemaker:RootAccess": "RootAccess",
    "sagemaker:MinimumInstanceMetadataServiceVersion": "MinimumInstanceMetadataServiceVersion",
}
# Those that are spelled otherwise in a notebook instance's requests.
_NOTEBOOK_KEYS = {"sagemaker:VpcSubnets": "SubnetId", "sagemaker:VolumeKmsKey": "KmsKeyId"}


def targets(operation: str, parameters: Parameters, account: Account) -> Iterator[Target]:
    """Yield what an operation asks for; PassRole where it names a role for SageMaker."""
    resource = _resource(operation, parameters, account)
    keys = _keys(parameters, account)
    yield Target(f"sagemaker:{operation}", resource, keys)
    if operation in _WITH_CONFIG:
        config = _arn(account, "EndpointConfig", parameters["EndpointConfigName"])
        yield Target(f"sagemaker:{operation}", config, keys)
    if operation.startswith("Create") and parameters.get("Tags"):
        yield Target("sagemaker:AddTags", resource, keys | {"sagemaker:TaggingAction": operation})
    for member in _ROLES:
        if role_arn := parameters.get(member):
            passed = {"iam:PassedToService": SAGEMAKER, "iam:AssociatedResourceArn": resource}
            yield Target("iam:PassRole", role_arn, passed)


def _resource(operation: str, parameters: Parameters, account: Account) -> str:
    if arn := parameters.get("ResourceArn"):
        # A resource is found by it however it is spelled.
        return arn.lower()
    match = _OF_ONE_RESOURCE.fullmatch(operation)
    noun = _NOUNS.get(operation, match[1] if match else "")
    name = parameters.get(f"{noun}Name")
    return _arn(account, noun, name) if name else "*"


def _arn(account: Account, noun: str, name: str) -> str:
    """Return an ARN. Example: the noun 'TrainingJob' is 'training-job' there."""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", noun).lower()
    return f"arn:aws:sagemaker:{account.region}:{account.account_id}:{kind}/{name.lower()}"


def _keys(parameters: Parameters, account: Account) -> dict[str, Any]:
    keys: dict[str, Any] = tag_keys(parameters.get("Tags"))
    for key, member in _KEYS.items():
        if values := [text for value in found_below(parameters, member) for text in _texts(value)]:
            keys[key] = values
    if models := list(found_below(parameters, "ModelName")):
        keys["sagemaker:ModelArn"] = [_arn(account, "Model", name) for name in models]
    if "NotebookInstanceName" in parameters:
        keys |= {key: [parameters[m]] for key, m in _NOTEBOOK_KEYS.items() if m in parameters}
    outputs = ("OutputDataConfig", "TransformOutput", "ProcessingOutputConfig")
    if kms := [key for name in outputs for key in found_below(parameters.get(name), "KmsKeyId")]:
        keys["sagemaker:OutputKmsKey"] = kms
    return keys


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [str(value).lower() if isinstance(value, bool) else str(value)]
