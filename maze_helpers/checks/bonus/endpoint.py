"""The check of chapter 2's bonus notebook 2: an endpoint that keeps the handlers' agreement."""

import csv
import io
import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers.checks.bonus.inference_script import judge_predictions
from maze_helpers.checks.check import Check, Missing
from maze_helpers.checks.endpoints import in_service

# One with a comma, so that CSV has to be quoted.
UTTERANCES = (
    "I want to order a pizza",
    "hello, where is my parcel?",
    "how do I get my password back",
)
TOP_K = 3
JSON, CSV = "application/json", "text/csv"


def _look(session: boto3.Session, endpoint_name: str) -> str:
    in_service(session, endpoint_name)
    request = json.dumps({"text": list(UTTERANCES), "top_k": TOP_K})
    predictions = _json_predictions(_answer(session, endpoint_name, request, JSON, JSON))
    intents = [prediction["intent"] for prediction in predictions]
    table = io.StringIO()
    csv.writer(table).writerows([utterance] for utterance in UTTERANCES)
    rows = list(
        csv.reader(io.StringIO(_answer(session, endpoint_name, table.getvalue(), CSV, CSV)))
    )
    if [row[0] for row in rows if row] != intents:
        raise Missing(
            f"{endpoint_name} answers the same utterances as CSV with {len(rows)} lines that "
            f"differ from the answer in JSON: {intents} are due, one a line, with their scores."
        )
    _require_refusal(session, endpoint_name)
    return (
        f"{endpoint_name} says the same in JSON and CSV, ranks {TOP_K} intents for an utterance, "
        f"and refuses what it cannot read. For {UTTERANCES[0]!r} it answers {intents[0]}."
    )


def _answer(
    session: boto3.Session, endpoint_name: str, body: str, content_type: str, accept: str
) -> str:
    """Return what the endpoint answers; raise Missing, if its handlers fail."""
    try:
        answer = _invoke(session, endpoint_name, body, content_type, accept)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ModelError":
            raise
        said = error.response["Error"]["Message"].splitlines()[0]
        raise Missing(f"{endpoint_name} cannot answer {content_type}: {said}") from error
    return answer


def _invoke(
    session: boto3.Session, endpoint_name: str, body: str, content_type: str, accept: str
) -> str:
    answer = session.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint_name, ContentType=content_type, Accept=accept, Body=body.encode()
    )
    return answer["Body"].read().decode(errors="replace")


def _json_predictions(text: str) -> list[dict[str, Any]]:
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise Missing("The endpoint was asked for JSON and answers with something else.") from error
    predictions = answer.get("predictions") if isinstance(answer, dict) else None
    judge_predictions(predictions)
    if len(predictions) != len(UTTERANCES):
        raise Missing(f"{len(UTTERANCES)} utterances get {len(predictions)} predictions.")
    short = [row for row in predictions if len(row.get("top", [])) != TOP_K]
    if short:
        raise Missing(f"A request with top_k {TOP_K} gets {len(short[0].get('top', []))} intents.")
    return predictions


def _require_refusal(session: boto3.Session, endpoint_name: str) -> None:
    try:
        answer = _invoke(session, endpoint_name, "no JSON at all", JSON, JSON)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ModelError":
            raise
        return
    raise Missing(
        f"{endpoint_name} takes 'no JSON at all' for JSON and answers {answer[:60]!r}: let "
        "input_fn raise an error."
    )


endpoint = Check(
    "chapter 2, bonus 2",
    "An endpoint answers JSON and CSV alike, ranks intents, and refuses what it cannot read.",
    _look,
)
