"""Looks at an archive in every way there is."""

from pathlib import Path

from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.model_archive import contents as archive
from maze_helpers.model_archive.code import CODE, Code
from maze_helpers.model_archive.code_findings import judge_code
from maze_helpers.model_archive.contents import Contents
from maze_helpers.model_archive.finding import BROKEN, WARNING, Finding
from maze_helpers.model_archive.image_contents import FRAMEWORKS
from maze_helpers.model_archive.layout import judge_layout
from maze_helpers.model_archive.pickle_findings import judge_pickles
from maze_helpers.model_archive.requirements import NAME, Requirements

_ORDER = {BROKEN: 0, WARNING: 1}


def examine(
    path: str | Path, framework: str = "pytorch", program: str | None = None
) -> list[Finding]:
    """Return what an image would not find in a model.tar.gz, the worst first.

    framework: "pytorch", "scikit-learn" or "huggingface", of the image that serves it. program:
    the entry point, as SAGEMAKER_PROGRAM says it; inference.py unless given. Nothing of the
    archive is run, or unpacked but for temporary files without a name.
    Raises: MazeError, if the file cannot be read, or there is no such framework.
    """
    if framework not in FRAMEWORKS:
        raise MazeError(f"There is no image for {framework}: choose {', '.join(FRAMEWORKS)}.")
    path = Path(path)
    try:
        contents = archive.read(path)
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or error
        raise MazeError(f"{path} cannot be read: {what}.") from error
    findings = list(contents.problems)
    if contents.is_whole:
        findings.extend(_judge(contents, framework, program))
    return sorted(findings, key=lambda finding: _ORDER.get(finding.level, len(_ORDER)))


def _judge(contents: Contents, framework: str, program: str | None) -> list[Finding]:
    if not contents.files:
        fix = "Pack the folder's content: tar -czf model.tar.gz -C model_dir ."
        return [Finding(BROKEN, "It holds no file.", fix)]
    code = Code(contents, framework, program)
    path = f"{CODE}/{NAME}"
    requirements = Requirements(contents, path) if path in contents.members else None
    findings = [*judge_layout(contents, code), *judge_code(code, requirements)]
    if requirements:
        findings.extend(requirements.judge(framework))
    findings.extend(judge_pickles(contents, code, requirements))
    return findings
