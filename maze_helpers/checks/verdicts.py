"""What a check can say, each in one sentence."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Passed:
    """The task is done; the sentence says what was found."""

    headline: ClassVar[str] = "Passed"
    sentence: str


@dataclass(frozen=True)
class Failed:
    """The task is not done yet; the sentence says what is missing."""

    headline: ClassVar[str] = "Not yet"
    sentence: str


@dataclass(frozen=True)
class OurFault:
    """The check itself broke, so the participant's work was not judged."""

    headline: ClassVar[str] = "Our fault"
    sentence: str


Verdict = Passed | Failed | OurFault
