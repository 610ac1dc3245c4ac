"""Finding the work in the cloud: what was created since somebody began, the newest first."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from maze_helpers.checks.check import Missing, StillRunning, Work
from maze_helpers.checks.verdicts import DoneDifferently
from maze_helpers.job_kinds import TRAINING, JobKind, describe_job

# So many candidates are looked at: one that is older has been tried again since.
LOOKED_AT = 12
# What the package makes by itself is nobody's work.
NOT_THEIRS = ("maze-digits-", "maze-intents-")


@dataclass(frozen=True)
class Candidate:
    """Something that may be the work. described: what Describe answers.

    as_told: whether its name begins as the task's text says.
    """

    name: str
    described: dict[str, Any]
    as_told: bool


def names_since(
    work: Work, operation: str, summaries: str, name_member: str, **which: Any
) -> Iterator[str]:
    """Yield the names that a List operation knows, created since the work began, newest first.

    Example: names_since(work, "list_endpoints", "Endpoints", "EndpointName").
    """
    pages = work.session.client("sagemaker").get_paginator(operation)
    newest_first = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    for page in pages.paginate(CreationTimeAfter=work.since, **newest_first, **which):
        yield from (summary[name_member] for summary in page[summaries])


def in_turn(names: Iterable[str], prefix: str) -> list[str]:
    """Return the names to look at: those that begin with the prefix, then the others.

    Each keep their order; what the package made by itself is left out.
    """
    theirs = [name for name in names if not name.startswith(NOT_THEIRS)]
    as_told = [name for name in theirs if name.startswith(prefix)]
    others = [name for name in theirs if not name.startswith(prefix)]
    return as_told[:LOOKED_AT] + others[:LOOKED_AT]


def jobs(work: Work, kind: JobKind, prefix: str) -> Iterator[Candidate]:
    """Yield the jobs of a kind created since the work began, in the order to look at them."""
    sagemaker = work.session.client("sagemaker")
    names = names_since(
        work, f"list_{kind.method_part}s", f"{kind.noun}Summaries", kind.name_member
    )
    for name in in_turn(names, prefix):
        yield Candidate(name, describe_job(sagemaker, kind, name), name.startswith(prefix))


def training_jobs(work: Work, prefix: str) -> Iterator[Candidate]:
    """Yield the jobs of a scikit-learn image created since, in the order to look at them."""
    for job in jobs(work, TRAINING, prefix):
        image = job.described["AlgorithmSpecification"].get("TrainingImage", "")
        if job.as_told or "scikit-learn" in image:
            yield job


def first_right(
    candidates: Iterable[Candidate],
    prefix: str,
    judge: Callable[[Candidate], str | DoneDifferently],
) -> str | DoneDifferently | None:
    """Return the judgement of the first candidate that is right; None, if there is no candidate.

    Raises: Missing, if none is right: as the judgement of one says that still runs, or else as the
    first candidate's.
    """
    first: Missing | None = None
    running: StillRunning | None = None
    for candidate in candidates:
        try:
            found = judge(candidate)
        except StillRunning as missing:
            running = running or missing
            continue
        except Missing as missing:
            first = first or missing
            continue
        if candidate.as_told or not isinstance(found, str):
            return found
        return DoneDifferently(f"{found} Its name does not begin with {prefix}, which is fine.")
    if missing := running or first:
        raise missing
    return None
