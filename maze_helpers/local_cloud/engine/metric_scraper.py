"""Metrics from log lines: what CreateTrainingJob's MetricDefinitions capture."""

import math
import re

import regex

# A regex may take this long on one line. Longer means catastrophic backtracking.
LINE_TIMEOUT_S = 0.25
_LONGEST_NUMBER = 64
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)


class MetricRegexError(ValueError):
    """A metric's regex is not one; the text says why."""


def compile_regex(pattern: str) -> "regex.Pattern[str]":
    """Return a metric definition's regex, compiled.

    Raises: MetricRegexError.
    """
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        raise MetricRegexError(str(error)) from error


class MetricScraper:
    """Reads the metrics that a job's definitions find in its log.

    warnings: what the job's owner should know, to be said in the job's log.
    """

    def __init__(self, definitions: list[dict[str, str]]) -> None:
        """Compile the definitions; their Regex members are valid.

        Source: CreateTrainingJob, AlgorithmSpecification.MetricDefinitions.
        """
        self.warnings: list[str] = []
        self._patterns: list[tuple[str, regex.Pattern[str]]] = []
        for definition in definitions:
            pattern = compile_regex(definition["Regex"])
            if pattern.groups:
                self._patterns.append((definition["Name"], pattern))
            else:
                self.warnings.append(
                    f"The regex of the metric '{definition['Name']}' has no capture group, such "
                    "as ([0-9.]+), so that it finds no value."
                )

    def scrape(self, line: str) -> list[tuple[str, float]]:
        """Return the metrics on a line, by name: each match of each regex that holds a number.

        The number is the first group that took part in the match.
        Example: 'loss=([0-9.]+)' on 'loss=0.5 loss=0.4' gives 0.5 and 0.4. That each match
        counts, rather than the first, is a guess about AWS.
        """
        found = []
        for name, pattern in list(self._patterns):
            try:
                matches = list(pattern.finditer(line, timeout=LINE_TIMEOUT_S, concurrent=True))
            except TimeoutError:
                self._give_up(name, pattern)
                continue
            for match in matches:
                value = _number(next((group for group in match.groups() if group), ""))
                if value is not None:
                    found.append((name, value))
        return found

    def _give_up(self, name: str, pattern: "regex.Pattern[str]") -> None:
        self._patterns.remove((name, pattern))
        self.warnings.append(
            f"The regex of the metric '{name}' took longer than {LINE_TIMEOUT_S} s on one line, "
            "so that it is not tried on the lines after it. Simplify it: nested repetition such "
            "as (a+)+ is the usual cause."
        )


def _number(text: str) -> float | None:
    """Return the finite number that a text is, or None."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None
