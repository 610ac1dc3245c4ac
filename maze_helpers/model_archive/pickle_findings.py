"""What is wrong with an archive's pickles."""

from collections.abc import Iterator

from maze_helpers.model_archive.code import Code
from maze_helpers.model_archive.contents import Contents
from maze_helpers.model_archive.finding import BROKEN, WARNING, Finding
from maze_helpers.model_archive.image_contents import is_in_image, is_installed_here
from maze_helpers.model_archive.requirements import Requirements

# What no model needs, and what a pickle must not do to whoever loads it.
_DANGEROUS = {
    *(("os", "system"), ("posix", "system"), ("nt", "system"), ("os", "popen")),
    *(("builtins", "eval"), ("builtins", "exec"), ("builtins", "__import__")),
    *(("builtins", "compile"), ("subprocess", "Popen"), ("subprocess", "run")),
    *(("subprocess", "call"), ("subprocess", "check_output"), ("subprocess", "check_call")),
    *(("runpy", "run_path"), ("webbrowser", "open"), ("pty", "spawn")),
}
_OF_PYTHON_2 = {"__builtin__", "copy_reg"}


def judge_pickles(
    contents: Contents, code: Code, requirements: Requirements | None
) -> Iterator[Finding]:
    """Yield what loading the files of the model would import, and should or could not."""
    for path, pickled in sorted(contents.pickled.items()):
        if pickled.is_torchscript:
            continue
        for module, name in sorted(pickled.names & _DANGEROUS):
            yield Finding(
                WARNING,
                f"Loading {path} would call {module}.{name}: whoever made it can run anything.",
                "Do not load it. Train the model again from what you trust.",
            )
        own = sorted(name for module, name in pickled.names if module == "__main__")
        if own:
            yield _of_main(path, own[0], code)
        tops = {module.partition(".")[0] for module, _ in pickled.names}
        for top in sorted(tops - {"__main__"} - _OF_PYTHON_2):
            finding = _judge_module(path, top, code, requirements)
            if finding:
                yield finding


def _of_main(path: str, name: str, code: Code) -> Finding:
    # Only what is loaded can fail, and code can put the class where the pickle looks for it.
    loads = [module for module in code.modules.values() if module.mentions(path.rpartition("/")[2])]
    prepares = any(
        text == "__main__" for module in code.modules.values() for text, _ in module.strings
    ) and any(module.changes_imports for module in code.modules.values())
    return Finding(
        BROKEN if loads and not prepares else WARNING,
        f"{path} holds {name}, of a class that the training script itself defined (__main__): a "
        "model server has no such class, and cannot load it.",
        f"Move {name} to a module, such as model.py; import it in both scripts; train again.",
    )


def _judge_module(
    path: str, top: str, code: Code, requirements: Requirements | None
) -> Finding | None:
    if is_in_image(top, code.framework) or code.find(top) or code.is_folder(top):
        return None
    if requirements and top.lower() in map(str.lower, requirements.modules):
        return None
    here = " This machine has it, the image has not." if is_installed_here(top) else ""
    return Finding(
        WARNING,
        f"Loading {path} imports {top}, which is neither in code/ nor in the image.{here}",
        f"Pack {top}.py into code/, or name its package in code/requirements.txt.",
    )
