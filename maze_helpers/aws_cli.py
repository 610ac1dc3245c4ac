"""The AWS CLIs on this machine, and which of them would call the real AWS in local mode."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

# The first versions that follow a profile's endpoint_url: the service-specific endpoints feature.
# Source: https://github.com/aws/aws-cli/issues/4727
FIRST_TO_FOLLOW = {1: (1, 29, 0), 2: (2, 13, 0)}
VERSION_TIMEOUT_S = 20


@dataclass(frozen=True)
class AwsCli:
    """An `aws` on PATH. version: None, when it does not say."""

    path: str
    version: tuple[int, int, int] | None

    @property
    def follows_profile(self) -> bool:
        """Whether it calls the profile's endpoint_url rather than the real AWS."""
        if self.version is None:
            return False
        return self.version >= FIRST_TO_FOLLOW.get(self.version[0], self.version)

    @property
    def needed(self) -> str:
        """The oldest version of its line that will do."""
        major = self.version[0] if self.version else 2
        return ".".join(map(str, FIRST_TO_FOLLOW.get(major, FIRST_TO_FOLLOW[2])))

    def __str__(self) -> str:
        """Return such as '/usr/bin/aws (1.22.34)'."""
        version = ".".join(map(str, self.version)) if self.version else "version unknown"
        return f"{self.path} ({version})"


def installed() -> Iterator[AwsCli]:
    """Yield every `aws` on PATH, the one that the shell runs first."""
    seen = set()
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, "aws")
        if os.path.isfile(path) and os.access(path, os.X_OK) and os.path.realpath(path) not in seen:
            seen.add(os.path.realpath(path))
            yield AwsCli(path, _version(path))


def _version(path: str) -> tuple[int, int, int] | None:
    """Return (2, 13, 0) for an `aws` that answers 'aws-cli/2.13.0 Python/3.11 …'."""
    try:
        # Version 1 on an old Python answers on stderr.
        answer = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=VERSION_TIMEOUT_S,
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired):  # a wrapper for another machine, say
        return None
    found = re.search(r"aws-cli/(\d+)\.(\d+)\.(\d+)", answer)
    return tuple(map(int, found.groups())) if found else None
