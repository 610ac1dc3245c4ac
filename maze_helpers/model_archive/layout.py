"""Where things lie in an archive: what a model server looks for, and what it does not need."""

import posixpath
import re
from collections.abc import Iterator

from maze_helpers.model_archive.code import CODE, Code
from maze_helpers.model_archive.contents import Contents
from maze_helpers.model_archive.finding import BROKEN, OK, WARNING, Finding
from maze_helpers.model_archive.image_contents import HUGGING_FACE, PYTORCH, SCIKIT_LEARN
from maze_helpers.model_archive.requirements import NAME

MODEL_SUFFIXES = (
    *(".pt", ".pth", ".bin", ".safetensors", ".onnx", ".joblib", ".pkl", ".pickle", ".h5"),
    *(".keras", ".pb", ".ckpt", ".sav", ".npz", ".model"),
)
_TORCH_SUFFIXES = (".pt", ".pth")
# What an endpoint has by default; a serverless one has no more than the second.
# Source: Amazon SageMaker AI developer guide, "Host instance storage volumes", "Serverless
# inference", container's storage.
DISK_BYTES, SERVERLESS_DISK_BYTES = 30 * 1024**3, 5 * 1024**3
_OF_MACOS = re.compile(r"(^|/)(\._[^/]*|\.DS_Store|__MACOSX)(/|$)")
_CLUTTER = {
    "macOS's own files (._*, .DS_Store)": _OF_MACOS,
    "compiled code (__pycache__)": re.compile(r"(^|/)__pycache__(/|$)|\.py[co]$"),
    "a notebook's checkpoints": re.compile(r"(^|/)\.ipynb_checkpoints(/|$)"),
    "a git repository": re.compile(r"(^|/)\.git(/|$)"),
    "an environment of Python": re.compile(r"(^|/)(\.?venv|site-packages)(/|$)"),
    "another archive, which nothing unpacks": re.compile(r"^[^/]*\.(tar\.gz|tgz|tar|zip)$"),
    "what looks like secrets": re.compile(r"(^|/)(\.env|\.aws|credentials|id_rsa|[^/]*\.pem)(/|$)"),
}
_LEAVE_OUT = "tar --exclude leaves it out; on macOS, COPYFILE_DISABLE=1 before tar."
_READABLE = 0o444


def judge_layout(contents: Contents, code: Code) -> Iterator[Finding]:
    """Yield what lies where it is not found, and what need not be there."""
    nested = _judge_nesting(contents)
    if nested:
        yield nested
    else:
        yield from _judge_code_folder(contents, code)
        yield from _judge_model_files(contents, code)
    yield from _judge_clutter(contents)
    yield from _judge_sizes(contents)


def _judge_nesting(contents: Contents) -> Finding | None:
    """Return what is wrong where all lies below one folder, which is not code/."""
    files = [name for name in contents.files if not _OF_MACOS.search(name)]
    tops = {name.partition("/")[0] for name in files}
    if len(tops) != 1 or files == [*tops] or tops == {CODE}:
        return None
    folder = tops.pop()
    holds_model = any(name.endswith(MODEL_SUFFIXES) for name in contents.files)
    holds_code = any(name.endswith(".py") for name in contents.files)
    if not holds_model and not holds_code:
        return None
    return Finding(
        BROKEN,
        f"All of it lies in one folder, {folder}/: SageMaker looks at the top of the archive.",
        f"Pack what is in the folder, and not the folder: tar -czf model.tar.gz -C {folder} .",
    )


def _judge_code_folder(contents: Contents, code: Code) -> Iterator[Finding]:
    scripts = [name for name in contents.below(CODE) if name.endswith(".py")]
    if code.framework == SCIKIT_LEARN:
        yield from _judge_scikit_learn(scripts, code)
    elif code.entry_path and "/" not in code.entry_path:
        yield Finding(
            WARNING,
            f"{code.entry_path} lies at the top: AWS documents code/ for it, and what lies beside "
            "it there is treated as part of the model.",
            f"Move it to code/{code.program} before packing, with all that it imports.",
        )
    elif code.entry_path is None and scripts:
        names = ", ".join(posixpath.relpath(name, CODE) for name in scripts[:3])
        yield Finding(
            WARNING,
            f"code/ holds {names}, and no {code.program}: the image's own functions serve.",
            f"Name the entry point {code.program}, or set SAGEMAKER_PROGRAM to its name.",
        )
    for name in contents.files:
        if posixpath.basename(name) == NAME and name != f"{CODE}/{NAME}" and name.count("/") < 2:
            yield Finding(
                WARNING,
                f"{name} is never installed: the image looks for code/{NAME} alone.",
                f"Pack it as code/{NAME}.",
            )


def _judge_scikit_learn(scripts: list[str], code: Code) -> Iterator[Finding]:
    if not scripts:
        yield Finding(
            OK,
            "It holds no code: the scikit-learn image takes that from the sourcedir.tar.gz that "
            "the SDK uploads.",
        )
    elif code.entry_path is None:
        yield Finding(
            BROKEN,
            f"The entry point {code.program} is not in code/, which holds {', '.join(scripts)}.",
            "Set SAGEMAKER_PROGRAM to the name of the script in code/.",
        )
    else:
        yield Finding(
            OK,
            f"{code.entry_path} is used where SAGEMAKER_SUBMIT_DIRECTORY is /opt/ml/model/code.",
        )
        if code.entry and not code.entry.has("model_fn"):
            yield Finding(
                BROKEN,
                f"{code.entry_path} has no model_fn: the scikit-learn image has no default.",
                "Define model_fn(model_dir), which loads the model and returns it.",
            )


def _judge_model_files(contents: Contents, code: Code) -> Iterator[Finding]:
    loads_itself = bool(code.entry and code.entry.has("model_fn")) or bool(code.unreadable)
    models = [name for name in contents.top_files if name.endswith(MODEL_SUFFIXES)]
    if code.framework == PYTORCH and not loads_itself:
        yield from _judge_default_loading(contents, code)
    elif code.framework == HUGGING_FACE and not loads_itself:
        yield from _judge_pipeline(contents)
    elif not models:
        deeper = [name for name in contents.files if name.endswith(MODEL_SUFFIXES)]
        has = f"the nearest is {deeper[0]}" if deeper else "nor in a folder of it"
        yield Finding(
            WARNING,
            f"No file of a model lies at the top, {has}.",
            "Is model_fn written for that? It is given the folder into which all is unpacked.",
        )
    if models:
        yield Finding(OK, f"At the top: {', '.join(sorted(models)[:5])}.")


def _judge_default_loading(contents: Contents, code: Code) -> Iterator[Finding]:
    """Yield what the image's own model_fn trips over: it loads one TorchScript file."""
    no_code = f"there is no model_fn in {code.entry_path or f'code/{code.program}'}, and so "
    write_one = "Define model_fn(model_dir), which builds the model and loads its weights."
    candidates = [name for name in contents.top_files if name.endswith(_TORCH_SUFFIXES)]
    chosen = ["model.pt"] if "model.pt" in candidates else candidates
    if len(chosen) != 1:
        count = f"{len(chosen)} of them" if chosen else "none"
        yield Finding(
            BROKEN,
            f"The image loads the model itself, as {no_code}exactly one .pt or .pth file must lie "
            f"at the top: there is {count}.",
            write_one,
        )
        return
    pickled = contents.pickled.get(chosen[0])
    if pickled is None or not pickled.is_torchscript:
        yield Finding(
            BROKEN,
            f"{chosen[0]} is no TorchScript, which alone the image can load itself: {no_code}"
            "nothing else does.",
            write_one,
        )


def _judge_pipeline(contents: Contents) -> Iterator[Finding]:
    weights = ("pytorch_model.bin", "model.safetensors", "pytorch_model.bin.index.json",
               "model.safetensors.index.json")  # fmt: skip
    if "config.json" not in contents.top_files:
        yield Finding(
            BROKEN,
            "No config.json lies at the top, and there is no model_fn: no pipeline can be made.",
            "Save model and tokenizer with save_pretrained() into the folder that is packed.",
        )
    elif not any(name in contents.top_files for name in weights):
        yield Finding(
            BROKEN,
            "Beside config.json lie no weights (model.safetensors or pytorch_model.bin).",
            "Save the model with save_pretrained() into the folder that is packed.",
        )


def _judge_clutter(contents: Contents) -> Iterator[Finding]:
    for what, pattern in _CLUTTER.items():
        names = [name for name in contents.files if pattern.search(name)]
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield Finding(WARNING, f"It holds {what}: {names[0]}{more}.", _LEAVE_OUT)


def _judge_sizes(contents: Contents) -> Iterator[Finding]:
    unreadable = [
        name
        for name, member in contents.members.items()
        if not member.is_folder and member.mode & _READABLE != _READABLE
    ]
    if unreadable:
        yield Finding(
            WARNING,
            f"{unreadable[0]} may not be read by everyone (mode "
            f"{contents.members[unreadable[0]].mode & 0o777:o}): the model server's user may not.",
            "chmod -R a+rX model_dir, then pack it again.",
        )
    packed, unpacked = (_mb(size) for size in (contents.packed_bytes, contents.unpacked_bytes))
    level, beyond = OK, ""
    if contents.unpacked_bytes > DISK_BYTES:
        level, beyond = WARNING, ", more than the disk that an instance gets by default"
    elif contents.unpacked_bytes > SERVERLESS_DISK_BYTES:
        level, beyond = WARNING, ", more than a serverless endpoint has disk for"
    count = len(contents.files)
    files = f"{count} file{'' if count == 1 else 's'}"
    what = f"{files}, {packed}, {unpacked} unpacked{beyond}."
    yield Finding(level, what, "Leave out what serving does not need." if beyond else "")


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:.1f} kB"
