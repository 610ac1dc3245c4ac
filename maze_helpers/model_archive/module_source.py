"""A module's source code, parsed and never run: what it binds, imports, and says."""

import ast
import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_IMPORT_FAILURES = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_OWN_NAMESPACE = {"globals", "locals", "vars", "exec", "__getattr__"}
_TROUBLE = (SyntaxError, ValueError, RecursionError, MemoryError)
Function = ast.FunctionDef | ast.AsyncFunctionDef


class UnreadableError(Exception):
    """The module is no Python; the text is one sentence that says where."""


@dataclass(frozen=True)
class Import:
    """An import. module: dotted, without the dots of a relative one, which level counts.

    name: what is taken from it, or None. certain: whether importing the code runs it.
    """

    module: str
    name: str | None
    level: int
    line: int
    certain: bool


class ModuleSource:
    """One module. path: in the archive. strings: each with its line, docstrings left out.

    is_open: whether it may have names that its text does not show. pip_lines: those that install.
    """

    def __init__(self, path: str, source: bytes) -> None:
        """Parse it. Raises: UnreadableError."""
        self.path = path
        try:
            with warnings.catch_warnings():
                # Of an invalid escape, say, Python warns whoever parses it.
                warnings.simplefilter("ignore")
                tree = ast.parse(source)
            self._analyse(tree)
        except SyntaxError as error:
            where = f"line {error.lineno}: " if error.lineno else ""
            raise UnreadableError(f"{path} is no Python: {where}{error.msg}.") from error
        except _TROUBLE as error:
            what = str(error) or "it is nested too deeply"
            raise UnreadableError(f"{path} is no Python: {what}.") from error

    def _analyse(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        self._bound = _Bound()
        self._bound.visit_body(tree.body)
        for node in nodes:
            if isinstance(node, ast.Global):
                self._bound.names.update(dict.fromkeys(node.names))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        bound = self._bound.names.keys()
        self.is_open = self._bound.has_star or bool((names | bound) & _OWN_NAMESPACE)
        docstrings = set(map(id, _docstrings(nodes)))
        self.strings = [
            (node.value, node.lineno)
            for node in nodes
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ]
        # Where it looks for modules, and what they are, is then its own business.
        self.changes_imports = any(map(_is_of_sys, nodes))
        self.imports = list(_imports(tree.body, certain=True))
        self.pip_lines = sorted({node.lineno for node in nodes if _runs_pip(node)})

    def has(self, name: str) -> bool:
        """Return whether the module has a name, or may have it."""
        return name in self._bound.names or self.is_open

    def function(self, name: str) -> Function | None:
        """Return the definition of a function that nothing decorates or replaces, or None."""
        node = self._bound.names.get(name)
        return node if node is not None and not node.decorator_list else None

    def mentions(self, file_name: str) -> bool:
        """Return whether the code names a file."""
        return any(file_name in text for text, _ in self.strings)


class _Bound:
    """The names that running a module binds. names: each with its function, if it is one."""

    def __init__(self) -> None:
        self.names: dict[str, Function | None] = {}
        self.has_star = False

    def visit_body(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._visit(statement)

    def _visit(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self.names[node.name] = node
        elif isinstance(node, ast.ClassDef):
            self.names[node.name] = None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                self.has_star |= alias.name == "*"
                self.names[alias.asname or alias.name.partition(".")[0]] = None
        elif not _is_for_scripts(node):
            for child in ast.walk(node):
                if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                    self.names[child.id] = None
            for block in _blocks(node):
                self.visit_body(block)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _is_for_scripts(node: ast.stmt) -> bool:
    """Return whether it is `if __name__ == "__main__":` or `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and bool(
        re.search(r"\b(__name__|TYPE_CHECKING)\b", ast.unparse(node.test))
    )


def _imports(body: list[ast.stmt], certain: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, 0, node.lineno, certain)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(node.module or "", alias.name, node.level, node.lineno, certain)
        elif isinstance(node, ast.Try) and _catches_imports(node):
            continue
        elif not _is_for_scripts(node):
            runs = isinstance(node, ast.ClassDef | ast.With | ast.Try)
            for block in _blocks(node):
                yield from _imports(block, certain and runs)


def _catches_imports(node: ast.Try) -> bool:
    caught = " ".join(
        ast.unparse(handler.type) if handler.type else "BaseException" for handler in node.handlers
    )
    return bool(_IMPORT_FAILURES & set(re.findall(r"\w+", caught)))


def _docstrings(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """Yield the constants that are statements."""
    return (node.value for node in nodes if isinstance(node, ast.Expr))


def _is_of_sys(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in ("path", "modules", "meta_path")
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    )


def _runs_pip(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    words = " ".join(
        part.value
        for argument in node.args
        for part in ast.walk(argument)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )
    return {"pip", "install"} <= set(words.split())


def accepts(function: Function, count: int, extra: bool) -> bool:
    """Return whether a function can be called with so many arguments, by position.

    extra: whether an image counts the parameters, and passes a context where there is one more.
    """
    signature = _signature(function)
    taken = len(signature.parameters)
    given = taken if extra else count
    if extra and taken not in (count, count + 1):
        return False
    try:
        signature.bind(*range(given))
    except TypeError:
        return False
    return True


def _signature(function: Function) -> inspect.Signature:
    kind, arguments = inspect.Parameter, function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    parameters = [
        kind(
            argument.arg,
            kind.POSITIONAL_ONLY if place < len(arguments.posonlyargs)
            else kind.POSITIONAL_OR_KEYWORD,
            default=None if place >= first_default else kind.empty,
        )
        for place, argument in enumerate(positional)
    ]  # fmt: skip
    if arguments.vararg:
        parameters.append(kind(arguments.vararg.arg, kind.VAR_POSITIONAL))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        has = kind.empty if default is None else None
        parameters.append(kind(argument.arg, kind.KEYWORD_ONLY, default=has))
    if arguments.kwarg:
        parameters.append(kind(arguments.kwarg.arg, kind.VAR_KEYWORD))
    return inspect.Signature(parameters)
