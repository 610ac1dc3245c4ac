"""How a job says that it failed, and the files in which it says so.

Source: SageMaker guide, "How Amazon SageMaker Signals Algorithm Success and Failure".

    JobError                    the job's own doing: an entry point that is not there, …
        CommandError            a command of the job exited with another code than 0
            ExecuteUserScriptError, InstallRequirementsError, InstallModuleError
"""

from __future__ import annotations

import os

# What a shell reports of a command that SIGKILL ended.
_KILLED = 137


class JobError(Exception):
    """The job cannot go on, for a reason that its owner can mend; the text says which."""


class CommandError(JobError):
    """A command of the job failed."""

    def __init__(self, exit_code: int, command: list[str], message: str = "") -> None:
        """Make it. message: what the command wrote of it, where the image's toolkit reads that."""
        super().__init__(exit_code, command, message)
        self.exit_code = exit_code
        self.command = command
        self.message = message

    def __str__(self) -> str:
        """Return the text that DescribeTrainingJob shows as FailureReason (observed)."""
        lines = [
            f"{type(self).__name__}:",
            f"ExitCode {self.exit_code}",
            f'ErrorMessage "{self.message}"',
        ]
        if self.exit_code == _KILLED:
            lines.append('ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"')
        command = " ".join(self.command)
        return "\n".join([*lines, f'Command "{command}"'])


class ExecuteUserScriptError(CommandError):
    """The entry point failed."""


class InstallRequirementsError(CommandError):
    """pip could not install what requirements.txt lists."""


class InstallModuleError(CommandError):
    """pip could not install the package that the source directory is."""


def write_failure(output_folder: str, text: str) -> None:
    """Write the failure file, unless the script wrote one itself."""
    path = os.path.join(output_folder, "failure")
    if not os.path.exists(path):
        _write(path, text)


def write_success(output_folder: str) -> None:
    """Write the success file, which is empty."""
    _write(os.path.join(output_folder, "success"), "")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
