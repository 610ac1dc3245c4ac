"""Endpoints that are left on, and what that costs."""

from collections.abc import Iterable

import boto3

from maze_helpers import cost
from maze_helpers.checks.chapter_2.endpoint import Endpoint
from maze_helpers.checks.check import Missing


def bill(session: boto3.Session, endpoint: Endpoint) -> str:
    """Return what an endpoint on instances does while it is there: it bills so much an hour."""
    counts = {
        variant["VariantName"]: variant.get("CurrentInstanceCount")
        for variant in endpoint.described.get("ProductionVariants", [])
    }
    prices = [
        (counts.get(variant["VariantName"]) or variant.get("InitialInstanceCount", 1), price)
        for variant in endpoint.variants
        if (
            price := cost.usd_per_hour(
                variant.get("InstanceType", ""), "hosting", session.region_name
            )
        )
    ]
    if len(prices) < len(endpoint.variants) or not prices:
        return "bills by the hour on AWS"
    return f"bills {sum(count * price for count, price in prices):g} USD an hour on AWS"


def left_on(endpoints: Iterable[Endpoint], but: str = "") -> list[Endpoint]:
    """Return the endpoints that are there, all but the one of that name; those that bill first."""
    left = [
        endpoint
        for endpoint in endpoints
        if endpoint.is_there
        and endpoint.name != but
        # One that failed to come up has no instances, and answers nobody.
        and endpoint.described["EndpointStatus"] != "Failed"
    ]
    return sorted(left, key=lambda endpoint: bool(endpoint.is_serverless))


def on_instances(endpoints: Iterable[Endpoint], but: str = "") -> list[Endpoint]:
    """Return those of them that bill while they are there."""
    return [endpoint for endpoint in left_on(endpoints, but) if not endpoint.is_serverless]


def require_none(
    session: boto3.Session, endpoints: Iterable[Endpoint], step: int | None = None
) -> None:
    """Raise Missing, if there is an endpoint: it says which, what it costs, and the way out."""
    for endpoint in endpoints:
        # By its name: the notebook's predictor may be that of another endpoint.
        way_out = f'delete it with sm.delete_endpoint(EndpointName="{endpoint.name}").'
        if endpoint.is_serverless:
            state = "is still there, for anyone who may call it"
        else:
            state = f"still runs and {bill(session, endpoint)}"
        raise Missing(f"{endpoint.name} {state}: {way_out}", step)
