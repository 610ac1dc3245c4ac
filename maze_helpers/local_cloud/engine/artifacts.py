"""What a job leaves behind: where its outputs go in S3, what its failure file says."""

import os
import stat
from pathlib import Path

from maze_helpers.local_cloud.engine.s3_uri import join_s3_uri

# Source: botocore's model of FailureReason.
MAX_REASON_CHARACTERS = 1024


def model_uri(s3_output_path: str, job_name: str, compression: str) -> str:
    """Return where a job's model goes: an archive, or for compression "NONE" a prefix.

    Source: DescribeTrainingJob, ModelArtifacts; SageMaker guide, "Uncompressed model output".
    """
    name = "model/" if compression == "NONE" else "model.tar.gz"
    return join_s3_uri(s3_output_path, job_name, "output", name)


def output_uri(s3_output_path: str, job_name: str, compression: str) -> str:
    """Return where a job's output data goes; the prefix for compression "NONE" is a guess."""
    name = "data/" if compression == "NONE" else "output.tar.gz"
    return join_s3_uri(s3_output_path, job_name, "output", name)


def failure_reason(failure_file: Path, exit_code: int) -> str:
    """Return the FailureReason of a job whose process ended with an exit code.

    Example: 'AlgorithmError: ExecuteUserScriptError:…, exit code: 1'.
    Source: SageMaker guide, "How Amazon SageMaker Processes Training Output".
    """
    head, tail = "AlgorithmError: ", f", exit code: {exit_code}"
    return head + read_start(failure_file, MAX_REASON_CHARACTERS - len(head) - len(tail)) + tail


def read_start(path: Path, max_characters: int) -> str:
    """Return the start of a file's text, "" unless it is a regular file."""
    try:
        # A pipe would block, a link could lead to any file of the machine.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        # UTF-8 takes four bytes a character at most.
        text = file.read(4 * max_characters).decode("utf-8", errors="replace")
    return text.strip()[:max_characters]


def files_below(folder: Path) -> list[Path]:
    """Return the regular files below a folder, links left out, by path.

    Raises: OSError, if a folder cannot be read, as one whose path is too long.
    """
    found, folders = [], [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        found.append(Path(entry.path))
        except (FileNotFoundError, NotADirectoryError):
            continue  # It was removed, or was never there.
    return sorted(found)
