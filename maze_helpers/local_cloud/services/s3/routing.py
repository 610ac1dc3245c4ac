"""Which of S3's operations a request is, by the model that botocore ships."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import botocore.session
from botocore.model import OperationModel

from maze_helpers.local_cloud.services.s3.errors import (
    MethodNotAllowed,
)

# Of other endpoints than a bucket's own: directory buckets and Object Lambda.
ELSEWHERE = {"ListDirectoryBuckets", "WriteGetObjectResponse"}


@dataclass(frozen=True)
class Route:
    """What a request must have to be one operation.

    target: "", "Bucket" or "Key": what the path names. query: each parameter that must be
    there, with its value or None for any. headers: those that must be there.
    """

    model: OperationModel
    method: str
    target: str
    query: Mapping[str, str | None]
    headers: Collection[str]
    subresource: str | None

    def matches(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Return whether all that it must have is there."""
        for name, value in self.query.items():
            if name not in query or value not in (None, query[name]):
                return False
        return all(name in headers for name in self.headers)


class Router:
    """Every operation of S3, implemented or not."""

    def __init__(self) -> None:
        service = botocore.session.get_session().get_service_model("s3")
        self._routes: dict[tuple[str, str], list[Route]] = {}
        self._subresources: dict[str, set[str]] = {"": set(), "Bucket": set(), "Key": set()}
        for name in service.operation_names:
            model = service.operation_model(name)
            if name not in ELSEWHERE and not model.deprecated:
                self._add(_route(model))
        for routes in self._routes.values():
            # The one that asks for most comes first: UploadPartCopy, UploadPart, PutObject.
            routes.sort(key=lambda route: len(route.query) + len(route.headers), reverse=True)

    def _add(self, route: Route) -> None:
        self._routes.setdefault((route.method, route.target), []).append(route)
        if route.subresource:
            self._subresources[route.target].add(route.subresource)

    def find(
        self, method: str, target: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> OperationModel:
        """Return the operation that a request is.

        target: "", "Bucket" or "Key". headers: by lower-case names.
        Raises: MethodNotAllowed, if there is no such operation.
        """
        asked = self._subresources[target].intersection(query) if query else None
        for route in self._routes.get((method, target), ()):
            if (asked and route.subresource not in asked) or (route.query and not query):
                continue
            if route.matches(query, headers):
                return route.model
        raise MethodNotAllowed(Method=method, ResourceType=_resource_type(target, asked))


def _route(model: OperationModel) -> Route:
    path, _, literals = model.http["requestUri"].partition("?")
    query: dict[str, str | None] = {
        name: value or None for name, value in parse_qsl(literals, keep_blank_values=True)
    }
    subresource = next((name for name, value in query.items() if value is None), None)
    headers = []
    shape = model.input_shape
    for member in shape.required_members if shape else ():
        serialization = shape.members[member].serialization
        if serialization.get("location") == "querystring":
            query[serialization["name"]] = None
        elif serialization.get("location") == "header":
            headers.append(serialization["name"].lower())
    target = "Key" if "{Key+}" in path else "Bucket" if "{Bucket}" in path else ""
    return Route(model, model.http["method"], target, query, headers, subresource)


def _resource_type(target: str, subresources: Collection[str] | None) -> str:
    if subresources:
        return sorted(subresources)[0].upper()
    return {"": "SERVICE", "Bucket": "BUCKET", "Key": "OBJECT"}[target]
