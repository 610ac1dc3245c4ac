"""What is found out about archives agrees with what becomes of them: each is really served."""

import tempfile
from pathlib import Path

import pytest
from model_archives import GOOD, SERVES, link, packed
from serving_container import SERVE, Served, serving

from maze_helpers import model_archive
from maze_helpers.local_cloud.engine.archives import BadArchiveError, extract_archive
from maze_helpers.model_archive.finding import BROKEN

PYTORCH = [*SERVE[:3], "pytorch", "2.6.0", "cpu"]
ENTRY = "code/inference.py"
NO_FUNCTIONS = "x = 1\n"
ARCHIVES = {
    "what serves": GOOD,
    "the entry point at the top": {"model.pth": "", "inference.py": SERVES},
    "a module beside it": {**GOOD, ENTRY: "import model\n" + SERVES, "code/model.py": ""},
    "a module at the top": {**GOOD, ENTRY: "import model\n" + SERVES, "model.py": ""},
    "a package": {**GOOD, ENTRY: "from a.b import c\n" + SERVES, "code/a/b.py": "c = 1"},
    "handlers from elsewhere": {ENTRY: "from handlers import *", "code/handlers.py": SERVES},
    "a context": {ENTRY: SERVES.replace("(data, model)", "(data, model, context)")},
    "a try": {ENTRY: "try:\n    import nowhere\nexcept ImportError:\n    pass\n" + SERVES},
    "a hard link": {**GOOD, "copy.pth": link("model.pth", b"1")},
    "requirements at the top": {**GOOD, "requirements.txt": "no=good"},
    "nested": {f"model_dir/{name}": content for name, content in GOOD.items()},
    "no module": {**GOOD, ENTRY: "import model\n" + SERVES},
    "no name": {**GOOD, ENTRY: "from model import Net\n" + SERVES, "code/model.py": ""},
    "a relative import": {**GOOD, ENTRY: "from .model import a\n" + SERVES, "code/model.py": "a=1"},
    "no Python": {**GOOD, ENTRY: "def model_fn(:\n"},
    "a module that is no Python": {ENTRY: "import m\n" + SERVES, "code/m.py": "class ("},
    "too few arguments": {ENTRY: SERVES.replace("body, content_type", "body")},
    "both": {ENTRY: SERVES + "def transform_fn(a, b, c, d): pass"},
    "requirements that pip cannot read": {**GOOD, "code/requirements.txt": "numpy=2.0.2"},
    "a symbolic link": {**GOOD, "other.pth": link("model.pth")},
    "a way out": {**GOOD, "../other.pth": b""},
    "no functions, and no TorchScript": {"model.pth": b"weights", ENTRY: NO_FUNCTIONS},
    "another name": {"model.pth": b"weights", "code/predict.py": SERVES},
}


def serves(path: Path) -> bool:
    """Return whether an endpoint's server comes up with an archive, and answers."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with path.open("rb") as file:
                extract_archive(file, Path(folder))
        except BadArchiveError:
            return False
        files = {
            str(each.relative_to(folder)): each.read_bytes()
            for each in Path(folder).rglob("*")
            if each.is_file()
        }
    served = Served({"unused.py": ""}, files, program=None, code_uri="/opt/ml/model/code")
    with serving(served, PYTORCH) as server:
        try:
            return server.ping().status == 200 and server.invoke(b"hello").status == 200
        except (AssertionError, OSError):
            # It has ended, which is the answer.
            return False


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHIVES)
def test_what_is_called_broken_does_not_serve_and_all_else_does(name, tmp_path):
    path = packed(tmp_path / "model.tar.gz", ARCHIVES[name])
    findings = model_archive.examine(path)
    is_broken = any(finding.level == BROKEN for finding in findings)
    assert serves(path) == (not is_broken), findings
