"""What the jobs' operations demand of their input before a job is recorded."""

from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.s3.errors import AccessDenied, NoSuchBucket
from maze_helpers.local_cloud.services.s3.objects import ObjectStore


def check_input_exists(uri: str, objects: ObjectStore, region: str, role_arn: str) -> None:
    """Check that there are objects under an S3 URI.

    objects: as the role may use them.
    Raises: ValidationException, in the words that CreateTrainingJob and CreateTransformJob share.
    Source: public reports, issue 2414 of amazon-sagemaker-examples among them.
    """
    bucket, prefix = split_s3_uri(uri)
    try:
        found = any(True for _ in objects.list_objects(bucket, prefix))
    except (AccessDenied, NoSuchBucket):
        found = False
    if found:
        return
    raise ValidationException(
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that '
        f"the bucket exists in the selected region ({region}), that objects exist under that S3 "
        f'prefix, and that the role "{role_arn}" has "s3:ListBucket" permissions on bucket '
        f'"{bucket}".'
    )
