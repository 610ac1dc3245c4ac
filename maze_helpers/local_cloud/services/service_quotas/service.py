"""The operations of Service Quotas: what SageMaker's quotas are, and asking for more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import (
    IllegalArgumentException,
    NoSuchResourceException,
)
from maze_helpers.local_cloud.protocol import ServiceProtocol
from maze_helpers.local_cloud.services.sagemaker.quotas import SERVICE_CODE
from maze_helpers.local_cloud.services.service_quotas.catalogue import (
    ListedQuota,
    sagemaker_quotas,
)
from maze_helpers.local_cloud.services.service_quotas.pages import (
    PAGE_SIZE,
    invalid_token,
    make_token,
    page_of,
    read_token,
)
from maze_helpers.local_cloud.services.service_quotas.requests import QuotaRequests, Row

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

SERVICE_NAME = "Amazon SageMaker"

Document = dict[str, Any]


class ServiceQuotas:
    """Service Quotas.

    # Differs from AWS: it knows of SageMaker alone.
    """

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.requests = QuotaRequests(cloud.store, cloud.clock, SERVICE_CODE)
        self.protocol = ServiceProtocol("service-quotas")
        self.operations = {
            "GetAWSDefaultServiceQuota": self.get_default_quota,
            "GetRequestedServiceQuotaChange": self.get_request,
            "GetServiceQuota": self.get_quota,
            "ListAWSDefaultServiceQuotas": self.list_default_quotas,
            "ListRequestedServiceQuotaChangeHistory": self.list_requests,
            "ListRequestedServiceQuotaChangeHistoryByQuota": self.list_requests_of_quota,
            "ListServiceQuotas": self.list_quotas,
            "ListServices": self.list_services,
            "RequestServiceQuotaIncrease": self.request_increase,
        }

    def list_services(self, request: Document, caller: AccessKey) -> Document:
        """Return the services that have quotas here."""
        if "NextToken" in request:
            raise invalid_token()
        return {"Services": [{"ServiceCode": SERVICE_CODE, "ServiceName": SERVICE_NAME}]}

    def list_quotas(self, request: Document, caller: AccessKey) -> Document:
        """Return a page of a service's quotas with the account's values, by name."""
        code = request.get("QuotaCode")
        found = [_find(request)] if code else list(_service(request).values())
        if request.get("QuotaAppliedAtLevel") == "RESOURCE":
            found = []
        page, token = page_of([listed.code for listed in found], request)
        return {"Quotas": [self._applied(sagemaker_quotas()[code]) for code in page]} | token

    def list_default_quotas(self, request: Document, caller: AccessKey) -> Document:
        """Return a page of a service's quotas with the values that accounts start with, by name."""
        page, token = page_of(list(_service(request)), request)
        return {"Quotas": [self._default(sagemaker_quotas()[code]) for code in page]} | token

    def get_quota(self, request: Document, caller: AccessKey) -> Document:
        """Return a quota with the account's value."""
        listed = _find(request)
        if "ContextId" in request:
            # Source: aws/aws-cli, issue 8584.
            raise NoSuchResourceException(
                "The request failed because applied value for the specified context Id do not "
                "exist."
            )
        return {"Quota": self._applied(listed)}

    def get_default_quota(self, request: Document, caller: AccessKey) -> Document:
        """Return a quota with the value that accounts start with."""
        return {"Quota": self._default(_find(request))}

    def request_increase(self, request: Document, caller: AccessKey) -> Document:
        """Record a request for more of a quota, and return it."""
        listed = _find(request)
        if "ContextId" in request:
            # The wording is a guess.
            raise IllegalArgumentException("The quota is not applied at the resource level.")
        self._check_increase(listed, request["DesiredValue"])
        row = self.requests.ask(
            listed,
            request["DesiredValue"],
            json.dumps({"accountId": caller.account_id, "callerArn": caller.arn}),
            request.get("SupportCaseAllowed", True),
        )
        return {"RequestedQuota": self._request(row)}

    def _check_increase(self, listed: ListedQuota, desired: float) -> None:
        """Check that more is asked for than there is. Wordings observed, in public reports."""
        values = {"default": float(listed.quota.value), "current": self._value(listed)}
        for level, value in values.items():
            if desired <= value:
                raise IllegalArgumentException(
                    f"You must provide a quota value greater than the {level} quota value of "
                    f"{value}"
                )

    def get_request(self, request: Document, caller: AccessKey) -> Document:
        """Return a request as it is now."""
        row = self.requests.find(request["RequestId"])
        if row is None:
            # The wording is a guess.
            raise NoSuchResourceException(
                "The request failed because the specified quota increase request does not exist."
            )
        return {"RequestedQuota": self._request(row)}

    def list_requests(self, request: Document, caller: AccessKey) -> Document:
        """Return a page of all requests, the latest first."""
        if "ServiceCode" in request:
            _service(request)
        return self._requests_page(request, None)

    def list_requests_of_quota(self, request: Document, caller: AccessKey) -> Document:
        """Return a page of the requests for one quota, the latest first."""
        return self._requests_page(request, _find(request).code)

    def _requests_page(self, request: Document, quota_code: str | None) -> Document:
        if request.get("QuotaRequestedAtLevel") == "RESOURCE":
            return {"RequestedQuotas": []}
        size = request.get("MaxResults", PAGE_SIZE)
        token = read_token(request)
        if token is not None and not (token.isdecimal() and len(token) < 19):
            raise invalid_token()
        status = (request["Status"],) if "Status" in request else ()
        rows = self.requests.page(size + 1, status, quota_code, int(token) if token else None)
        result: Document = {"RequestedQuotas": [self._request(row) for row in rows[:size]]}
        if len(rows) > size:
            result["NextToken"] = make_token(str(rows[size - 1]["sequence"]))
        return result

    def _value(self, listed: ListedQuota) -> float:
        raised = self.requests.applied.value(listed.quota.name)
        return float(listed.quota.value) if raised is None else raised

    def _applied(self, listed: ListedQuota) -> Document:
        arn = self._arn(listed.code, self.cloud.account_id)
        level = {"QuotaAppliedAtLevel": "ACCOUNT"}
        return _quota(listed) | {"QuotaArn": arn, "Value": self._value(listed)} | level

    def _default(self, listed: ListedQuota) -> Document:
        return _quota(listed) | {
            "QuotaArn": self._arn(listed.code, ""),
            "Value": float(listed.quota.value),
        }

    def _request(self, row: Row) -> Document:
        quota = _quota(sagemaker_quotas()[row["quota_code"]])
        return {
            "Id": row["id"],
            "CaseId": row["case_id"],
            **{name: value for name, value in quota.items() if name != "Adjustable"},
            "QuotaArn": self._arn(row["quota_code"], self.cloud.account_id),
            "DesiredValue": row["desired_value"],
            "Status": row["status"],
            "Created": datetime.fromtimestamp(row["created_at"], timezone.utc),
            "LastUpdated": datetime.fromtimestamp(row["updated_at"], timezone.utc),
            "Requester": row["requester"],
            "QuotaRequestedAtLevel": "ACCOUNT",
        }

    def _arn(self, code: str, account_id: str) -> str:
        return f"arn:aws:servicequotas:{self.cloud.region}:{account_id}:{SERVICE_CODE}/{code}"


def _service(request: Document) -> Mapping[str, ListedQuota]:
    if request["ServiceCode"] != SERVICE_CODE:
        # Source: aws/aws-cli, issue 4569.
        raise NoSuchResourceException(
            "The request failed because the specified service does not exist."
        )
    return sagemaker_quotas()


def _find(request: Document) -> ListedQuota:
    found = _service(request).get(request["QuotaCode"])
    if found is None:
        # The wording is a guess, after the one for services.
        raise NoSuchResourceException(
            f"The request failed because the specified quota {request['QuotaCode']} does not "
            f"exist for service {SERVICE_CODE}."
        )
    return found


def _quota(listed: ListedQuota) -> Document:
    return {
        "ServiceCode": SERVICE_CODE,
        "ServiceName": SERVICE_NAME,
        "QuotaCode": listed.code,
        "QuotaName": listed.quota.name,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
