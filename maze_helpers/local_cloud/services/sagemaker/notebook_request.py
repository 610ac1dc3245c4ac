"""CreateNotebookInstance and UpdateNotebookInstance: what is refused by name, and what AWS refuses.

Nothing that would change what an instance can do is ignored: it is done, or refused here.
Differs from AWS: what is about AWS's own machines is kept and described, and changes nothing: the
volume's size and key, the subnet, the platform, the metadata service and who is root.
Where no source is given, the wordings of AWS's rules are guesses.
"""

from typing import Any

from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.refusals import refuse, unsupported

Document = dict[str, Any]

# Source: botocore's model of each.
DEFAULT_VOLUME_GB = 5
DEFAULTS: Document = {
    "DirectInternetAccess": "Enabled",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
    "IpAddressType": "ipv4",
    "PlatformIdentifier": "notebook-al2023-v1",
    "RootAccess": "Enabled",
    "VolumeSizeInGB": DEFAULT_VOLUME_GB,
}
# No repository is cloned: nothing leaves the machine. Elastic Inference is no longer available.
_UNSUPPORTED = (
    "AcceleratorTypes",
    "AdditionalCodeRepositories",
    "DefaultCodeRepository",
)


def check_notebook_request(operation: str, request: dict[str, Any]) -> None:
    """Check all of a request that the service's model cannot state.

    Raises: ValidationException.
    """
    refuse(operation, "", request, _UNSUPPORTED)
    if request.get("DirectInternetAccess") == "Disabled":
        if "SubnetId" not in request:
            # Source of the rule: CreateNotebookInstance.
            raise ValidationException(
                "DirectInternetAccess can be set to Disabled only if a SubnetId is given."
            )
        raise unsupported(operation, "DirectInternetAccess", "Disabled")
    if request.get("IpAddressType") == "dualstack":
        raise unsupported(operation, "IpAddressType", "dualstack")


def check_volume(document: Document, request: dict[str, Any]) -> None:
    """Check that a volume does not shrink. Raises: ValidationException.

    Source of the rule: UpdateNotebookInstance, VolumeSizeInGB.
    """
    size_gb, now_gb = request.get("VolumeSizeInGB"), document["VolumeSizeInGB"]
    if size_gb is not None and size_gb < now_gb:
        raise ValidationException(
            f"The VolumeSizeInGB of {document['NotebookInstanceArn']} cannot be decreased from "
            f"{now_gb} to {size_gb}."
        )


def check_transition(document: Document, to: str, *statuses: str) -> None:
    """Check that a notebook instance is in one of the statuses from which it can go to another.

    Raises: ValidationException.
    Source: issues 1094 and 1798 of aws/amazon-sagemaker-examples, and moto.
    """
    status = document["NotebookInstanceStatus"]
    if status not in statuses:
        raise ValidationException(
            f"Status ({status}) not in ([{', '.join(statuses)}]). Unable to transition to ({to}) "
            f"for Notebook Instance ({document['NotebookInstanceArn']})."
        )
