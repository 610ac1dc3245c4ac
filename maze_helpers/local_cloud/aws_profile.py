"""The AWS configuration that makes boto3, the AWS CLI and the SDK local."""

from maze_helpers.local_cloud.credentials import PROFILE
from maze_helpers.local_cloud.home import Home, write_whole

# signature_version: in us-east-1, botocore would presign URLs with Signature Version 2.
CONFIG = """\
[profile {profile}]
region = {region}
endpoint_url = {endpoint_url}
output = json
cli_pager =
data_path = {models}
s3 =
    addressing_style = path
    signature_version = s3v4
"""
# Stands in for an organisation's SDK defaults, and is empty: the SDK validates any other defaults
# anew each time it looks something up, which makes an estimator take seconds.
SDK_CONFIG = "{}\n"


def write_profile(home: Home, region: str, endpoint_url: str) -> None:
    """Write the profile of the local cloud and the SDK's configuration."""
    config = CONFIG.format(
        profile=PROFILE, region=region, endpoint_url=endpoint_url, models=home.aws / "models"
    )
    write_whole(home.aws / "config", config)
    write_whole(home.aws / "sagemaker.yaml", SDK_CONFIG)
