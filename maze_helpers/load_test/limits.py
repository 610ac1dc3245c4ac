"""How large a load test may be: against AWS every call costs, and a typing error costs more."""

from maze_helpers.local_cloud.errors import MazeError

MAX_CALLS = 100_000
MAX_AT_A_TIME = 200
MAX_DURATION_S = 900.0
MAX_PROCESSES = 1000
# How long the calls under way may take once no more begin: over the 70 s that one may wait.
DRAIN_S = 90.0


def check_between(name: str, value: float, least: float, most: float) -> None:
    """Return if a number is in its range.

    Raises: MazeError, naming the argument and the range.
    """
    if not least <= value <= most:
        raise MazeError(f"{name} is {value:g}: choose between {least:g} and {most:g}.")
