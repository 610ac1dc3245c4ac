"""The local cloud: its state, clock and engine in one object that every service is given."""

import os
from pathlib import Path

from maze_helpers.local_cloud.access.guard import Guard
from maze_helpers.local_cloud.authorization import Authorization
from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.credentials import Credentials, load_or_create_user_key
from maze_helpers.local_cloud.engine.hosting.async_inferences import AsyncInferences
from maze_helpers.local_cloud.engine.hosting.data_capture import DataCapture
from maze_helpers.local_cloud.engine.hosting.endpoints import HostingEngine
from maze_helpers.local_cloud.engine.hosting.invocation_metrics import InvocationMetrics
from maze_helpers.local_cloud.engine.hosting.scaling import Scaler
from maze_helpers.local_cloud.engine.hosting.serverless_settings import idle_time_s
from maze_helpers.local_cloud.engine.notebooks.engine import NotebookEngine
from maze_helpers.local_cloud.engine.processing.engine import ProcessingEngine
from maze_helpers.local_cloud.engine.training import TrainingEngine
from maze_helpers.local_cloud.engine.transform.transforms import TransformEngine
from maze_helpers.local_cloud.role_telemetry import RoleLogs, RoleMetrics
from maze_helpers.local_cloud.services.cloudwatch import MetricStore
from maze_helpers.local_cloud.services.iam import IAM
from maze_helpers.local_cloud.services.logs import LogStore
from maze_helpers.local_cloud.services.s3.authorization import S3Authorization
from maze_helpers.local_cloud.services.s3.objects import ObjectStore
from maze_helpers.local_cloud.services.s3.role_objects import RoleObjects
from maze_helpers.local_cloud.services.sagemaker.endpoints import Endpoints
from maze_helpers.local_cloud.services.sagemaker.resources import Resources
from maze_helpers.local_cloud.store import Store

# The account of AWS's own documentation examples: nobody's.
# Differs from AWS: there is this one account, and one region.
ACCOUNT_ID = "111122223333"
REGION = "us-east-1"
EXECUTION_ROLE = "SageMakerExecutionRole"
USER_SESSION = "SageMaker"


class LocalCloud:
    """Everything that lives under one maze folder, and what runs on it.

    home: the folder (`.maze`). endpoint_url: where containers reach this cloud.
    """

    def __init__(self, home: Path, endpoint_url: str, clock: Clock | None = None) -> None:
        self.home = home
        self.endpoint_url = endpoint_url
        self.account_id = ACCOUNT_ID
        self.region = REGION
        self.clock = clock or Clock()
        self.store = Store(home / "cloud.db")
        user = load_or_create_user_key(
            home / "aws" / "credentials", ACCOUNT_ID, EXECUTION_ROLE, USER_SESSION
        )
        self.credentials = Credentials(self.store, self.clock, user)
        self.objects = ObjectStore(self.store, home / "blobs", self.clock)
        self.iam = IAM(self)
        self.authorization = Authorization(self.iam.roles, self.clock, self.account_id, self.region)
        self.guard = Guard(self)
        self.s3_authorization = S3Authorization(self.authorization, self.objects)
        self.logs = LogStore(self.store, self.clock)
        self.metrics = MetricStore(self.store, self.clock)
        self.invocation_metrics = InvocationMetrics(self.metrics, self.clock)
        self.training = TrainingEngine(self)
        self.processing = ProcessingEngine(self)
        self.serverless_idle_s = idle_time_s(os.environ)
        self.data_capture = DataCapture(self)
        self.hosting = HostingEngine(self)
        resources = Resources(self.store, self.region, self.account_id)
        self.scaling = Scaler(self, Endpoints(self, resources).update_weights_and_capacities)
        self.async_inferences = AsyncInferences(self)
        self.transforms = TransformEngine(self)
        self.notebooks = NotebookEngine(self)

    def objects_as(self, role_arn: str) -> ObjectStore:
        """Return the object store as a role may use it: each call raises AccessDenied if not."""
        caller = self.authorization.as_service(role_arn)
        return RoleObjects(self.objects, self.s3_authorization, caller)

    def logs_as(self, role_arn: str) -> LogStore:
        """Return the log store as a role may use it: what it may not write is not there."""
        caller, account = self.authorization.as_service(role_arn), self.guard.account
        return RoleLogs(self.logs, self.authorization, caller, account)

    def metrics_as(self, role_arn: str) -> MetricStore:
        """Return the metric store as a role may use it: what it may not write is not there."""
        caller = self.authorization.as_service(role_arn)
        return RoleMetrics(self.metrics, self.authorization, caller)

    def recover(self) -> None:
        """Put right what a killed server left behind: stray processes, half-written files."""
        self.objects.recover()
        self.training.recover()
        self.processing.recover()
        self.hosting.recover()
        self.transforms.recover()
        self.notebooks.recover()
        self.async_inferences.start()
        self.scaling.start()

    def announce_close(self) -> None:
        """Have nothing taken for a failure that breaks off because requests end."""
        self.hosting.announce_close()
        self.notebooks.announce_close()

    def close(self) -> None:
        """Stop what runs, then close the store."""
        self.scaling.close()
        self.async_inferences.close()
        self.notebooks.close()
        self.hosting.close()
        self.data_capture.close()
        self.transforms.close()
        self.processing.close()
        self.training.close()
        self.invocation_metrics.close()
        self.store.close()
