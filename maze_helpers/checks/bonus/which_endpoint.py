"""The check of chapter 2, bonus notebook 3: one model behind three kinds of endpoints."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers.checks.check import Check, Missing
from maze_helpers.checks.endpoints import calls_counted, in_service
from maze_helpers.serving_choice import ASYNC, REAL_TIME, SERVERLESS, WAYS

UTTERANCE = "I want to order a pizza"
CALLS_NEEDED = 20
_COUNTED = {REAL_TIME: "Invocations", SERVERLESS: "Invocations", ASYNC: "InvocationsProcessed"}


def _look(session: boto3.Session, endpoints: Mapping[str, str]) -> str:
    """Look at endpoints, given by "real-time", "serverless" and "asynchronous"."""
    absent = [way for way in WAYS if way not in endpoints]
    if absent:
        raise Missing(f"No endpoint is named for {absent[0]}: give one for each of {WAYS}.")
    models, variants = {}, {}
    for way in WAYS:
        _, config = in_service(session, endpoints[way])
        kind = _kind(config)
        if kind != way:
            raise Missing(f"{endpoints[way]} is {kind}; it was given as {way}.")
        variant = config["ProductionVariants"][0]
        models[way], variants[way] = variant["ModelName"], variant["VariantName"]
    if len(set(models.values())) > 1:
        raise Missing(
            f"They serve different models ({', '.join(sorted(set(models.values())))}): a "
            "comparison needs the same one behind all three."
        )
    intents = {endpoints[way]: _ask(session, endpoints[way]) for way in WAYS if way != ASYNC}
    if len(set(intents.values())) > 1:
        raise Missing(f"They do not agree on '{UTTERANCE}': {intents}.")
    calls = {
        way: calls_counted(session, _COUNTED[way], endpoints[way], variants[way], CALLS_NEEDED)
        for way in WAYS
    }
    for way, count in calls.items():
        if count < CALLS_NEEDED:
            raise Missing(
                f"CloudWatch has counted {count:.0f} calls of {endpoints[way]}; percentiles need "
                f"{CALLS_NEEDED} at least."
            )
    counted = ", ".join(f"{way} {count:.0f}" for way, count in calls.items())
    return f"One model behind three endpoints, which agree; calls counted: {counted}."


def _kind(config: Mapping[str, Any]) -> str:
    if "AsyncInferenceConfig" in config:
        return ASYNC
    return SERVERLESS if "ServerlessConfig" in config["ProductionVariants"][0] else REAL_TIME


def _ask(session: boto3.Session, endpoint: str) -> str:
    """Return the intent that an endpoint names; raise Missing, if it does not answer with one."""
    try:
        answer = session.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint,
            ContentType="application/json",
            Accept="application/json",
            Body=json.dumps({"text": UTTERANCE}),
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("ModelError", "ThrottlingException"):
            raise
        raise Missing(f"{endpoint} does not answer '{UTTERANCE}': {code}; its log says why.") from (
            error
        )
    body = answer["Body"].read()
    try:
        return json.loads(body)["predictions"][0]["intent"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Missing(
            f"{endpoint} answers {body[:60]!r}, not {{'predictions': [{{'intent': …}}]}}."
        ) from error


which_endpoint = Check(
    "bonus, chapter 2, notebook 3",
    "The same model answers in real time, serverless and asynchronously, and was measured.",
    _look,
)
