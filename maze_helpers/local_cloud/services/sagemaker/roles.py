"""The roles that requests name for SageMaker to assume."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.authorization import SAGEMAKER
from maze_helpers.local_cloud.engine.job_environment import role_name
from maze_helpers.local_cloud.errors import AccessDeniedException, ValidationException

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": SAGEMAKER}, "Action": "sts:AssumeRole"}
    ],
}


def check_role(cloud: LocalCloud, role_arn: str) -> None:
    """Check that a role is there, in the account, and that SageMaker may assume it.

    # Differs from AWS: the role needs no permission to pull the image (ecr:…).
    Raises: ValidationException; AccessDeniedException, for another account's role.
    """
    name = role_name(role_arn)
    if cloud.authorization.trusts_sagemaker(role_arn):
        return
    account_id = role_arn.split(":")[4]
    if account_id != cloud.account_id:
        # Source of AWS's words: public reports, on Lambda and CloudFormation as well.
        raise AccessDeniedException(
            "Cross-account pass role is not allowed. "
            f"The local cloud's account is {cloud.account_id}, and the role's is {account_id}."
        )
    # Source of AWS's words, the first two sentences: public reports, issue 3 of
    # awslabs/predictive-maintenance-using-machine-learning among them. The remedy is ours.
    raise ValidationException(
        f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
        f"principal '{SAGEMAKER}' to assume the role. {_remedy(cloud, name, role_arn)}"
    )


def _remedy(cloud: LocalCloud, name: str, role_arn: str) -> str:
    trust = json.dumps(_TRUST, separators=(",", ":"))
    role = cloud.iam.roles.get(name)
    if role is not None and role.arn != role_arn:
        return f"The role of that name is {role.arn}."
    if role is None:
        verb, document = "create-role", "assume-role-policy-document"
    else:
        verb, document = "update-assume-role-policy", "policy-document"
    return f"To do so: aws iam {verb} --role-name {name} --{document} '{trust}'"
