"""The checks of tasks 1 and 2, and endpoints as other people make them: right and wrong ones."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError
from checked_work import LOAD, assert_is, check, forest, now
from endpoint_case import INSTANCE, EndpointMaker
from training_job import local_session

from maze_helpers.checks import Done, DoneDifferently, NotYet, endpoints
from maze_helpers.checks.chapter_2 import real_time, serverless
from maze_helpers.cleanup import delete_endpoint

# Takes JSON alone, and answers with objects of its own.
OBJECTS = (
    LOAD
    + """
import json
import numpy as np

def input_fn(body, content_type):
    if content_type != "application/json":
        raise ValueError("JSON, please")
    return np.array(json.loads(body))

def output_fn(predicted, accept):
    rows = [{"confidence": 1.0, "digit": str(digit)} for digit in predicted]
    return json.dumps({"answers": rows}), "application/json"
"""
)
# Takes CSV with a header, and answers with CSV, whatever it is asked.
TABLES = (
    LOAD
    + """
import io
import pandas as pd

def input_fn(body, content_type):
    if content_type != "text/csv":
        raise ValueError("CSV, please")
    return pd.read_csv(io.StringIO(body)).to_numpy()

def output_fn(predicted, accept):
    return "\\n".join(map(str, predicted)), "text/csv"
"""
)
INSTANCES = (
    LOAD
    + """
import json

def input_fn(body, content_type):
    return json.loads(body)["instances"]
"""
)
# Answers with CSV, and with nothing else.
CSV_ONLY = (
    LOAD
    + """
def output_fn(predicted, accept):
    if accept != "text/csv":
        raise ValueError("Unsupported accept " + accept)
    return "\\n".join(map(str, predicted)), accept
"""
)
# One image a call, by a name of its own.
PICTURES = (
    LOAD
    + """
import json

def input_fn(body, content_type):
    return [json.loads(body)["picture"]]
"""
)
# Fails at what it has read.
CLUMSY = LOAD + "\ndef output_fn(predicted, accept):\n    raise ValueError('dropped')\n"
GUESSING = LOAD + "\ndef predict_fn(pixels, model):\n    return pixels[:, 0] * 0 + 7\n"
MUTE = LOAD + "\ndef output_fn(predicted, accept):\n    return 'fine', 'text/plain'\n"
REFUSING = LOAD + "\ndef input_fn(body, content_type):\n    raise ValueError('not today')\n"
LATE = LOAD + "\nimport time\ntime.sleep(15)\n"
NO_MODEL_FN = "def load(model_dir):\n    return None\n"
SKELETON = "def model_fn(model_dir):\n    raise NotImplementedError()\n"
LESS = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
ROOMY = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 2}}
PROVISIONED = {"ServerlessConfig": LESS["ServerlessConfig"] | {"ProvisionedConcurrency": 1}}
TWO = {"InstanceType": "ml.c5.large", "InitialInstanceCount": 2}
ROW = "0," * 63 + "0"


@dataclass(frozen=True)
class Way:
    """How somebody serves the model, and what the check of a task says of it."""

    task: int
    kind: type
    words: str
    step: int | None = None
    script: str = LOAD
    name: str = "maze-endpoint-1"
    model: bytes = field(default_factory=forest, repr=False)
    variant: dict[str, Any] = field(default_factory=dict)
    calls: int = 0


WRITE, MAKE, DEPLOY = real_time.WRITE_SCRIPT, real_time.MAKE_MODEL, real_time.DEPLOY
WAYS = {
    "objects": Way(1, Done, "answers on 1 ml.m5.large", script=OBJECTS),
    "tables": Way(1, Done, "answers on 1 ml.m5.large", script=TABLES),
    "CSV alone": Way(1, Done, "answers on 1 ml.m5.large", script=CSV_ONLY),
    "instances": Way(1, Done, "answers on 1 ml.m5.large", script=INSTANCES),
    "two machines": Way(1, Done, "2 ml.c5.large", variant=TWO),
    "another name": Way(1, DoneDifferently, "not begin with maze-endpoint", name="digits"),
    "label left in": Way(1, NotYet, "expects 65 features", MAKE, model=forest(65)),
    "five digits only": Way(1, NotYet, "of 364 held-out digits", MAKE, model=forest(64, 5)),
    "guessing": Way(1, NotYet, "does it serve the model of chapter 1?", MAKE, GUESSING),
    "mute": Way(1, NotYet, "not with JSON, CSV or npy", WRITE, MUTE),
    "refusing": Way(1, NotYet, "nor as CSV or JSON: ValueError: not today", WRITE, REFUSING),
    "no model_fn": Way(1, NotYet, "defines no function model_fn", WRITE, NO_MODEL_FN),
    "a skeleton": Way(1, NotYet, "is Failed", WRITE, SKELETON),
    "serverless": Way(1, NotYet, "is serverless", DEPLOY, variant=LESS),
    "coming up": Way(1, NotYet, "still comes up", script=LATE),
    "too much memory": Way(
        2, NotYet, "2048 MB", serverless.ORDER, name="maze-serverless-1", variant=ROOMY
    ),
    "no serverless": Way(
        2, NotYet, "runs on an instance", serverless.DEPLOY, name="maze-serverless-1"
    ),
    "the first test only": Way(
        2, NotYet, "a load test makes 100", serverless.OPEN_LOOP, name="d", variant=LESS, calls=50
    ),
    "another serverless name": Way(
        2, DoneDifferently, "not begin with maze-serverless", name="d", variant=LESS, calls=100
    ),
    "provisioned": Way(
        2, Done, "bills until", name="maze-serverless-1", variant=PROVISIONED, calls=100
    ),
    "a name of task 1": Way(
        2, DoneDifferently, "not begin with maze-serverless", variant=LESS, calls=100
    ),
}


@pytest.fixture(scope="module")
def maker(local_cloud):
    with local_session(local_cloud) as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoints, "BEHIND_LOCALLY_S", 0.5)
        maker = EndpointMaker(session)
        yield maker
        maker.delete_all()


def serve(maker: EndpointMaker, name: str, way: Way) -> None:
    """Make an endpoint, wait for it unless it comes up late, and call it."""
    workers = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    files = {"model.joblib": way.model}
    maker.create(name, way.script, files, wait=False, environment=workers, **way.variant)
    if way.script != LATE:
        try:
            maker.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)
        except WaiterError:
            assert way.script in (NO_MODEL_FN, SKELETON)
    runtime = maker.session.client("sagemaker-runtime")
    for _ in range(way.calls):
        runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=f"{ROW}\n{ROW}")


def forget(maker: EndpointMaker, name: str) -> None:
    """Delete an endpoint with all that tells of it."""
    delete_endpoint(maker.sagemaker, name)
    maker.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    maker.sagemaker.delete_model(ModelName=name)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_each_way_gets_its_verdict(maker, tmp_path, way):
    chosen, since = WAYS[way], now()
    name = f"{chosen.name}-{now():%f}"  # The log of another of the same name would stay.
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "predict.py").write_text(chosen.script)
    serve(maker, name, chosen)
    try:
        verdict = check(chosen.task, maker.session, since, tmp_path)
        assert_is(verdict, chosen.kind, chosen.words, step=chosen.step)
    finally:
        forget(maker, name)


@pytest.mark.slow
def test_an_endpoint_that_is_there_is_spoken_of_before_a_deleted_one(maker, tmp_path):
    since = now()
    serve(maker, "maze-endpoint-gone", WAYS["objects"])
    forget(maker, "maze-endpoint-gone")
    serve(maker, "ours", WAYS["guessing"])
    said = check(1, maker.session, since, tmp_path)
    forget(maker, "ours")
    assert_is(said, NotYet, "ours reads", "does it serve the model of chapter 1?", step=MAKE)


@pytest.mark.slow
def test_an_older_endpoint_that_is_left_on_is_told_and_one_that_failed_is_not(maker, tmp_path):
    since, way = now(), WAYS["objects"]
    serve(maker, "maze-endpoint-old", way)
    serve(maker, "maze-endpoint-new", way)
    said = check(1, maker.session, since, tmp_path)
    assert_is(said, NotYet, "maze-endpoint-old still runs and bills 0.115", step=real_time.DELETE)
    forget(maker, "maze-endpoint-old")
    serve(maker, "maze-endpoint-none", WAYS["a skeleton"])
    assert_is(check(1, maker.session, since, tmp_path), Done, "maze-endpoint-new answers")
    for name in ("maze-endpoint-new", "maze-endpoint-none"):
        forget(maker, name)


@pytest.mark.slow
@pytest.mark.parametrize(("called", "kind"), [(False, NotYet), (True, Done)])
def test_what_is_deleted_with_its_configuration_is_known_by_its_calls(
    maker, tmp_path, called, kind
):
    since, name = now(), f"maze-endpoint-{called}"
    serve(maker, name, Way(1, kind, "", calls=int(called)))
    forget(maker, name)
    words = "answered 1 call, and is deleted" if called else "never answered a call"
    step = None if called else real_time.DEPLOY
    assert_is(check(1, maker.session, since, tmp_path), kind, name, words, step=step)


@pytest.mark.slow
def test_a_configuration_of_another_name_tells_of_an_endpoint_that_is_deleted(maker, tmp_path):
    serve(maker, "maze-endpoint-model", WAYS["objects"])
    since, name, sagemaker = now(), "digits-serverless", maker.sagemaker
    variant = {"VariantName": "All", "ModelName": "maze-endpoint-model"} | ROOMY
    sagemaker.create_endpoint_config(EndpointConfigName="other", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="other")
    delete_endpoint(sagemaker, name)
    verdict = check(2, maker.session, since, tmp_path)
    sagemaker.delete_endpoint_config(EndpointConfigName="other")
    forget(maker, "maze-endpoint-model")
    assert_is(verdict, NotYet, name, "2048 MB", step=serverless.ORDER)


@pytest.mark.slow
def test_an_endpoint_without_its_configuration_is_judged_all_the_same(maker, tmp_path):
    since, sagemaker = now(), maker.sagemaker
    serve(maker, "maze-endpoint-bare", WAYS["objects"])
    serve(maker, "maze-serverless-bare", Way(2, Done, "", variant=LESS, calls=100))
    for name in ("maze-endpoint-bare", "maze-serverless-bare"):
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    real, less = (check(task, maker.session, since, tmp_path) for task in (1, 2))
    delete_endpoint(sagemaker, "maze-endpoint-bare")
    alone = check(2, maker.session, since, tmp_path)
    delete_endpoint(sagemaker, "maze-serverless-bare")
    assert_is(real, Done, "answers on 1 instance", "bills by the hour on AWS until")
    assert_is(less, NotYet, "maze-endpoint-bare still runs and bills by the hour on AWS")
    assert_is(alone, Done, "in 1024 MB")


@pytest.mark.slow
def test_a_configuration_that_is_nobodys_is_not_taken_for_a_deleted_endpoints(maker, tmp_path):
    since, sagemaker = now(), maker.sagemaker
    serve(maker, "maze-endpoint-first", Way(1, Done, "", calls=1))
    variant = {"VariantName": "All", "ModelName": "maze-endpoint-first"}
    for name, kind in (("maze-serverless-one", LESS), ("spare", ROOMY)):
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant | kind]
        )
    serve(maker, "maze-endpoint-second", Way(1, Done, "", calls=1))
    forget(maker, "maze-endpoint-second")
    forget(maker, "maze-endpoint-first")
    verdict = check(1, maker.session, since, tmp_path)
    for name in ("maze-serverless-one", "spare"):
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    assert_is(verdict, Done, "maze-endpoint-second answered 1 call")


@pytest.mark.slow
def test_a_format_of_its_own_is_right_if_it_answers_its_callers(maker, tmp_path):
    since, name = now(), "maze-endpoint-pictures"
    serve(maker, name, Way(1, Done, "", script=PICTURES))
    unused = check(1, maker.session, since, tmp_path)
    picture = json.dumps({"picture": [0] * 64})
    runtime = maker.session.client("sagemaker-runtime")
    runtime.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=picture)
    used = check(1, maker.session, since, tmp_path)
    forget(maker, name)
    assert_is(unused, NotYet, "takes the digits neither as npy", step=WRITE)
    assert_is(used, DoneDifferently, f"{name} answers on 1 ml.m5.large", "format of its own")


@pytest.mark.slow
def test_an_error_of_an_earlier_call_is_not_taken_for_the_checks(maker, tmp_path):
    since, name = now(), "maze-endpoint-clumsy"
    serve(maker, name, Way(1, NotYet, "", script=CLUMSY))
    runtime = maker.session.client("sagemaker-runtime")
    with pytest.raises(ClientError):
        runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=f"{ROW},0\n" * 2)
    logs = maker.session.client("logs")
    group = f"/aws/sagemaker/Endpoints/{name}"
    while not logs.filter_log_events(logGroupName=group, filterPattern='"features"')["events"]:
        time.sleep(0.1)
    verdict = check(1, maker.session, since, tmp_path)
    forget(maker, name)
    assert_is(verdict, NotYet, "ValueError: dropped", step=WRITE)


@pytest.mark.slow
def test_a_load_test_whose_calls_the_model_fails_at_is_none(maker, tmp_path):
    since, name = now(), "maze-serverless-failing"
    serve(maker, name, Way(2, NotYet, "", variant=LESS))
    runtime = maker.session.client(
        "sagemaker-runtime", config=Config(retries={"total_max_attempts": 1})
    )
    for _ in range(100):
        with pytest.raises(ClientError, match="ModelError"):
            runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body="a,b\nc,d")
    there = check(2, maker.session, since, tmp_path)
    forget(maker, name)
    deleted = check(2, maker.session, since, tmp_path)
    for verdict in (there, deleted):
        assert_is(verdict, NotYet, "In 100 of its 10", name, step=serverless.FORK)


@pytest.mark.slow
def test_an_asynchronous_endpoint_is_named_as_one_and_two_variants_are_both_told(maker, tmp_path):
    serve(maker, "maze-endpoint-parts", WAYS["objects"])
    since, sagemaker = now(), maker.sagemaker
    variants = [
        {"VariantName": name, "ModelName": "maze-endpoint-parts"} | machine
        for name, machine in (("All", INSTANCE), ("More", TWO))
    ]
    late = {"OutputConfig": {"S3OutputPath": "s3://endpoints/late"}}
    kinds = {
        "maze-endpoint-late": {"ProductionVariants": variants[:1], "AsyncInferenceConfig": late},
        "maze-endpoint-both": {"ProductionVariants": variants},
    }
    said = {}
    for name, config in kinds.items():
        sagemaker.create_endpoint_config(EndpointConfigName=name, **config)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)
        said[name] = check(1, maker.session, since, tmp_path)
        delete_endpoint(sagemaker, name)
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    forget(maker, "maze-endpoint-parts")
    assert_is(said["maze-endpoint-late"], NotYet, "late is asynchronous", step=DEPLOY)
    assert_is(said["maze-endpoint-both"], Done, "on 1 ml.m5.large and 2 ml.c5.large")


def throttled(**_):
    answer = {"Error": {"Code": "ThrottlingException"}}
    return AWSResponse("", 400, {}, None), answer


@pytest.mark.slow
def test_one_that_refuses_calls_is_busy_and_the_check_not_broken(maker, tmp_path):
    since = now()
    serve(maker, "maze-endpoint-busy", WAYS["objects"])
    busy = boto3.Session()
    busy.events.register("before-call.sagemaker-runtime.InvokeEndpoint", throttled)
    verdict = check(1, busy, since, tmp_path)
    forget(maker, "maze-endpoint-busy")
    assert_is(verdict, NotYet, "maze-endpoint-busy is busy", "check again")
