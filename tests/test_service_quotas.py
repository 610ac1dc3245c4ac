"""Service Quotas: what SageMaker's quotas are, and that asking for more gives more."""

import json
import subprocess
import sys
from contextlib import closing

import pytest
from botocore.exceptions import ClientError
from trainer import Trainer

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.services.sagemaker import quotas
from maze_helpers.local_cloud.services.service_quotas.catalogue import sagemaker_quotas
from maze_helpers.local_cloud.services.service_quotas.requests import CASE_OPEN_S, QuotaRequests
from maze_helpers.local_cloud.store import Store

# ml.g4dn.xlarge and ml.p3.2xlarge for training job usage: observed, in public listings.
G4DN, P3 = "L-3F53BF0F", "L-D438008E"
SAGEMAKER = {"ServiceCode": "sagemaker"}


@pytest.fixture(scope="module")
def service_quotas(local_cloud):
    return local_cloud.client("service-quotas")


@pytest.fixture(scope="module")
def trainer(local_cloud) -> Trainer:
    return Trainer(local_cloud)


def refusal(call, **parameters) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def ask(service_quotas, code: str, value: float, **settings) -> dict:
    request = SAGEMAKER | {"QuotaCode": code, "DesiredValue": value} | settings
    return service_quotas.request_service_quota_increase(**request)["RequestedQuota"]


def asked(service_quotas, request: dict) -> dict:
    """Return a request as it is now."""
    found = service_quotas.get_requested_service_quota_change(RequestId=request["Id"])
    return found["RequestedQuota"]


def resources(instance_type: str, count: int = 1) -> dict:
    return {"InstanceType": instance_type, "InstanceCount": count, "VolumeSizeInGB": 30}


def test_sagemaker_is_the_service_that_has_quotas_here(service_quotas):
    (service,) = service_quotas.list_services()["Services"]
    assert service == SAGEMAKER | {"ServiceName": "Amazon SageMaker"}


def test_codes_are_unique_and_those_made_here_are_none_of_awss():
    uses = [f" for {use} usage" for use in quotas.USES]
    names = [listed.quota.name for listed in sagemaker_quotas().values()]
    assert len(set(names)) == len(names) > 1000
    assert all(any(use in name for name in names) for use in uses)
    assert all(len(code) == 10 for code in sagemaker_quotas())


def test_all_quotas_come_in_pages(service_quotas):
    names = []
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        pages = service_quotas.get_paginator(operation).paginate(**SAGEMAKER)
        names.append([quota["QuotaName"] for page in pages for quota in page["Quotas"]])
    assert names[0] == names[1] == sorted(set(names[0]))
    assert {"ml.m5.large for endpoint usage", "Maximum number of serverless endpoints"} < set(
        names[0]
    )
    page = service_quotas.list_service_quotas(**SAGEMAKER, MaxResults=7)
    assert len(page["Quotas"]) == 7
    error = refusal(service_quotas.list_service_quotas, **SAGEMAKER, NextToken="bm9uZQ==")
    assert error[0] == "InvalidPaginationTokenException"


def test_a_quota_is_described(service_quotas):
    code = "L-614B09FD"
    quota = service_quotas.get_service_quota(**SAGEMAKER, QuotaCode=code)["Quota"]
    assert quota == SAGEMAKER | {
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"arn:aws:servicequotas:us-east-1:111122223333:sagemaker/{code}",
        "QuotaCode": code,
        "QuotaName": "ml.m5.large for endpoint usage",
        "Value": 4.0,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }
    default = service_quotas.get_aws_default_service_quota(**SAGEMAKER, QuotaCode=code)["Quota"]
    assert default["QuotaArn"] == f"arn:aws:servicequotas:us-east-1::sagemaker/{code}"  # observed
    assert default["Value"] == 4.0
    (listed,) = service_quotas.list_service_quotas(**SAGEMAKER, QuotaCode=code)["Quotas"]
    assert listed == quota


def test_gpus_are_to_be_asked_for(service_quotas, trainer):
    """The error names a quota, the quota is asked for by its code, and the job runs."""
    gpu = resources("ml.g4dn.xlarge")
    name = "ml.g4dn.xlarge for training job usage"
    code, message = trainer.refusal("", ResourceConfig=gpu)
    assert code == "ResourceLimitExceeded"
    assert f"'{name}' is 0 Instances, with current utilization of 0 Instances" in message
    request = ask(service_quotas, G4DN, 1)
    assert (request["QuotaName"], request["Status"]) == (name, "PENDING")
    assert asked(service_quotas, request)["Status"] == "APPROVED"
    quota = service_quotas.get_service_quota(**SAGEMAKER, QuotaCode=G4DN)["Quota"]
    default = service_quotas.get_aws_default_service_quota(**SAGEMAKER, QuotaCode=G4DN)["Quota"]
    assert (quota["Value"], default["Value"]) == (1.0, 0.0)
    waiting = "import time\ntime.sleep(600)"
    job = trainer.create(waiting, ResourceConfig=gpu)
    _, message = trainer.refusal("", ResourceConfig=gpu)
    assert "is 1 Instances, with current utilization of 1 Instances" in message
    code, message = trainer.refusal(
        "",
        ResourceConfig=gpu,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
    )
    assert "'ml.g4dn.xlarge for spot training job usage' is 0 Instances" in message
    trainer.sagemaker.stop_training_job(TrainingJobName=job)
    trainer.wait(job)


def test_a_case_stays_open_and_no_other_is_opened(service_quotas):
    request = ask(service_quotas, P3, 5000)
    found = asked(service_quotas, request)
    assert found["Status"] == "CASE_OPENED"
    assert found["CaseId"]
    with pytest.raises(service_quotas.exceptions.ResourceAlreadyExistsException) as raised:
        ask(service_quotas, P3, 1)
    assert raised.value.response["Error"]["Message"] == (  # observed
        "Only one open service quota increase request is allowed per quota."
    )
    listed = service_quotas.list_requested_service_quota_change_history_by_quota(
        **SAGEMAKER, QuotaCode=P3
    )
    assert listed["RequestedQuotas"] == [found]
    assert json.loads(found["Requester"])["accountId"] == "111122223333"


class LaterClock(Clock):
    """A clock that can be put forward."""

    ahead_s = 0.0

    def time_s(self) -> float:
        return super().time_s() + self.ahead_s


def test_a_case_that_nobody_decides_is_closed_after_an_hour(tmp_path):
    """Differs from AWS, where somebody decides it."""
    clock = LaterClock()
    with closing(Store(tmp_path / "cloud.db")) as store:
        requests = QuotaRequests(store, clock, "sagemaker")
        request = requests.ask(sagemaker_quotas()[P3], 5000, "{}", case_allowed=True)
        assert requests.find(request["id"])["status"] == "CASE_OPENED"
        clock.ahead_s = CASE_OPEN_S + 1
        assert requests.find(request["id"])["status"] == "CASE_CLOSED"
        again = requests.ask(sagemaker_quotas()[P3], 2, "{}", case_allowed=True)
        assert requests.find(again["id"])["status"] == "APPROVED"


def test_without_a_case_too_much_is_not_approved(service_quotas):  # documented
    request = ask(service_quotas, "L-614B09FD", 5000, SupportCaseAllowed=False)
    assert asked(service_quotas, request)["Status"] == "NOT_APPROVED"


def test_the_history_tells_the_latest_first_page_by_page(service_quotas):
    for value in (30, 40, 50):
        ask(service_quotas, "L-7A3DF611", value)
    requests = service_quotas.list_requested_service_quota_change_history
    pages = service_quotas.get_paginator("list_requested_service_quota_change_history")
    found = [
        request["DesiredValue"]
        for page in pages.paginate(**SAGEMAKER, PaginationConfig={"PageSize": 2})
        for request in page["RequestedQuotas"]
        if request["QuotaCode"] == "L-7A3DF611"
    ]
    assert found == [50.0, 40.0, 30.0]
    statuses = {request["Status"] for request in requests(Status="APPROVED")["RequestedQuotas"]}
    assert statuses == {"APPROVED"}


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "words"),
    [
        ("list_service_quotas", {"ServiceCode": "SageMaker"}, "NoSuchResourceException",
         "The request failed because the specified service does not exist."),
        ("get_service_quota", SAGEMAKER | {"QuotaCode": "L-00000000"}, "NoSuchResourceException",
         "L-00000000 does not exist"),
        ("get_service_quota", SAGEMAKER | {"QuotaCode": G4DN, "ContextId": "x"},
         "NoSuchResourceException", "applied value for the specified context Id"),
        ("get_requested_service_quota_change", {"RequestId": "none"}, "NoSuchResourceException",
         "does not exist"),
        ("request_service_quota_increase",
         SAGEMAKER | {"QuotaCode": "L-E9EE5599", "DesiredValue": 2.0}, "IllegalArgumentException",
         "You must provide a quota value greater than the default quota value of 2.0"),
        ("get_service_quota", {"ServiceCode": "sagemaker", "QuotaCode": "!"}, "ValidationException",
         "regular expression pattern"),
        ("list_service_quotas", SAGEMAKER | {"NextToken": "AAAA"},
         "InvalidPaginationTokenException", "invalid"),
        ("list_requested_service_quota_change_history", {"NextToken": "OTk5" * 10},
         "InvalidPaginationTokenException", "invalid"),
        ("get_auto_management_configuration", {}, "UnknownOperationException",
         "does not implement service-quotas GetAutoManagementConfiguration"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(service_quotas, operation, parameters, code, words):
    found = refusal(getattr(service_quotas, operation), **parameters)
    assert found[0] == code
    assert words in found[1]


def test_what_was_approved_outlives_the_server(new_cloud):
    memory = next(
        code for code, listed in sagemaker_quotas().items() if listed.quota == quotas.MEMORY
    )
    ask(new_cloud.client("service-quotas"), memory, 6144)
    new_cloud.kill()
    new_cloud.start()
    client = new_cloud.client("service-quotas")
    assert client.get_service_quota(**SAGEMAKER, QuotaCode=memory)["Quota"]["Value"] == 6144.0


def test_the_cli_knows_quotas(local_cloud):
    command = [sys.executable, "-m", "awscli", "service-quotas", "get-service-quota"]
    command += ["--service-code", "sagemaker", "--quota-code", "L-2F737F8D", "--output", "json"]
    run = subprocess.run(command, env=local_cloud.env, capture_output=True, check=True)
    assert json.loads(run.stdout)["Quota"]["QuotaName"] == "ml.m5.xlarge for endpoint usage"
