"""Sharing: a task's work, committed to the group's git repository as others may see it."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from configparser import Error as ConfigError
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path

from maze_helpers import notebooks, shared_notebook, task_files
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import FOLDER, find_home
from maze_helpers.scrubbing import Finding, Scrubber
from maze_helpers.tasks import ROOT, Place

NAME = re.compile(r"\w[\w.-]{0,79}")
NOT_MINE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
# Files of git's own that are there while something is under way.
UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class ShareError(MazeError):
    """The work cannot be shared as it is: one sentence that says why, and what to do."""


@dataclass(frozen=True)
class Shared:
    """What is shared. commit: the new commit, or None, where nothing has changed.

    folder: the somebody's in the repository; `maze checkpoint` starts from it. unwritten: how many
    places of the notebook are still the skeleton's. replaced: whose work was there before, if it
    was somebody else's, such as "Ann, in 1a2b3c4".
    """

    folder: Path
    names: list[str]
    commit: str | None
    push: str
    unwritten: int
    replaced: str | None


def share(
    place: Place, repository: Path, name: str | None = None, with_outputs: bool = False
) -> Shared:
    """Commit the work on a task to a git repository, at NAME/chapter_N/task_M, and nothing else.

    name: None for git's user.name. with_outputs: keep the notebook's outputs, scrubbed.
    Raises: ShareError or TaskFilesError, with nothing committed, if the source holds a secret, or
    git cannot commit.
    """
    git = Git(Path(os.path.expanduser(repository)).resolve())
    git.check()
    name = _checked_name(name, git.author())
    files = _files(place, with_outputs)
    target = git.folder / name / place.task.name
    paths = _own_paths(git, target, files, place.task.notebook)
    _check_paths(git, paths)
    _write(paths)
    others = git.last_of_others(list(paths))
    commit = git.commit(list(paths), f"Share {place.task.name} of {name}")
    notebook = files.get(place.task.notebook, b"")
    unwritten = notebook.count(notebooks.STUB[1].encode())
    replaced = others if commit else None
    return Shared(git.folder / name, sorted(files), commit, git.push_line(), unwritten, replaced)


def _checked_name(name: str | None, author: str) -> str:
    slug = name or re.sub(r"\W+", "-", author.lower()).strip("-_")
    if not NAME.fullmatch(slug):
        raise ShareError(
            f"{slug!r} is no name for a folder: with --as, choose one of letters and hyphens."
        )
    return slug


def _files(place: Place, with_outputs: bool) -> dict[str, bytes]:
    """Return the task's files as others may see them, by their names in its folder."""
    files = task_files.read(place.folder, place.task.notebook)
    if not files:
        raise ShareError(f"There is nothing in {place.folder} to share.")
    scrubber = Scrubber(_known_secrets(place), _folders(place))
    for name, content in files.items():
        if name != place.task.notebook:
            # Without the zeros, what is in UTF-16 is read as well.
            text = content.decode("utf-8", errors="replace").replace("\0", "")
            _refuse((name, finding) for finding in scrubber.findings(text))
            _refuse(("The name of a file", finding) for finding in scrubber.findings(name))
    if place.task.notebook in files:
        files[place.task.notebook] = _clean_notebook(place, scrubber, with_outputs)
    return files


def _clean_notebook(place: Place, scrubber: Scrubber, with_outputs: bool) -> bytes:
    import nbformat

    path = place.folder / place.task.notebook
    notebook = notebooks.read_notebook(path)
    _refuse(
        (f"{place.task.notebook}, cell {number}", finding)
        for number, finding in shared_notebook.findings(notebook, scrubber)
    )
    if with_outputs and path.stat().st_size > task_files.MOST_BYTES:
        raise ShareError(f"{path} has more than 5 MB of outputs: share it without them.")
    shared_notebook.clean(notebook, scrubber, with_outputs)
    clean = (nbformat.writes(notebook) + "\n").encode()
    task_files.check_size(path, len(clean))
    return clean


def _refuse(found: Iterator[tuple[str, Finding]]) -> None:
    """Raise ShareError, if something is found that is not to be shared, without showing it."""
    for where, finding in found:
        raise ShareError(
            f"{where}, line {finding.line} has what looks like {finding.what}: take it out, "
            "and share again; nothing was committed."
        )


def _known_secrets(place: Place) -> set[str]:
    """Return the secrets of this process's environment and of the local cloud."""
    secrets = {os.environ[name] for name in SECRET_VARIABLES if name in os.environ}
    parser = RawConfigParser()
    try:
        parser.read(home / "aws" / "credentials" for home in (find_home(), place.root / FOLDER))
    except ConfigError as error:
        raise ShareError(f"The local cloud's credentials in {place.root} are damaged.") from error
    for profile in parser.values():
        secrets |= {profile[name.lower()] for name in SECRET_VARIABLES if name.lower() in profile}
    return secrets


def _folders(place: Place) -> dict[str, str]:
    """Return paths of this machine, and what stands for each in an output."""
    return {
        str(Path.home()): "~",
        str(ROOT): "…",
        str(Path(sys.prefix)): "…",
        str(Path(sys.base_prefix)): "…",
        str(place.root): ".",
    }


def _own_paths(
    git: "Git", target: Path, files: Mapping[str, bytes], notebook: str
) -> dict[Path, bytes | None]:
    """Return what is to be at each path of the repository; None, where something is to go.

    What was shared there before, and is no longer there to share, goes.
    """
    before = dict.fromkeys(task_files.names(target, notebook))
    paths = {target / name: content for name, content in {**before, **files}.items()}
    for path in paths:
        if not path.parent.resolve().is_relative_to(git.folder) or path.is_symlink():
            raise ShareError(f"{path} is a link: remove it, or choose another name with --as.")
        for folder in path.relative_to(git.folder).parents:
            if folder.parts and (git.folder / folder / ".git").exists():
                raise ShareError(
                    f"{git.folder / folder} is a git repository of its own: share to that one, or "
                    "choose another name with --as."
                )
    return paths


def _check_paths(git: "Git", paths: Mapping[Path, bytes | None]) -> None:
    """Raise ShareError, if something there is changed and not committed, but as we would."""
    for path in git.changed(list(paths)):
        content = paths.get(path)
        if content is None or not path.is_file() or path.read_bytes() != content:
            raise ShareError(
                f"{path} has changes that are not committed: commit or discard them first."
            )


def _write(paths: Mapping[Path, bytes | None]) -> None:
    try:
        for path, content in paths.items():
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    except OSError as error:
        raise ShareError(f"{path} cannot be written ({error.strerror}): mend that.") from error


class Git:
    """A folder in a git repository's working tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self) -> None:
        """Raise ShareError, unless the folder is in a repository's working tree."""
        if not self.folder.is_dir():
            raise ShareError(f"There is no folder {self.folder}: clone your group's repository.")
        done = self._run("rev-parse", "--is-inside-work-tree")
        if done.stdout.strip() != "true":
            reason = _reason(done) if done.returncode else "it has no working tree"
            raise ShareError(
                f"{self.folder} is not a git repository to work in ({reason}): clone "
                "your group's, and name its folder."
            )
        self._check_state()

    def _check_state(self) -> None:
        """Raise ShareError, if a commit here would be lost, would be of more, or would fail."""
        for mark, what in UNDER_WAY.items():
            path = self._must("rev-parse", "--git-path", mark).stdout.rstrip("\n")
            if (self.folder / path).exists():
                raise ShareError(
                    f"A {what} is under way in {self.folder}: end it with `git {what} --continue` "
                    f"or `git {what} --abort`, and share again."
                )
        if self._run("symbolic-ref", "--quiet", "HEAD").returncode:
            raise ShareError(
                f"{self.folder} is on no branch, where a commit is easily lost: run "
                "`git switch main`, or another branch's name, and share again."
            )
        if self._run("config", "--bool", "core.sparseCheckout").stdout.strip() == "true":
            raise ShareError(
                f"{self.folder} is a sparse checkout: run `git sparse-checkout disable` there, "
                "and share again."
            )

    def author(self) -> str:
        """Return the author's name; raise ShareError, if git's settings name none."""
        # Without this setting git makes names up, of the user's and the machine's.
        done = self._run("-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT")
        if done.returncode:
            raise ShareError(
                "git does not know you: run `git config --global user.name 'Your Name'` and "
                "`git config --global user.email you@example.com`, and share again."
            )
        return done.stdout.partition(" <")[0]

    def changed(self, paths: list[Path]) -> list[Path]:
        """Return those of the paths that are not as they are committed."""
        names = _literal(paths)
        done = self._must("status", "--porcelain", "-z", "-uall", "--no-renames", "--", *names)
        top = Path(self._must("rev-parse", "--show-toplevel").stdout.rstrip("\n"))
        return [top / entry[3:] for entry in done.stdout.split("\0") if entry]

    def commit(self, paths: list[Path], message: str) -> str | None:
        """Commit what is at the paths and nothing else; return the commit, or None.

        What others have staged stays staged. None: nothing has changed there.
        """
        names = _literal(paths)
        # Forced: a repository may ignore notebooks or src/, and these files are meant.
        self._must("add", "--force", "--all", "--", *names)
        if not self.changed(paths):
            return None
        done = self._run("commit", "--quiet", "--message", message, "--only", "--", *names)
        if done.returncode:
            self._run("reset", "--quiet", "--", *names)
            raise ShareError(f"git did not commit to {self.folder}: {_reason(done)}")
        return self._must("rev-parse", "--short", "HEAD").stdout.strip()

    def push_line(self) -> str:
        """Return the command that sends the commits to the group."""
        here = f"git -C {shlex.quote(str(self.folder))}"
        if not self._must("remote").stdout.strip():
            return f"{here} remote add origin URL && {here} push -u origin HEAD"
        upstream = self._run("rev-parse", "--abbrev-ref", "@{upstream}")
        if upstream.returncode:
            return f"{here} push -u origin HEAD"
        # Others have pushed meanwhile.
        return f"{here} pull --rebase --autostash && {here} push"

    def last_of_others(self, paths: list[Path]) -> str | None:
        """Return whose the last commit at the paths is, if somebody else's: "Ann, in 1a2b3c4"."""
        done = self._run("log", "-1", "--format=%ae%x00%an, in %h", "--", *_literal(paths))
        email, _, whose = done.stdout.strip().partition("\0")
        own = self._must("var", "GIT_AUTHOR_IDENT").stdout.partition("<")[2].partition(">")[0]
        return whose if whose and email != own else None

    def _must(self, *arguments: str) -> subprocess.CompletedProcess:
        done = self._run(*arguments)
        if done.returncode:
            raise ShareError(f"git {arguments[0]} failed in {self.folder}: {_reason(done)}")
        return done

    def _run(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in os.environ.items() if name not in NOT_MINE}
        try:
            return subprocess.run(
                ["git", "-C", str(self.folder), *arguments],
                env=environment | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
            )
        except FileNotFoundError as error:
            raise ShareError("There is no git here: install it, and share again.") from error


def _literal(paths: list[Path]) -> list[str]:
    """Return git's patterns that mean these paths alone, whatever stars are in their names."""
    return [f":(literal){path}" for path in paths]


def _reason(done: subprocess.CompletedProcess) -> str:
    """Return what git says last, and before it what it calls fatal, without its hints."""
    lines = [line.strip() for line in done.stderr.splitlines() if not line.startswith("hint:")]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    said = dict.fromkeys([*fatal[:1], *lines[-1:]])
    return " ".join(said) or f"it ended with {done.returncode}"
