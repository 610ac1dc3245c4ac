"""The check of chapter 2, task 1: an endpoint on an instance reads digits."""

import ast
from functools import partial

from maze_helpers.checks.chapter_2.endpoint import Endpoint
from maze_helpers.checks.chapter_2.endpoint_traces import Traces, had_instances
from maze_helpers.checks.chapter_2.found_endpoints import endpoints, there_first
from maze_helpers.checks.chapter_2.left_on import bill, on_instances, require_none
from maze_helpers.checks.chapter_2.logged_errors import logged_errors
from maze_helpers.checks.chapter_2.reading_endpoint import NoFormatTaken, read_digits
from maze_helpers.checks.check import Check, Missing, NothingYet, Work
from maze_helpers.checks.endpoints import require_up
from maze_helpers.checks.found import first_right
from maze_helpers.checks.script import read_script
from maze_helpers.checks.verdicts import DoneDifferently
from maze_helpers.data import digits
from maze_helpers.endpoint_bills import LOG_GROUPS
from maze_helpers.notebooks import STUB

PREFIX = "maze-endpoint"
SCRIPT = "src/predict.py"
# The cells that a participant writes.
WRITE_SCRIPT, MAKE_MODEL, DEPLOY, PREDICT, DELETE = range(1, 6)


def _look(work: Work) -> str | DoneDifferently:
    known = list(endpoints(work, PREFIX))
    candidates = (each for each in known if each.as_told or had_instances(work, each))
    found = first_right(there_first(candidates), PREFIX, partial(_judge, work, known))
    if found is None:
        raise _none_found(work)
    return found


def _judge(work: Work, known: list[Endpoint], endpoint: Endpoint) -> str | DoneDifferently:
    name = endpoint.name
    if had_instances(work, endpoint) is False:
        raise Missing(
            f"{name} is serverless; this task asks for one on an instance: "
            "deploy(initial_instance_count=1, instance_type='ml.m5.large').",
            DEPLOY,
        )
    if endpoint.is_asynchronous:
        raise Missing(
            f"{name} is asynchronous; this task asks for one that answers at once: deploy it "
            "without async_inference_config.",
            DEPLOY,
        )
    said = _judge_present(work, endpoint) if endpoint.is_there else _judge_gone(work, endpoint)
    require_none(work.session, on_instances(known, but=name), DELETE)
    return said


def _judge_present(work: Work, endpoint: Endpoint) -> str | DoneDifferently:
    name = endpoint.name
    try:
        require_up(name, endpoint.described, script=WRITE_SCRIPT)
    except Missing as missing:
        if missing.step != WRITE_SCRIPT:
            raise
        raise Missing(f"{missing}{_why_failed(work, name, str(missing))}", WRITE_SCRIPT) from (
            missing
        )
    bills = f"It {bill(work.session, endpoint)} until you delete it."
    try:
        accuracy = read_digits(work.session, name, WRITE_SCRIPT, MAKE_MODEL)
    except NoFormatTaken:
        if not Traces(work, endpoint).answers_as_it_is():
            raise
        return DoneDifferently(
            f"{name} answers on {_machines(endpoint)}, in a format of its own, so that whether "
            f"its digits are right was not judged. {bills}"
        )
    return (
        f"{name} answers on {_machines(endpoint)} and reads {accuracy:.1%} of the "
        f"{len(digits()[1])} held-out digits. {bills}"
    )


def _machines(endpoint: Endpoint) -> str:
    """Return what an endpoint runs on, such as "2 ml.m5.large and 1 ml.c5.xlarge"."""
    counts = {
        variant["VariantName"]: variant.get("CurrentInstanceCount", 1)
        for variant in endpoint.described["ProductionVariants"]
    }
    return " and ".join(
        f"{counts.get(variant['VariantName'], 1)} {variant.get('InstanceType', 'instance')}"
        for variant in endpoint.variants
    )


def _why_failed(work: Work, name: str, known: str) -> str:
    """Return what is to be added to what is known of why an endpoint failed; on AWS that is little.

    Example: " Its log says: ModuleNotFoundError: No module named 'jobllib'".
    """
    if _lacks_model_fn(work):
        return f" {SCRIPT} defines no function model_fn, which loads the model."
    errors = [] if "Error" in known else logged_errors(work.session, f"{LOG_GROUPS}{name}")
    return f" Its log says: {errors[-1]}" if errors else ""


def _judge_gone(work: Work, endpoint: Endpoint) -> str:
    answered = Traces(work, endpoint).answers()
    if not answered:
        raise Missing(
            f"{endpoint.name} is deleted, and never answered a call: deploy it again, and let it "
            "predict before you delete it.",
            DEPLOY,
        )
    plural = "" if answered == 1 else "s"
    return f"{endpoint.name} answered {answered} call{plural}, and is deleted."


def _none_found(work: Work) -> Missing | NothingYet:
    path = work.folder / SCRIPT
    if not path.is_file() or STUB[-1] in path.read_text(encoding="utf-8", errors="replace"):
        return NothingYet(
            f"There is no endpoint yet, and no {SCRIPT} that loads the model: begin with that.",
            WRITE_SCRIPT,
        )
    if _lacks_model_fn(work):
        return Missing(f"{SCRIPT} defines no function model_fn.", WRITE_SCRIPT)
    return Missing(
        f"There is no endpoint yet whose name begins with {PREFIX}: has model.deploy() run?",
        DEPLOY,
    )


def _lacks_model_fn(work: Work) -> bool:
    """Return whether the script is there, and says nowhere how to load the model."""
    if not (work.folder / SCRIPT).is_file():
        return False
    try:
        script = read_script(work.folder, SCRIPT)
    except Missing as missing:
        raise Missing(str(missing), WRITE_SCRIPT) from missing
    named = {name for node in ast.walk(script.tree) for name in _names(node)}
    return not named & {"model_fn", "*"}


def _names(node: ast.AST) -> set[str]:
    """Return the names that a node defines, imports or mentions."""
    return {str(getattr(node, member, "")) for member in ("name", "asname", "id")}


task_1 = Check(
    "chapter 2, task 1",
    "A real-time endpoint reads the held-out digits.",
    _look,
)
