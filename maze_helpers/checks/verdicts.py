"""What a check can say, each in one sentence."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class NotBegun:
    """There is no work to judge yet; the sentence says where to begin.

    step: the participant's cell that it speaks of, from 1; None, where it speaks of none.
    """

    headline: ClassVar[str] = "Not begun"
    sentence: str
    step: int | None = None


@dataclass(frozen=True)
class NotYet:
    """The task is not done yet; the sentence says what is missing.

    step: the participant's cell that it belongs to, from 1; None, where that is not known.
    """

    headline: ClassVar[str] = "Not yet"
    sentence: str
    step: int | None = None


@dataclass(frozen=True)
class Done:
    """The task is done; the sentence says what was found."""

    headline: ClassVar[str] = "Done"
    sentence: str


@dataclass(frozen=True)
class DoneDifferently:
    """The task is done in another way than its text says, and rightly; the sentence says how."""

    headline: ClassVar[str] = "Done, differently but right"
    sentence: str


@dataclass(frozen=True)
class OurFault:
    """The check itself broke, so the participant's work was not judged."""

    headline: ClassVar[str] = "Our fault"
    sentence: str


Verdict = NotBegun | NotYet | Done | DoneDifferently | OurFault
