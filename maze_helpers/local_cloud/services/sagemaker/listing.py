"""List operations: the filters, the order and the pages that all SageMaker resources share."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.resources import (
    ENDPOINT,
    ENDPOINT_CONFIG,
    MODEL,
    TRAINING_JOB,
    Document,
    Kind,
    load,
)
from maze_helpers.local_cloud.store import Store

# Source: MaxResults of ListEndpoints and ListTransformJobs; that all have it is a guess.
DEFAULT_PAGE_SIZE = 10
# AWS's own words, an unfilled placeholder included.
INVALID_TOKEN = 'Invalid pagination token because "{0}".'
# Source: CreationTimeAfter of ListEndpoints, -EndpointConfigs and -Models: at that moment, too.
_ALSO_AT = (ENDPOINT, ENDPOINT_CONFIG, MODEL)
_SORT_COLUMNS = {
    "CreationTime": "created_at",
    "LastModifiedTime": "modified_at",
    "Name": "name",
    "Status": "status",
}
_TIME_FILTERS = {
    "CreationTimeAfter": "created_at > ?",
    "CreationTimeBefore": "created_at < ?",
    "LastModifiedTimeAfter": "modified_at > ?",
    "LastModifiedTimeBefore": "modified_at < ?",
}


def list_page(
    store: Store, kind: Kind, request: dict[str, Any], filters: Mapping[str, str] = {}
) -> tuple[list[Document], str]:
    """Return one page of documents and the token of the next, "" on the last.

    request: the List operation's own members. filters: conditions in SQL on the value of each of
    these members, for those that only this operation has.
    Without SortOrder the newest comes first, as public scripts rely on; the references of
    ListTrainingJobs and ListProcessingJobs say Ascending.
    With both StatusEquals and MaxResults, a page of training jobs is cut first and filtered then,
    so that it may be short, even empty, before the last.
    Raises: ValidationException, for a token that is not one of ours.
    Source: ListTrainingJobs, on StatusEquals and MaxResults.
    """
    page_size = request.get("MaxResults", DEFAULT_PAGE_SIZE)
    sort_by = request.get("SortBy", "CreationTime")
    column = _SORT_COLUMNS[sort_by]
    descending = request.get("SortOrder", "Descending") == "Descending"
    conditions, values = _conditions(kind, request)
    for member in filters.keys() & request.keys():
        conditions.append(filters[member])
        values.append(request[member])
    status = request.get("StatusEquals")
    if status and not (kind is TRAINING_JOB and "MaxResults" in request):
        conditions.append("status = ?")
        values.append(status)
    if "NextToken" in request:
        conditions.append(f"({column}, name) {'<' if descending else '>'} (?, ?)")
        values += _read_token(request["NextToken"], sort_by)
    direction = "DESC" if descending else "ASC"
    rows = store.connection.execute(
        f"SELECT *, {column} AS sort_value FROM sagemaker_resources "
        f"WHERE {' AND '.join(conditions)} "
        f"ORDER BY {column} {direction}, name {direction} LIMIT ?",
        (*values, page_size + 1),
    ).fetchall()
    page = rows[:page_size]
    token = ""
    if len(rows) > page_size:
        token = _make_token(sort_by, page[-1]["sort_value"], page[-1]["name"])
    return [load(row["document"]) for row in page if not status or row["status"] == status], token


def list_result(
    member: str, page: tuple[list[Document], str], summarise: Callable[[Document], Document]
) -> dict[str, Any]:
    """Return a List operation's result: the page's summaries, and NextToken unless it is last."""
    documents, token = page
    result: dict[str, Any] = {member: [summarise(document) for document in documents]}
    if token:
        result["NextToken"] = token
    return result


def _conditions(kind: Kind, request: dict[str, Any]) -> tuple[list[str], list[Any]]:
    conditions, values = ["kind = ?"], [kind.arn_type]
    if request.get("NameContains"):
        conditions.append("instr(name, ?) > 0")
        values.append(request["NameContains"])
    for member, condition in _TIME_FILTERS.items():
        if member in request:
            if member == "CreationTimeAfter" and kind in _ALSO_AT:
                condition = "created_at >= ?"
            conditions.append(condition)
            values.append(request[member].timestamp())
    return conditions, values


def _make_token(sort_by: str, value: float | str, name: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort_by, value, name]).encode()).decode()


def _read_token(token: str, sort_by: str) -> list[Any]:
    try:
        token_sort_by, value, name = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise ValidationException(INVALID_TOKEN) from error
    if token_sort_by != sort_by or not isinstance(value, (float, str)):
        raise ValidationException(INVALID_TOKEN)
    if not isinstance(name, str):
        raise ValidationException(INVALID_TOKEN)
    return [value, name]
