"""Ending a notebook instance for good, whatever its status."""

from typing import Any

from botocore.exceptions import ClientError, WaiterError

from maze_helpers.gone import is_gone

# What each status becomes by itself, as boto3's waiters call it.
_BECOMES = {
    "Pending": "notebook_instance_in_service",
    "Updating": "notebook_instance_stopped",
    "Stopping": "notebook_instance_stopped",
}


def delete_notebook_instance(sagemaker: Any, name: str) -> None:
    """Stop a notebook instance as soon as it may be, delete it, and wait until it is gone.

    Raises: botocore's WaiterError, if one of these takes longer than half an hour.
    """
    named = {"NotebookInstanceName": name}
    try:
        status = _settled_status(sagemaker, name)
        if status == "InService":
            sagemaker.stop_notebook_instance(**named)
            status = _settled_status(sagemaker, name)
        if status != "Deleting":
            sagemaker.delete_notebook_instance(**named)
    except ClientError as error:
        # It may have gone since it was listed.
        if not is_gone(error):
            raise
    sagemaker.get_waiter("notebook_instance_deleted").wait(**named)


def _settled_status(sagemaker: Any, name: str) -> str:
    """Return a notebook instance's status, once it is neither coming up nor being changed."""
    named = {"NotebookInstanceName": name}
    status = sagemaker.describe_notebook_instance(**named)["NotebookInstanceStatus"]
    if status not in _BECOMES:
        return status
    try:
        sagemaker.get_waiter(_BECOMES[status]).wait(**named)
    except WaiterError as error:
        # One that fails to come up can be deleted as well.
        if error.last_response.get("NotebookInstanceStatus") != "Failed":
            raise
    return sagemaker.describe_notebook_instance(**named)["NotebookInstanceStatus"]
