"""The checks of chapter 1: the digits model, trained four ways."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from maze_helpers import data
from maze_helpers.checks.check import Check, Missing
from maze_helpers.checks.jobs import completed_job
from maze_helpers.checks.model import (
    ACCURACY_NEEDED,
    OtherVersion,
    find_models,
    judge_model,
    load_artifact,
    load_model,
)
from maze_helpers.checks.script import Run, Script, read_script, run_script
from maze_helpers.metrics import NUMBER, metric_definitions, scrape, scrape_metric

REPORTED = ("precision", "recall", "f1")
# Enough trees to pass, and not scikit-learn's default of 100.
TREES = 120
# Fewer points than this make no curve.
ROUNDS_NEEDED = 3
# How a script ends that is given a folder for a file, or the reverse.
PATH_ERROR = re.compile("IsADirectory|NotADirectory|FileNotFound|PermissionError")
HERE = Path()
LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def _look_at_task_1(folder: Path = HERE) -> str:
    script = read_script(folder, "train.py")
    before = find_models(folder)
    run = run_script(script)
    if run.exit_code:
        raise Missing(f"`python train.py` fails with {run.last_word!r}.")
    _judge_printed(run)
    saved = [path for path, changed in find_models(folder).items() if before.get(path) != changed]
    if not saved:
        raise Missing(
            "train.py saves no model in this folder: joblib.dump(model, 'model.joblib') does."
        )
    return f"train.py saves {saved[0].name}: {judge_model(load_model(saved[0], saved[0].name))}"


def _judge_printed(run: Run) -> None:
    printed = run.stdout.lower()
    for name in REPORTED:
        if not re.search(rf"{name}.*?{NUMBER}", printed, re.DOTALL):
            raise Missing(f"train.py does not print {name} with its value.")


def _look_at_task_2(folder: Path = HERE) -> str:
    script = read_script(folder, "src/train.py")
    for function in ("main", "fit"):
        if function not in script.functions:
            raise Missing(f"src/train.py defines no function {function}.")
    if not script.options:
        raise Missing("src/train.py takes no arguments: let main read them with argparse.")
    if script.calls_when_imported("main"):
        raise Missing(
            "Importing src/train.py starts the training: call main() under "
            "`if __name__ == '__main__':`."
        )
    with tempfile.TemporaryDirectory() as scratch:
        model = _train_with_arguments(script, Path(scratch))
    trees = getattr(model, "n_estimators", TREES)
    if any("estimators" in option for option in script.options) and trees != TREES:
        raise Missing(
            f"src/train.py was asked for {TREES} trees and grew {trees}: "
            "pass the argument on from main to fit."
        )
    return f"src/train.py trains by its arguments: {judge_model(model)}"


def _train_with_arguments(script: Script, scratch: Path) -> object:
    """Return the model that the script saves where an argument tells it to.

    An argument for data may mean a folder or a CSV file; each is tried.
    """
    if not any(_means_model(option) for option in script.options):
        raise Missing("src/train.py takes no argument for where the model goes: add --model-dir.")
    first = None
    for number, (data_is_file, model_is_file) in enumerate(
        [(False, False), (True, False), (False, True), (True, True)]
    ):
        target = scratch / str(number)
        target.mkdir()
        where = target / "model.joblib" if model_is_file else target
        run = run_script(script, list(_arguments(script, where, data_is_file)))
        first = first or run
        saved = list(find_models(target))
        if not run.exit_code and saved:
            return load_model(saved[0], saved[0].name)
        if not (run.exit_code and PATH_ERROR.search(run.last_word)):
            break
    if first.exit_code:
        raise Missing(f"src/train.py fails when given arguments, with {first.last_word!r}.")
    raise Missing("src/train.py does not save the model in the folder its argument names.")


def _arguments(script: Script, model: Path, data_is_file: bool) -> Iterator[str]:
    for option in script.options:
        if _means_model(option):
            yield from (option, str(model))
        elif "estimators" in option:
            yield from (option, str(TREES))
        elif re.match("--(train|test|valid|data)", option):
            held_out = re.match("--(test|valid)", option)
            csv = data.TEST_CSV if held_out else data.TRAIN_CSV
            yield from (option, str(csv if data_is_file else csv.parent))


def _means_model(option: str) -> bool:
    return bool(re.search("model|output", option))


def _look_at_task_3(session: boto3.Session, job_name: str, folder: Path = HERE) -> str:
    script = read_script(folder, "src/train.py")
    for variable in ("SM_MODEL_DIR", "SM_CHANNEL_TRAIN"):
        if variable not in script.strings:
            raise Missing(
                f"src/train.py does not read {variable}: "
                f"make os.environ.get('{variable}') the default of its argument."
            )
    job = completed_job(session, job_name)
    channels = [channel["ChannelName"] for channel in job.get("InputDataConfig", [])]
    if "train" not in channels:
        raise Missing("The job had no channel named train: fit({'train': s3_url}) gives it one.")
    try:
        judgement = judge_model(_download_model(session, job))
    except OtherVersion as other:
        # On AWS the image's scikit-learn is older than what a notebook of today has.
        judgement = f"{other} {_judge_by_log(session, job_name)}"
    return f"{job_name} left a model in S3: {judgement}"


def _judge_by_log(session: boto3.Session, job_name: str) -> str:
    """Return one sentence on the scores that the job printed; raise Missing, if they are low."""
    definitions = metric_definitions("accuracy", *REPORTED)
    printed = scrape(_log_lines(session, job_name), definitions)
    scores = [values[-1] for values in printed.values() if values]
    if not scores:
        raise Missing("The job printed no score, such as f1=0.97, to judge its model by.")
    if min(scores) < ACCURACY_NEEDED:
        raise Missing(
            f"The job's log has a score of {min(scores):.1%}; {ACCURACY_NEEDED:.0%} are needed."
        )
    return f"By the job's own log, its scores are {min(scores):.1%} or better."


def _download_model(session: boto3.Session, job: dict) -> object:
    url = job["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, key = url.removeprefix("s3://").split("/", 1)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.tar.gz")
        try:
            session.client("s3").download_file(bucket, key, str(path))
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NoSuchBucket"):
                raise
            raise Missing(
                f"There is no {url}: does train.py save its model where SM_MODEL_DIR says?"
            ) from error
        return load_artifact(path)


def _look_at_task_4(session: boto3.Session, job_name: str) -> str:
    job = completed_job(session, job_name)
    definitions = job["AlgorithmSpecification"].get("MetricDefinitions", [])
    if not definitions:
        raise Missing("The job has no metric definitions: give the estimator metric_definitions.")
    final = {row["MetricName"]: row["Value"] for row in job.get("FinalMetricDataList", [])}
    for metric in REPORTED:
        _judge_metric(metric, [row["Name"] for row in definitions], final)
    rounds = _longest_curve(definitions, _log_lines(session, job_name))
    if rounds < ROUNDS_NEEDED:
        raise Missing(
            "No metric was reported more than once or twice, so there is no curve: "
            "print one after each round of training."
        )
    return f"SageMaker knows {', '.join(sorted(final))} of {job_name}, one over {rounds} rounds."


def _judge_metric(metric: str, defined: list[str], final: dict[str, float]) -> None:
    names = [name for name in defined if metric in name.lower()]
    if not names:
        raise Missing(f"No metric definition is for {metric}.")
    found = [final[name] for name in names if name in final]
    if not found:
        raise Missing(
            f"The regex of {names[0]} matched nothing in the log: "
            "compare it with the line that train.py prints."
        )
    if not all(0 <= value <= 1 for value in found):
        raise Missing(
            f"{names[0]} is {found[0]:g}, not between 0 and 1: what does its regex capture?"
        )


def _longest_curve(definitions: list[dict[str, str]], lines: list[str]) -> int:
    return max(len(scrape_metric(row["Regex"], lines)) for row in definitions)


def _log_lines(session: boto3.Session, job_name: str) -> list[str]:
    pages = (
        session.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job_name}/")
    )
    return [event["message"] for page in pages for event in page["events"]]


task_1 = Check(
    "chapter 1, task 1",
    "train.py trains a digits model, prints precision, recall and f1, and saves the model.",
    _look_at_task_1,
)
task_2 = Check(
    "chapter 1, task 2",
    "src/train.py has main and fit, and trains by the arguments it is given.",
    _look_at_task_2,
)
task_3 = Check(
    "chapter 1, task 3",
    "A training job completes, and its model is in S3.",
    _look_at_task_3,
)
task_4 = Check(
    "chapter 1, task 4",
    "A training job reports precision, recall, f1 and a metric a round.",
    _look_at_task_4,
)
