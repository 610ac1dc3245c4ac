"""boto3's waiters, made to look once a second: in the local cloud there is little to wait for."""

import json
from pathlib import Path

from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader

from maze_helpers.local_cloud.home import write_whole

# Services of the local cloud whose waiters sleep longer than that.
SERVICES = ("sagemaker", "s3", "cloudwatch")
DELAY_S = 1
TYPE = "waiters-2"


def write_waiters(models: Path) -> None:
    """Write the installed botocore's waiters as a data path that precedes its own.

    They give up after the same time: a shorter delay is made up for by more attempts.
    """
    # Its own data alone: the default loader also looks into the user's ~/.aws/models.
    loader = Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    for service in SERVICES:
        try:
            version = loader.determine_latest_version(service, TYPE)
            model = loader.load_service_model(service, TYPE, version)
        except (DataNotFoundError, UnknownServiceError):  # a botocore without such waiters
            continue
        for waiter in model["waiters"].values():
            waiter["maxAttempts"] = max(1, waiter["maxAttempts"] * waiter["delay"] // DELAY_S)
            waiter["delay"] = DELAY_S
        folder = models / service / version
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{TYPE}.json", json.dumps(model, indent=2) + "\n")
