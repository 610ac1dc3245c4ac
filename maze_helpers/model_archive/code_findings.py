"""What is wrong with an archive's code."""

import ast
import re
from collections.abc import Iterator

from maze_helpers.model_archive.code import Code
from maze_helpers.model_archive.finding import BROKEN, OK, WARNING, Finding
from maze_helpers.model_archive.image_contents import (
    SCIKIT_LEARN,
    is_in_image,
    is_installed_here,
)
from maze_helpers.model_archive.module_source import Import, ModuleSource, accepts
from maze_helpers.model_archive.requirements import Requirements

STEPS = ("input_fn", "predict_fn", "output_fn")
# Source: sagemaker-inference's and the scikit-learn container's calls of each.
ARGUMENTS = {
    "model_fn": ("model_dir",),
    "input_fn": ("request_body", "content_type"),
    "predict_fn": ("input_data", "model"),
    "output_fn": ("prediction", "accept"),
    "transform_fn": ("model", "request_body", "content_type", "accept"),
}
# No package of PyPI is meant by these.
_NAMES_OF_SIBLINGS = {"config", "data", "dataset", "helpers", "model", "models", "net", "network"}
_NAMES_OF_SIBLINGS |= {"preprocess", "preprocessing", "train", "util", "utils"}
_OWN_PLACES = re.compile(r"(/home/|/Users/|/root/|/content/|/mnt/|~/|[A-Za-z]:[\\/](?![\\/]))")


def judge_code(code: Code, requirements: Requirements | None) -> Iterator[Finding]:
    """Yield what is wrong with the entry point and all that it imports."""
    for sentence in code.unreadable.values():
        yield Finding(BROKEN, sentence, "Mend it; `python -m py_compile` shows the place.")
    for sentence in code.others_unreadable():
        yield Finding(WARNING, sentence, "Nothing seems to import it: mend it, or leave it out.")
    for source in code.modules.values():
        yield from _judge_imports(code, source, requirements)
        yield from _judge_habits(source)
    if code.entry:
        yield from _judge_handlers(code, code.entry)


def _judge_handlers(code: Code, entry: ModuleSource) -> Iterator[Finding]:
    found = [name for name in ARGUMENTS if entry.has(name)]
    if entry.is_open:
        yield Finding(OK, f"{entry.path} is there; which handlers it has shows when it runs.")
        return
    replaced = [name for name in STEPS if name in found]
    if "transform_fn" in found and replaced:
        yield Finding(
            BROKEN,
            f"{entry.path} has transform_fn and {', '.join(replaced)}: the image refuses that.",
            "transform_fn stands for the three others together: have it, or have them.",
        )
    wrong = [*_wrong_arguments(code, entry), *_not_awaited(entry)]
    yield from wrong
    if found and not wrong:
        yield Finding(OK, f"{entry.path} has {', '.join(found)}.")


def _wrong_arguments(code: Code, entry: ModuleSource) -> Iterator[Finding]:
    for name, arguments in ARGUMENTS.items():
        function = entry.function(name)
        counts_them = code.framework != SCIKIT_LEARN
        if function and not accepts(function, len(arguments), counts_them):
            yield Finding(
                BROKEN,
                f"{name} in {entry.path}, line {function.lineno}, cannot be called with "
                f"{len(arguments)} argument{'s' if len(arguments) > 1 else ''}.",
                f"Define it as {name}({', '.join(arguments)}).",
            )


def _not_awaited(entry: ModuleSource) -> Iterator[Finding]:
    for name in ARGUMENTS:
        function = entry.function(name)
        if isinstance(function, ast.AsyncFunctionDef):
            yield Finding(
                BROKEN,
                f"{name} in {entry.path}, line {function.lineno}, is async: no image awaits it.",
                "Define it with def alone, and use asyncio.run() in it for what must be awaited.",
            )


def _judge_imports(
    code: Code, source: ModuleSource, requirements: Requirements | None
) -> Iterator[Finding]:
    told: set[str] = set()
    for each in source.imports:
        top = each.module.partition(".")[0]
        if each.level:
            yield from _judge_relative(code, source, each)
        elif code.find(top) or code.is_folder(top):
            yield from _judge_local(code, source, each)
        elif top not in told and not is_in_image(top, code.framework):
            told.add(top)
            if requirements is None or top.lower() not in map(str.lower, requirements.modules):
                yield _missing(code, source, each, requirements)


def _judge_relative(code: Code, source: ModuleSource, each: Import) -> Iterator[Finding]:
    if each.certain and code.package_of(source.path, each.level) is None:
        name = each.module or each.name
        yield Finding(
            BROKEN,
            f"{source.path}, line {each.line}, imports '{'.' * each.level}{name}', and is in no "
            "package that it could be relative to.",
            f"Write it without the dot: the folder itself is where imports begin ({name}).",
        )


def _judge_local(code: Code, source: ModuleSource, each: Import) -> Iterator[Finding]:
    path = code.find(each.module)
    if not path and each.certain and not code.is_folder(each.module):
        yield Finding(
            BROKEN,
            f"{source.path}, line {each.line}, imports {each.module}, which is not in the archive.",
            f"Pack {each.module.replace('.', '/')}.py into code/.",
        )
    if not path:
        return
    if "/" not in path and source.path.startswith("code/"):
        yield Finding(
            WARNING,
            f"{source.path} imports {path}, which lies at the top, beside code/ and not in it.",
            f"Pack it as code/{path}: AWS documents no other place for code.",
        )
    target = code.modules.get(path)
    taken = each.name
    if target and taken and taken != "*" and each.certain and not target.has(taken):
        if not code.find(f"{each.module}.{taken}") and not code.is_folder(f"{each.module}.{taken}"):
            yield Finding(
                BROKEN,
                f"{source.path}, line {each.line}, imports {taken} from {path}, which has none.",
                f"Pack the {path} that {source.path} was written for.",
            )


def _missing(
    code: Code, source: ModuleSource, each: Import, requirements: Requirements | None
) -> Finding:
    top = each.module.partition(".")[0]
    where = f"{source.path}, line {each.line}, imports {top}"
    elsewhere = [
        path for path in code.contents.files if path.endswith((f"/{top}.py", f"/{top}/__init__.py"))
    ] + [path for path in (f"{top}.py",) if path in code.contents.members]
    if elsewhere:
        what = f"{where}, which is packed as {elsewhere[0]}, where nothing looks for it."
        fix = f"Pack it as code/{top}.py."
    elif is_installed_here(top):
        # The local cloud runs with what is installed on this machine: there, it would serve.
        what = f"{where}: this machine has it, the {code.framework} image has not."
        fix = f"Add {top} to code/requirements.txt."
        return Finding(WARNING, what, fix)
    else:
        what = f"{where}, which is neither in code/, nor in the image, nor in requirements.txt."
        fix = f"Pack {top}.py into code/, or name its package in code/requirements.txt."
    # A package that is asked for may bring it; and who changes sys.path looks elsewhere.
    asks = requirements and (requirements.modules or not requirements.names_all)
    may_come = bool(asks) and top not in _NAMES_OF_SIBLINGS
    unsure = may_come and not elsewhere
    is_sure = each.certain and not unsure and not source.changes_imports
    return Finding(BROKEN if is_sure else WARNING, what, fix)


def _judge_habits(source: ModuleSource) -> Iterator[Finding]:
    for text, line in source.strings:
        if _OWN_PLACES.match(text):
            yield Finding(
                WARNING,
                f"{source.path}, line {line}, has the path '{text[:60]}', which no endpoint has.",
                "Build paths from model_dir, which model_fn is given.",
            )
    for line in source.pip_lines:
        yield Finding(
            WARNING,
            f"{source.path}, line {line}, runs pip install itself: again in each worker, and in a "
            "handler again for each request.",
            "Name the packages in code/requirements.txt: they are installed once, at the start.",
        )
