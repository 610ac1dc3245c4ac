"""requirements.txt: whether pip can read it, and what it would bring."""

import posixpath
import re
from collections.abc import Iterator

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from maze_helpers.model_archive.contents import Contents
from maze_helpers.model_archive.finding import BROKEN, WARNING, Finding
from maze_helpers.model_archive.image_contents import is_in_image, module_of

NAME = "requirements.txt"
# What takes minutes, and gigabytes with what it depends on. The start of an endpoint waits for it.
_HEAVY = {
    **dict.fromkeys(("torch", "torchvision", "torchaudio", "tensorflow", "jax", "jaxlib"), "GB"),
    **dict.fromkeys(("vllm", "deepspeed", "xformers", "triton", "paddlepaddle", "mxnet"), "GB"),
    **dict.fromkeys(("spacy", "nltk-data", "pyspark", "apache-airflow"), "hundreds of MB"),
}
_OPTION = re.compile(r" (--hash|--config-settings|--global-option)\b.*")
_INCLUDE = re.compile(r"(-r|--requirement)(?:\s+|=)?(\S+)$")
_SITE = re.compile(r"(git|hg|svn|bzr)\+|https?:")
_PATH = re.compile(r"(\.{1,2}/|/|file:)|.*\.(whl|zip|tar\.gz)$")
# No line that anyone writes is longer; parsing takes its time, and a depth of calls.
_LONGEST_LINE = 1000


class Requirements:
    """What a requirements.txt asks for. modules: by the names they are imported by.

    names_all: whether nothing else is asked for, as a repository, whose modules nobody knows.
    """

    def __init__(self, contents: Contents, path: str) -> None:
        self.modules: set[str] = set()
        self.names_all = True
        self.findings: list[Finding] = []
        self._contents = contents
        self._waiting = [path]
        seen: set[str] = set()
        while self._waiting:
            path = self._waiting.pop()
            if path not in seen:
                seen.add(path)
                self._read(path)

    def judge(self, framework: str) -> Iterator[Finding]:
        """Yield what is wrong with it."""
        yield from self.findings
        for name, what in sorted(_HEAVY.items()):
            if module_of(name) in self.modules:
                has = (
                    "The image has it already: " if is_in_image(module_of(name), framework) else ""
                )
                yield Finding(
                    WARNING,
                    f"requirements.txt asks for {name}: {what} at every start of an instance.",
                    f"{has}leave it out, or take an image that holds what you need.",
                )

    def _read(self, path: str) -> None:
        text = self._contents.text(path)
        if text is None:
            self.findings.append(
                Finding(BROKEN, f"{path} is asked for, and is not there.", f"Put {path} into it.")
            )
            return
        joined = text.replace("\\\r\n", "").replace("\\\n", "")
        for line in joined.splitlines():
            self._take(re.sub(r"(^| )#.*$", "", " ".join(line.split())).strip(), path)

    def _take(self, line: str, path: str) -> None:
        include = _INCLUDE.match(line)
        if include:
            folder = posixpath.dirname(path)
            self._waiting.append(posixpath.normpath(posixpath.join(folder, include[2])))
        elif line.startswith("-") or not line:
            return
        elif _SITE.match(line) or _PATH.match(line) and " @ " not in line:
            self.names_all = False
            self._take_place(line, line, path)
        else:
            self._take_requirement(_OPTION.sub("", line), path)

    def _take_place(self, place: str, line: str, path: str) -> None:
        if _SITE.match(place):
            self._note(
                WARNING,
                f"{path} installs from '{line}': every start of an instance depends on that site.",
                "Name a released version.",
            )
        else:
            self._note(
                WARNING,
                f"{path} names a file, '{line}': pip does not run in code/, and may not find it.",
                "Name a package of PyPI, or pack the module itself into code/.",
            )

    def _take_requirement(self, line: str, path: str) -> None:
        try:
            if len(line) > _LONGEST_LINE:
                raise InvalidRequirement
            requirement = Requirement(line)
        except (InvalidRequirement, RecursionError):
            self._note(
                BROKEN,
                f"pip cannot read '{line[:80]}' in {path}, and installs nothing of it.",
                "Write name==version, as in numpy==2.0.2: one = is no comparison.",
            )
            return
        if requirement.url:
            self._take_place(requirement.url, line, path)
        if requirement.marker is None or _applies(requirement.marker):
            self.modules.add(module_of(canonicalize_name(requirement.name)))

    def _note(self, level: str, what: str, fix: str) -> None:
        self.findings.append(Finding(level, what, fix))


def _applies(marker: Marker) -> bool:
    try:
        return marker.evaluate()
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
        # An image may be able to compare what this machine cannot.
        return True
