"""Lists: filters, orders and pages, against an evaluation in plain Python."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.services.sagemaker.listing import list_page
from maze_helpers.local_cloud.services.sagemaker.resources import (
    ENDPOINT,
    TRAINING_JOB,
    TRANSFORM_JOB,
    Kind,
    Resources,
)
from maze_helpers.local_cloud.store import Store

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
STATUSES = ["InProgress", "Completed", "Failed"]
MOMENTS = st.integers(0, 5).map(lambda hours: START + timedelta(hours=hours))
# What they are called, when they were made and changed, and their statuses.
THINGS = st.dictionaries(
    st.text("abAB-9", min_size=1, max_size=3).filter(lambda name: name.strip("-") == name),
    st.tuples(MOMENTS, MOMENTS, st.sampled_from(STATUSES)),
    max_size=12,
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "SortBy": st.sampled_from(["Name", "CreationTime", "Status"]),
        "SortOrder": st.sampled_from(["Ascending", "Descending"]),
        "NameContains": st.text("abAB", min_size=1, max_size=2),
        "StatusEquals": st.sampled_from(STATUSES),
        "CreationTimeAfter": MOMENTS,
        "CreationTimeBefore": MOMENTS,
        "LastModifiedTimeAfter": MOMENTS,
        "LastModifiedTimeBefore": MOMENTS,
    },
)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[Store]:
    with closing(Store(tmp_path_factory.mktemp("listing") / "cloud.db")) as opened:
        yield opened


def filled(store: Store, kind: Kind, things: dict) -> Resources:
    """Return the resources of a store that has these and no others."""
    resources = Resources(store, "us-east-1", "111122223333")
    store.connection.execute("DELETE FROM sagemaker_resources")
    # Names differ by more than their case.
    for name in {name.lower(): name for name in things}.values():
        add(resources, kind, name, *things[name])
    return resources


def add(resources: Resources, kind: Kind, name: str, created, modified, status: str) -> None:
    document = {
        kind.name_member: name,
        kind.arn_member: resources.arn(kind, name),
        kind.status_member: status,
        "CreationTime": created,
        "LastModifiedTime": modified,
    }
    resources.insert(kind, document, {})


def pages(store: Store, kind: Kind, request: dict, size: int) -> Iterator[list[dict]]:
    token = None
    while token != "":
        more = {"NextToken": token} if token else {}
        documents, token = list_page(store, kind, request | {"MaxResults": size} | more)
        yield documents


def passes(kind: Kind, document: dict, request: dict) -> bool:
    """Return whether a document is one of those that a request wants."""
    created, modified = document["CreationTime"], document["LastModifiedTime"]
    inclusive = kind is ENDPOINT
    after = request.get("CreationTimeAfter", START - timedelta(days=1))
    late = START + timedelta(days=9)
    return (
        request.get("NameContains", "") in document[kind.name_member]
        and document[kind.status_member]
        == request.get("StatusEquals", document[kind.status_member])
        and (created > after or (inclusive and created == after))
        and created < request.get("CreationTimeBefore", late)
        and modified > request.get("LastModifiedTimeAfter", START - timedelta(days=1))
        and modified < request.get("LastModifiedTimeBefore", late)
    )


def expected(kind: Kind, documents: list[dict], request: dict) -> list[str]:
    keys = {
        "Name": lambda document: document[kind.name_member].lower(),
        "CreationTime": lambda document: document["CreationTime"],
        "Status": lambda document: document[kind.status_member],
    }
    key = keys[request.get("SortBy", "CreationTime")]
    wanted = [document for document in documents if passes(kind, document, request)]
    wanted.sort(key=keys["Name"])
    wanted.sort(key=key)
    if request.get("SortOrder") != "Ascending":
        wanted.reverse()
    return [document[kind.name_member] for document in wanted]


@pytest.mark.parametrize(
    "kind", [TRAINING_JOB, TRANSFORM_JOB, ENDPOINT], ids=lambda kind: kind.noun
)
def test_pages_together_are_what_passes_the_filters_in_order(store, kind):
    @given(things=THINGS, request=REQUESTS, size=st.integers(1, 5))
    def law(things, request, size):
        resources = filled(store, kind, things)
        found = list(pages(store, kind, request, size))
        assert all(len(page) <= size for page in found)
        names = [document[kind.name_member] for page in found for document in page]
        assert names == expected(kind, resources.documents(kind), request)

    law()


@given(things=THINGS, request=REQUESTS, size=st.integers(1, 3), added=THINGS)
def test_what_is_added_between_pages_moves_nothing(store, things, request, size, added):
    request.pop("StatusEquals", None)
    resources = filled(store, ENDPOINT, things)
    before = expected(ENDPOINT, resources.documents(ENDPOINT), request)
    taken = {name.lower() for name in things}
    new = {name.lower(): name for name in added if name.lower() not in taken}
    names: list[str] = []
    for page in pages(store, ENDPOINT, request, size):
        names += [document["EndpointName"] for document in page]
        if new:
            name = new.popitem()[1]
            add(resources, ENDPOINT, name, *added[name])
    assert len(set(names)) == len(names)
    assert [name for name in names if name in before] == before


@pytest.mark.parametrize(
    "token",
    [
        *("", "x", "W10=", "bnVsbA==", "WyJOYW1lIiwgMV0=", "WyJTdGF0dXMiLCAiYSIsICJiIl0="),
        pytest.param("W1tb" * 1666, id="deep"),
        # A number that no database holds.
        pytest.param(b64encode(f'["CreationTime", {10**30}, "a"]'.encode()).decode(), id="large"),
    ],
)
def test_a_token_that_was_never_given_is_refused(store, token):
    filled(store, ENDPOINT, {})
    with pytest.raises(ValidationException) as refused:
        list_page(store, ENDPOINT, {"NextToken": token})
    assert refused.value.message == 'Invalid pagination token because "{0}".'  # observed
