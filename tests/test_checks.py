"""What every check does: it never breaks in a learner's face, and says one sentence."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from checked_work import assert_is, now

from maze_helpers import data, notebooks, tasks
from maze_helpers.checks import (
    CHECKS,
    Check,
    CheckFailed,
    DoneDifferently,
    Missing,
    NotBegun,
    NothingYet,
    NotYet,
    OurFault,
    Work,
)
from maze_helpers.checks.chapter_1 import (
    first_script,
    job_with_metrics,
    script_with_arguments,
    training_job,
)
from maze_helpers.checks.check import belonging_to

MODULES = {
    "chapter_1/task_1": first_script,
    "chapter_1/task_2": script_with_arguments,
    "chapter_1/task_3": training_job,
    "chapter_1/task_4": job_with_metrics,
}
# What the cell of a step has in it.
CELLS = {
    "UPLOAD_STEP": "upload_file",
    "SCRIPT_STEP": "train.py\n",
    "DEFINITIONS_STEP": "metric_definitions = ",
    "ESTIMATOR_STEP": "estimator = SKLearn(",
    "FIT_STEP": "estimator.fit(",
}


def test_there_is_a_check_of_every_task():
    assert list(CHECKS) == [task.name for task in tasks.TASKS]


@pytest.mark.parametrize("task", MODULES)
def test_a_missing_thing_belongs_to_the_step_that_asks_for_it(task):
    cells = notebooks.steps(notebooks.read_notebook(tasks.find(task).solution))
    named = {n: value for n, value in vars(MODULES[task]).items() if n.endswith("_STEP")}
    assert named
    for name, step in named.items():
        assert CELLS[name] in cells[step - 1].source, (name, step)


def test_the_skeleton_has_as_many_parts_as_the_check_thinks():
    cells = notebooks.steps(notebooks.read_notebook(tasks.find("chapter_1/task_2").solution))
    script = cells[script_with_arguments.SCRIPT_STEP - 1].source
    assert script.count("### BEGIN SOLUTION") == script_with_arguments.PARTS


@pytest.mark.parametrize("task", CHECKS)
def test_every_check_called_wrongly_is_our_fault(task):
    assert isinstance(CHECKS[task].verdict(no_such_argument=1), OurFault)


def test_a_broken_check_is_our_fault_and_says_where(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "TRAIN_CSV", tmp_path / "missing.csv")
    (tmp_path / "src").mkdir()
    source = "--model-dir"
    (tmp_path / "src/train.py").write_text(
        f"import argparse\ndef fit(): pass\ndef main():\n    fit()\n"
        f"    argparse.ArgumentParser().add_argument({source!r})\n"
    )
    verdict = CHECKS["chapter_1/task_2"].verdict(Work(tmp_path, None, now()))
    assert_is(verdict, OurFault, "FileNotFoundError", "not judged")


def raising(error):
    def look():
        raise error

    return Check("chapter 1, task 9", "a goal", look)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (Missing("There is no train.py.", 2), NotYet, "There is no train.py."),
        (NothingYet("Write train.py."), NotBegun, "Write train.py."),
        (KeyError("x"), OurFault, "the check broke with KeyError: 'x'"),
        (NoCredentialsError(), NotYet, "No AWS credentials"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), NotYet, "run `maze up`"),
        (EndpointConnectionError(endpoint_url="https://s3.aws"), NotYet, "you are online"),
    ],
    ids=["missing", "nothing", "broken", "no-credentials", "down", "offline"],
)
def test_what_a_check_raises_is_a_verdict(error, kind, words):
    verdict = raising(error).verdict()
    assert isinstance(verdict, kind)
    assert words in verdict.sentence
    assert getattr(verdict, "step", None) == getattr(error, "step", None)


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        (
            "AccessDeniedException",
            "not authorized to perform: sagemaker:ListX on r",
            "sagemaker:ListX",
        ),
        ("403", "Forbidden", "HeadObject"),
        ("ExpiredTokenException", "The token has expired", "does not accept your credentials"),
        ("UnrecognizedClientException", "The token is invalid", "sign in again"),
    ],
)
def test_what_the_account_refuses_is_one_sentence(code, message, words):
    error = ClientError({"Error": {"Code": code, "Message": message}}, "HeadObject")
    assert_is(raising(error).verdict(), NotYet, words)


def test_another_error_of_aws_is_our_fault():
    error = ClientError({"Error": {"Code": "InternalFailure", "Message": "?"}}, "ListX")
    assert_is(raising(error).verdict(), OurFault, "InternalFailure")


def test_a_verdict_of_the_check_itself_is_kept():
    verdict = DoneDifferently("by hand.")
    assert Check("chapter 1, task 9", "a goal", lambda: verdict).verdict() is verdict


def test_a_step_is_given_to_what_has_none():
    with pytest.raises(Missing) as inner, belonging_to(1), belonging_to(2):
        raise Missing("x")
    assert inner.value.step == 2


def test_a_passed_check_is_shown(capsys):
    Check("chapter 1, task 9", "a goal", lambda: "all there.")()
    assert capsys.readouterr().out == "Done · chapter 1, task 9: all there.\n"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (Missing("There is no train.py."), "Not yet · chapter 1, task 9: There is no train.py."),
        (KeyError("x"), "Our fault · chapter 1, task 9: the check broke with KeyError: 'x'"),
    ],
    ids=["missing", "broken"],
)
def test_any_other_verdict_stops_the_notebook_with_one_sentence(error, shown):
    with pytest.raises(CheckFailed) as failed:
        raising(error)()
    assert str(failed.value).startswith(shown)
    (line,) = failed.value._render_traceback_()
    assert str(failed.value) in line
