"""How S3 refuses what is signed for another region than the bucket's."""

from maze_helpers.local_cloud.auth import SignedRequest
from maze_helpers.local_cloud.services.s3.errors import (
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    S3Error,
)


def wrong_region(signed: SignedRequest, expected: str) -> S3Error:
    """Return the error, which tells the region. boto3 then signs the request once more for it.

    Source: public reports; botocore's S3RegionRedirectorv2 reads Region.
    """
    text = f"the region '{signed.region}' is wrong; expecting '{expected}'"
    if signed.is_presigned:
        return AuthorizationQueryParametersError(
            f"Error parsing the X-Amz-Credential parameter; {text}", Region=expected
        )
    return AuthorizationHeaderMalformed(
        f"The authorization header is malformed; {text}", Region=expected
    )
