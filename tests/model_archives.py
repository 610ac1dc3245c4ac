"""Archives of models, for the tests of what is found out about them."""

import io
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from maze_helpers import model_archive

# Answers what it is asked, without a library to import.
SERVES = """
def model_fn(model_dir):
    return model_dir

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    return data

def output_fn(prediction, accept):
    return prediction
"""
GOOD = {"model.pth": b"weights", "code/inference.py": SERVES}
Files = Mapping[str, str | bytes | tarfile.TarInfo]


def packed(path: Path, files: Files, mode: str = "w:gz") -> Path:
    """Write an archive of texts, bytes and members without content; return its path."""
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                tar.addfile(content)
                continue
            content = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    return path


def link(target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def look(files: Files, framework: str = "pytorch", program: str | None = None) -> str:
    """Return what is found out about an archive: a line a finding, with its level and its fix."""
    with tempfile.TemporaryDirectory() as folder:
        path = packed(Path(folder, "model.tar.gz"), files)
        findings = model_archive.examine(path, framework, program)
    return "\n".join(f"{each.level} {each.what} → {each.fix}" for each in findings)
