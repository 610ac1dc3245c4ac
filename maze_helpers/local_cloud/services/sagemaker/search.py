"""Search and GetSearchSuggestions: finding resources by what they hold."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any, NamedTuple

from maze_helpers.local_cloud.credentials import AccessKey
from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.listing import DEFAULT_PAGE_SIZE, INVALID_TOKEN
from maze_helpers.local_cloud.services.sagemaker.refusals import refuse, unsupported
from maze_helpers.local_cloud.services.sagemaker.resources import (
    ENDPOINT,
    MODEL,
    TRAINING_JOB,
    Document,
    Kind,
    Resources,
)
from maze_helpers.local_cloud.services.sagemaker.search_filters import (
    condition_of,
    sort_key,
    sort_property,
)
from maze_helpers.local_cloud.services.sagemaker.search_properties import pair_names
from maze_helpers.local_cloud.wire import models

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

DEFAULT_SORT_BY = "LastModifiedTime"
# Where the properties of a model are, in the record that tells of it.
_MODEL = "Model"


class _Searched(NamedTuple):
    """A resource that can be searched for. record: the model's shape of what is found."""

    kind: Kind
    record: str
    default_sort_by: str = DEFAULT_SORT_BY


_SEARCHED = {
    "Endpoint": _Searched(ENDPOINT, "Endpoint"),
    # It is never modified.
    "Model": _Searched(MODEL, "ModelDashboardModel", "Model.CreationTime"),
    "TrainingJob": _Searched(TRAINING_JOB, "TrainingJob"),
}


class _Hit(NamedTuple):
    """A record that was found. key: what it is sorted by, [] where it has no such property."""

    key: list[Any]
    name: str
    record: Document


class Search:
    """The operations that search."""

    def __init__(self, cloud: LocalCloud, resources: Resources) -> None:
        self.cloud = cloud
        self.resources = resources
        self.operations: dict[str, Callable[[dict[str, Any], AccessKey], dict[str, Any]]] = {
            "GetSearchSuggestions": self.get_search_suggestions,
            "Search": self.search,
        }

    def search(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return a page of the resources that satisfy an expression."""
        searched = _searched("Search", request)
        refuse("Search", "", request, ("VisibilityConditions",))
        hits = self._hits(searched, request)
        order = _order(request.get("SortOrder") != "Ascending")
        hits.sort(key=cmp_to_key(order))
        rest = hits
        if "NextToken" in request:
            last = _read_token(request["NextToken"])
            rest = [hit for hit in hits if order(hit, last) > 0]
        size = request.get("MaxResults", DEFAULT_PAGE_SIZE)
        page = rest[:size]
        result: dict[str, Any] = {
            "Results": [{request["Resource"]: hit.record} for hit in page],
            "TotalHits": {"Value": len(hits), "Relation": "EqualTo"},
        }
        if len(rest) > size:
            result["NextToken"] = _make_token(page[-1])
        return result

    def _hits(self, searched: _Searched, request: dict[str, Any]) -> list[_Hit]:
        shape = models.service_model("sagemaker").shape_for(searched.record)
        sort_by = sort_property(shape, request.get("SortBy", searched.default_sort_by))
        expression = request.get("SearchExpression")
        matches = _matches_always if expression is None else condition_of(expression, shape)
        if request.get("CrossAccountFilterOption") == "CrossAccount":
            # No other account makes anything known to this one.
            return []
        return [
            _Hit(sort_key(sort_by, record), name, record)
            for name, record in self._records(searched)
            if matches(record)
        ]

    def _records(self, searched: _Searched) -> list[tuple[str, Document]]:
        """Return the names of all resources of a kind, and what Search shows of each."""
        kind, service = searched.kind, models.service_model("sagemaker")
        is_model = kind is MODEL
        members = service.shape_for("Model" if is_model else searched.record).members
        tags = self._tags(kind)
        records = []
        for document in self.resources.documents(kind):
            record = {name: value for name, value in document.items() if name in members}
            record["Tags"] = tags.get(document[kind.arn_member], [])
            records.append((document[kind.name_member], {_MODEL: record} if is_model else record))
        return records

    def _tags(self, kind: Kind) -> dict[str, list[dict[str, str]]]:
        """Return the tags of all resources of a kind by their ARNs."""
        rows = self.cloud.store.connection.execute(
            "SELECT arn, key, value FROM sagemaker_tags WHERE arn IN "
            "(SELECT arn FROM sagemaker_resources WHERE kind = ?) ORDER BY key",
            (kind.arn_type,),
        )
        tags: dict[str, list[dict[str, str]]] = {}
        for row in rows:
            tags.setdefault(row["arn"], []).append({"Key": row["key"], "Value": row["value"]})
        return tags

    def get_search_suggestions(self, request: dict[str, Any], caller: AccessKey) -> dict[str, Any]:
        """Return the names of hyperparameters, metrics and tags that begin with a hint."""
        searched = _searched("GetSearchSuggestions", request)
        query = request.get("SuggestionQuery", {}).get("PropertyNameQuery", {})
        names: set[str] = set()
        for _, record in self._records(searched):
            if searched.kind is MODEL:
                names |= {f"{_MODEL}.{name}" for name in pair_names(record[_MODEL])}
            else:
                names |= pair_names(record)
        hint = query.get("PropertyNameHint", "")
        found = sorted(name for name in names if name.startswith(hint))
        return {"PropertyNameSuggestions": [{"PropertyName": name} for name in found]}


def _searched(operation: str, request: dict[str, Any]) -> _Searched:
    """Return what a request searches for.

    # Differs from AWS: only what is implemented here can be searched for; experiments, their trials
    # and trial components are not.
    """
    resource = request["Resource"]
    if resource not in _SEARCHED:
        raise unsupported(operation, "Resource", resource)
    return _SEARCHED[resource]


def _matches_always(record: Document) -> bool:
    return True


def _order(descending: bool) -> Callable[[_Hit, _Hit], int]:
    """Return the comparison of hits: what has no such property comes last, a guess."""

    def compare(one: _Hit, other: _Hit) -> int:
        if bool(one.key) != bool(other.key):
            return 1 if other.key else -1
        first, second = (one.key, one.name), (other.key, other.name)
        ascending = (first > second) - (first < second)
        return -ascending if descending else ascending

    return compare


def _make_token(hit: _Hit) -> str:
    return base64.urlsafe_b64encode(json.dumps([hit.key, hit.name]).encode()).decode()


def _read_token(token: str) -> _Hit:
    try:
        key, name = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise ValidationException(INVALID_TOKEN) from error
    if not isinstance(name, str) or not _is_key(key):
        raise ValidationException(INVALID_TOKEN)
    return _Hit(key, name, {})


def _is_key(key: Any) -> bool:
    if key == []:
        return True
    if not isinstance(key, list) or len(key) != 2:
        return False
    kinds: dict[int, type | tuple[type, ...]] = {0: (int, float), 1: str}
    return key[0] in (0, 1) and isinstance(key[1], kinds[key[0]])
