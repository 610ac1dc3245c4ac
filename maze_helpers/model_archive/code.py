"""The code in an archive: which modules are reachable from the entry point, and what they lack."""

import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath

from maze_helpers.model_archive.contents import Contents
from maze_helpers.model_archive.image_contents import SCIKIT_LEARN
from maze_helpers.model_archive.module_source import ModuleSource, UnreadableError

CODE = "code"
DEFAULT_PROGRAM = "inference.py"


class Code:
    """folders: where an image looks for modules, "" being the top. program: the entry point.

    entry: it, parsed; None where it is not there, or no Python. modules: all that it leads to,
    by path. unreadable: a sentence for each of these that is no Python.
    """

    def __init__(self, contents: Contents, framework: str, program: str | None) -> None:
        self.contents = contents
        self.framework = framework
        self.folders = (CODE,) if framework == SCIKIT_LEARN else (CODE, "")
        self.program = program or self._likely_program()
        self._places = {
            *contents.members,
            *(str(folder) for path in contents.files for folder in PurePosixPath(path).parents),
        }
        self.modules: dict[str, ModuleSource] = {}
        self.unreadable: dict[str, str] = {}
        self.entry_path = self.find(self.program.removesuffix(".py"))
        if self.entry_path:
            self._follow(self.entry_path)
        self.entry = self.modules.get(self.entry_path or "")

    def _likely_program(self) -> str:
        """Return what SAGEMAKER_PROGRAM is where nobody says: scikit-learn's has no default."""
        scripts = [name for name in self.contents.below(CODE) if name.endswith(".py")]
        if self.framework == SCIKIT_LEARN and len(scripts) == 1:
            return posixpath.basename(scripts[0])
        return DEFAULT_PROGRAM

    def find(self, module: str, folders: tuple[str, ...] | None = None) -> str | None:
        """Return the path of a module of the archive, by its dotted name, or None."""
        for folder in self.folders if folders is None else folders:
            stem = posixpath.join(folder, *module.split("."))
            for path in (f"{stem}/__init__.py", f"{stem}.py"):
                if path in self.contents.members:
                    return path
        return None

    def is_folder(self, module: str) -> bool:
        """Return whether a module is a folder without an __init__.py, which can be imported too."""
        return any(
            posixpath.join(folder, *module.split(".")) in self._places for folder in self.folders
        )

    def package_of(self, path: str, level: int) -> str | None:
        """Return the folder that a relative import of a module begins at, or None if it has none.

        level: how many dots it has.
        """
        folder = posixpath.dirname(path)
        for _ in range(level - 1):
            folder = posixpath.dirname(folder)
        return None if folder in (*self.folders, "") else folder

    def targets(self, source: ModuleSource) -> Iterator[tuple[str, bool]]:
        """Yield the paths of the archive's modules that a module imports, and if it surely does."""
        for each in source.imports:
            folders = None
            if each.level:
                package = self.package_of(source.path, each.level)
                if package is None:
                    continue
                folders = (package,)
            parts = each.module.split(".") if each.module else []
            dotted = [".".join(parts[: end + 1]) for end in range(len(parts))]
            if each.name:
                dotted.append(".".join([*parts, each.name]))
            for module in dotted:
                path = self.find(module, folders)
                if path:
                    yield path, each.certain

    def _follow(self, path: str) -> None:
        waiting = [path]
        while waiting:
            path = waiting.pop()
            if path in self.modules or path in self.unreadable:
                continue
            source = self._parse(path)
            if source:
                self.modules[path] = source
                waiting.extend(target for target, certain in self.targets(source) if certain)

    def _parse(self, path: str) -> ModuleSource | None:
        text = self.contents.texts.get(path)
        if text is None:
            return None
        try:
            return ModuleSource(path, text)
        except UnreadableError as error:
            self.unreadable[path] = str(error)
            return None

    def others_unreadable(self) -> Iterator[str]:
        """Yield a sentence for each script beside the reachable ones that is no Python."""
        for path in self.contents.below(CODE):
            # macOS puts a file ._x.py, of its own, beside x.py.
            is_script = path.endswith(".py") and not posixpath.basename(path).startswith("._")
            if is_script and path not in self.modules and path not in self.unreadable:
                try:
                    ModuleSource(path, self.contents.texts.get(path, b""))
                except UnreadableError as error:
                    yield str(error)
