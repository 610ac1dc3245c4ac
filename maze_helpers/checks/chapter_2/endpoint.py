"""What is known of an endpoint, there or deleted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maze_helpers.checks.found import Candidate


@dataclass(frozen=True)
class Endpoint(Candidate):
    """An endpoint. described: {} of one that is deleted.

    config: what Describe says of its configuration; {} where that is gone as well. created: the
    moment, or that of its log group.
    """

    config: dict[str, Any]
    created: datetime

    @property
    def is_there(self) -> bool:
        """Whether it is not deleted."""
        return bool(self.described)

    @property
    def variants(self) -> list[dict[str, Any]]:
        """The production variants as configured; none, where that is not known."""
        if self.config:
            return self.config["ProductionVariants"]
        # Somebody deleted the configuration of an endpoint that is there.
        return [
            variant | {"ServerlessConfig": variant["CurrentServerlessConfig"]}
            if "CurrentServerlessConfig" in variant
            else variant
            for variant in self.described.get("ProductionVariants", [])
        ]

    @property
    def is_asynchronous(self) -> bool:
        """Whether it takes its requests from S3, as its configuration says."""
        return "AsyncInferenceConfig" in self.config

    @property
    def is_serverless(self) -> bool | None:
        """Whether it has no instances; None, where that is not known."""
        for variant in self.variants:
            if "ServerlessConfig" in variant:
                return True
            if "InstanceType" in variant or variant.get("CurrentInstanceCount"):
                return False
        return None
