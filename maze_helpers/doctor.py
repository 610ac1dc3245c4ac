"""What `maze doctor` looks at: each check yields its findings, with the fix where one is needed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil
from packaging.requirements import Requirement

import maze_helpers
from maze_helpers import aws_cli
from maze_helpers.environment import local_changes, local_environment
from maze_helpers.local_cloud import ports, server
from maze_helpers.local_cloud.engine import namespaces
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import Home, explain, write_whole

PYTHONS = ((3, 10), (3, 12))
FULL_BYTES, TIGHT_BYTES = 200 * 1024**2, 2 * 1024**3
# A clock this far off makes AWS refuse a signature.
CLOCK_SKEW_S = 300
HEALTH_TIMEOUT_S = 10
# The variables that choose whose account is called, and where.
CHOOSING = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_CREDENTIALS",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
COLOURS = {"ok": "green", "warning": "yellow", "broken": "red"}


@dataclass(frozen=True)
class Finding:
    """Something looked at. level: ok, warning or broken; fix: empty, when it is ok."""

    level: str
    subject: str
    found: str
    fix: str = ""


def examine(home: Path) -> list[Finding]:
    """Return what every check found."""
    return [finding for check in CHECKS for finding in check(home)]


def show(findings: list[Finding]) -> None:
    """Print the findings, readable without colours."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = f"[{COLOURS[finding.level]}]{finding.level:<8}[/]"
        console.print(mark, end="")
        console.print(f"{finding.subject}: {finding.found}", markup=False)
        if finding.fix:
            console.print(f"        → {finding.fix}", markup=False)


def _python(home: Path) -> Iterator[Finding]:
    found = f"{sys.version.split()[0]} at {sys.executable}"
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        yield Finding("ok", "Python", found)
    else:
        yield Finding("broken", "Python", found, "Use Python 3.10, 3.11 or 3.12.")


def _packages(home: Path) -> Iterator[Finding]:
    try:
        required = metadata.requires("sagemaker-maze") or []
    except metadata.PackageNotFoundError:
        fix = "Run `pip install -e .` in the checkout."
        yield Finding("warning", "packages", "sagemaker-maze is not installed", fix)
        return
    missing = [problem for line in required if (problem := _unmet(Requirement(line)))]
    if missing:
        fix = "Run `pip install -e .` in the checkout."
        yield Finding("broken", "packages", "; ".join(missing), fix)
    else:
        yield Finding("ok", "packages", "all there, in versions that fit")


def _unmet(requirement: Requirement) -> str | None:
    """Return 'boto3 1.20.0, not >=1.40', or None when the requirement is met."""
    if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
        return None
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    if requirement.specifier.contains(version, prereleases=True):
        return None
    return f"{requirement.name} {version}, not {requirement.specifier}"


def _folder(home: Path) -> Iterator[Finding]:
    existing = _existing(home)
    try:
        # Where the folder is not there yet, its parent has to take it.
        probe = existing / f".maze-doctor-{os.getpid()}"
        write_whole(probe, "")
        probe.unlink()
    except OSError as error:
        yield Finding("broken", "folder", f"{home} cannot be used", explain(error, home))
        return
    yield Finding("ok", "folder", f"{home} can be written to")
    free_bytes = psutil.disk_usage(str(existing)).free
    found = f"{free_bytes / 1024**3:.1f} GB free"
    if free_bytes < TIGHT_BYTES:
        level = "broken" if free_bytes < FULL_BYTES else "warning"
        fix = f"Free some space, remove old folders in runs/, or move MAZE_HOME from {existing}."
        yield Finding(level, "disk", found, fix)
    else:
        yield Finding("ok", "disk", found)


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _port(home: Path) -> Iterator[Finding]:
    if server.info(home):
        return
    try:
        with ports.listen(Home(home), None) as listener:
            yield Finding("ok", "port", f"{listener.getsockname()[1]} is free")
    except (MazeError, NotADirectoryError) as error:
        yield Finding("broken", "port", "the maze's is taken", str(error))


def _server(home: Path) -> Iterator[Finding]:
    running = server.info(home)
    if running is None:
        yield Finding("ok", "server", "down; it starts when it is needed")
        return
    restart = "Run `maze down`, then `maze up`."
    if running.version != maze_helpers.__version__:
        found = f"it runs version {running.version}; installed is {maze_helpers.__version__}"
        yield Finding("warning", "server", found, restart)
    failure = _ask_who_i_am(home)
    if failure:
        log = f"Its log is {Home(home).log}. {restart}"
        yield Finding("broken", "server", f"it does not answer as it should: {failure}", log)
    else:
        yield Finding("ok", "server", f"up at {running.endpoint_url}, and it knows its keys")


def _ask_who_i_am(home: Path) -> str | None:
    """Return why a signed request fails, or None; asked in the environment of `maze env`."""
    script = "import boto3; boto3.client('sts').get_caller_identity()"
    try:
        asked = subprocess.run(
            [sys.executable, "-c", script],
            env=local_environment(home),
            capture_output=True,
            text=True,
            timeout=HEALTH_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {HEALTH_TIMEOUT_S} s"
    return None if asked.returncode == 0 else asked.stderr.strip().splitlines()[-1]


def _namespaces(home: Path) -> Iterator[Finding]:
    script = "import sys; sys.path[0] = sys.argv[1]; import namespaces as n; n.unshare(True)"
    script += "; n.mount_at_opt_ml(sys.argv[1])"
    folder = str(Path(namespaces.__file__).parent)
    tried = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True)
    if tried.returncode == 0:
        yield Finding("ok", "namespaces", "a job sees its folder at /opt/ml")
        return
    found = "this machine does not let a job have its own /opt/ml"
    fix = "Scripts that read SM_MODEL_DIR and the like are fine; those with /opt/ml in them need "
    yield Finding("warning", "namespaces", found, fix + "Linux with user namespaces allowed.")


def _clock(home: Path) -> Iterator[Finding]:
    # Nothing here was written later than now, unless the clock went back since.
    files = (Path(__file__), home / "cloud.db", home / "server.json")
    newest_s = max(path.stat().st_mtime for path in files if path.is_file())
    behind_s = newest_s - time.time()
    if behind_s > CLOCK_SKEW_S:
        fix = "Set the machine's clock: requests signed with a wrong time are refused."
        yield Finding("broken", "clock", f"it is at least {behind_s:.0f} s behind", fix)
    else:
        yield Finding("ok", "clock", time.strftime("%Y-%m-%d %H:%M:%S %Z"))


def _aws_clis(home: Path) -> Iterator[Finding]:
    found = list(aws_cli.installed())
    if not found:
        fix = f"Run `maze` in its environment: {Path(sys.executable).parent} has to be on PATH."
        yield Finding("warning", "AWS CLI", "there is no `aws` on PATH", fix)
    for position, cli in enumerate(found):
        if cli.follows_profile:
            yield Finding("ok", "AWS CLI", str(cli))
            continue
        does_not = "does not follow" if cli.version else "may not follow"
        sees = f"{cli} {does_not} a profile's endpoint_url: it would call the real AWS"
        fix = f"Update it to {cli.needed} or newer, or put another `aws` before it on PATH."
        yield Finding("warning" if position else "broken", "AWS CLI", sees, fix)


def _environment(home: Path) -> Iterator[Finding]:
    fix = 'Run eval "$(maze env)" in this shell: it unsets them.'
    wanted = local_changes(home, os.environ)
    stray = [
        name
        for name, value in sorted(os.environ.items())
        if name.startswith(CHOOSING) and value != wanted[name]
    ]
    if os.environ.get("MAZE_MODE") == "local" and stray:
        found = f"{', '.join(stray)} would override the maze's profile and may reach the real AWS"
        yield Finding("broken", "environment", found, fix)
    elif stray:
        found = f"{', '.join(stray)} set: `aws` and boto3 in this shell follow them, not the maze"
        yield Finding("warning", "environment", found, fix)
    else:
        yield Finding("ok", "environment", "no AWS settings that would override the maze's")


CHECKS: list[Callable[[Path], Iterator[Finding]]] = [
    _python,
    _packages,
    _folder,
    _port,
    _server,
    _namespaces,
    _clock,
    _aws_clis,
    _environment,
]
