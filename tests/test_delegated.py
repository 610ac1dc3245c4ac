"""Delegation to moto, for services of each protocol: it forwards, keeps a journal, replays it.

moto's state is its process's own, so each step here is a process on the same folder.
"""

import json
import subprocess
import sys

import pytest

STEP = """
import json, sys
from pathlib import Path
from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.services.delegated import Delegated

home, service, calls = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
cloud = LocalCloud(home, "http://127.0.0.1:1")
delegated = Delegated(cloud, service)
answers = [delegated.invoke(operation, **parameters) for operation, parameters in calls]
rows = cloud.store.connection.execute("SELECT COUNT(*) FROM delegated_calls").fetchone()[0]
for answer in answers:
    answer.pop("ResponseMetadata")
print(json.dumps({"answers": answers, "rows": rows}, default=str))
cloud.close()
"""
SERVICES = {
    "apigateway": (  # REST with JSON
        ["CreateRestApi", {"name": "api"}],
        ["GetRestApis", {}],
    ),
    "application-autoscaling": (  # JSON, with a region in the host
        [
            "RegisterScalableTarget",
            {
                "ServiceNamespace": "dynamodb",
                "ResourceId": "table/t",
                "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
                "MinCapacity": 1,
                "MaxCapacity": 2,
            },
        ],
        ["DescribeScalableTargets", {"ServiceNamespace": "dynamodb"}],
    ),
    "budgets": (  # JSON, without one
        [
            "CreateBudget",
            {
                "AccountId": "111122223333",
                "Budget": {
                    "BudgetName": "b",
                    "BudgetLimit": {"Amount": "1", "Unit": "USD"},
                    "TimeUnit": "MONTHLY",
                    "BudgetType": "COST",
                },
            },
        ],
        ["DescribeBudgets", {"AccountId": "111122223333"}],
    ),
    "iam": (  # query
        ["CreateUser", {"UserName": "someone"}],
        ["ListUsers", {}],
    ),
}


def step(home, service: str, *calls: list) -> dict:
    """Return what calls are answered by a new process, and how long the journal then is."""
    command = [sys.executable, "-c", STEP, str(home), service, json.dumps(calls)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def without_times(value):
    """Return an answer without its times: IAM's survive, other services' begin anew."""
    if isinstance(value, list):
        return [without_times(item) for item in value]
    if isinstance(value, dict):
        kept = {name for name in value if not name.lower().endswith(("time", "date"))}
        return {name: without_times(value[name]) for name in kept}
    return value


@pytest.mark.parametrize("service", SERVICES)
def test_what_was_made_is_the_same_in_the_next_process(tmp_path, service):
    make, read = SERVICES[service]
    first = step(tmp_path, service, make, read)
    second = step(tmp_path, service, read)
    assert without_times(second["answers"]) == without_times(first["answers"][1:])
    assert any(first["answers"][1].values())
    assert (first["rows"], second["rows"]) == (1, 1)
