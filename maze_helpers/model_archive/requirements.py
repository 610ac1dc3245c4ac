"""requirements.txt: whether pip can read it, and what it would bring."""

import posixpath
import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

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
_OPTION = re.compile(r"\s+(--hash|--config-settings|--global-option)\b.*")
_INCLUDE = re.compile(r"(-r|--requirement)(?:\s+|=)?(\S+)$")
_PATH = re.compile(r"(\.{1,2}/|/|file:)|.*\.(whl|zip|tar\.gz)$")


class Requirements:
    """What a requirements.txt asks for. modules: by the names they are imported by."""

    def __init__(self, contents: Contents, path: str) -> None:
        self.modules: set[str] = set()
        self.findings: list[Finding] = []
        self._contents = contents
        self._seen: set[str] = set()
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
        if path in self._seen:
            return
        self._seen.add(path)
        text = self._contents.text(path)
        if text is None:
            self.findings.append(
                Finding(BROKEN, f"{path} is asked for, and is not there.", f"Put {path} into it.")
            )
            return
        joined = text.replace("\\\r\n", "").replace("\\\n", "")
        for line in joined.splitlines():
            self._take(re.sub(r"(^|\s+)#.*$", "", line).strip(), path)

    def _take(self, line: str, path: str) -> None:
        include = _INCLUDE.match(line)
        if include:
            folder = posixpath.dirname(path)
            self._read(posixpath.normpath(posixpath.join(folder, include[2])))
        elif line.startswith("-") or not line:
            return
        elif _PATH.match(line):
            self._note(
                WARNING,
                f"{path} names a file, '{line}': pip does not run in code/, and may not find it.",
                "Name a package of PyPI, or pack the module itself into code/.",
            )
        elif re.match(r"(git|hg|svn|bzr)\+|https?:", line):
            self._note(
                WARNING,
                f"{path} installs from '{line}': every start of an instance depends on that site.",
                "Name a released version.",
            )
        else:
            self._take_requirement(_OPTION.sub("", line), path)

    def _take_requirement(self, line: str, path: str) -> None:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            self._note(
                BROKEN,
                f"pip cannot read '{line}' in {path}, and installs nothing of it.",
                "Write name==version, as in numpy==2.0.2: one = is no comparison.",
            )
            return
        if requirement.marker is None or requirement.marker.evaluate():
            self.modules.add(module_of(canonicalize_name(requirement.name)))

    def _note(self, level: str, what: str, fix: str) -> None:
        self.findings.append(Finding(level, what, fix))
