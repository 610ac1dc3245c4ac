"""What is found out about the code, the requirements and the pickles in a model.tar.gz."""

import io
import pickle
import sys
import zipfile
import zlib

import joblib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_archives import GOOD, SERVES, look

from maze_helpers.model_archive import pickles
from maze_helpers.model_archive.finding import BROKEN, WARNING
from maze_helpers.model_archive.module_source import ModuleSource, UnreadableError

ENTRY = "code/inference.py"


def coded(text: str, **others: str) -> dict:
    """Return an archive's files whose entry point is the usual one, with a text before it."""
    more = {f"code/{name}.py": source for name, source in others.items()}
    return {**GOOD, ENTRY: text + SERVES, **more}


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({**GOOD, ENTRY: "def model_fn(:\n"}, "code/inference.py is no Python: line 1"),
        (coded("import model\n", model="class Net(:"), "code/model.py is no Python: line 1"),
        (coded("import model\n"), "imports model, which is neither in code/"),
        (coded("from model import Net\n", model="class Other: pass"), "imports Net from code/mode"),
        (coded("from .model import Net\n", model="class Net: pass"), "is in no package"),
        (coded("import a.b\n", **{"a/__init__": ""}), "imports a.b, which is not in the archive"),
        ({**coded("import nets\n"), "src/nets.py": ""}, "packed as src/nets.py, where nothing"),
        ({**GOOD, ENTRY: SERVES.replace("body, content_type", "body")}, "called with 2 arguments"),
        ({**GOOD, ENTRY: SERVES.replace("(model_dir)", "()")}, "called with 1 argument."),
        ({**GOOD, ENTRY: SERVES + "def transform_fn(a, b, c, d): pass"}, "transform_fn and input"),
        ({**GOOD, "code/requirements.txt": "numpy=2.0.2"}, "pip cannot read 'numpy=2.0.2'"),
        ({**GOOD, "code/requirements.txt": "-r more.txt"}, "code/more.txt is asked for"),
        ({"model.pth": b"", "code/predict.py": SERVES}, "is no TorchScript"),
        ({"a.pt": b"", "b.pth": b""}, "there is 2 of them"),
        ({"model.pth": b"", "readme.txt": b""}, "is no TorchScript"),
        ({"readme.txt": b""}, "there is none"),
    ],
)
def test_what_the_pytorch_image_cannot_serve_is_broken(files, what):
    said = look(files)
    assert said.startswith(BROKEN)
    assert what in said


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"model.pth": b"", "inference.py": SERVES}, "inference.py lies at the top"),
        ({**GOOD, "requirements.txt": "a"}, "requirements.txt is never installed"),
        ({**GOOD, "code/requirements.txt": "torch==2.6\nspacy"}, "asks for spacy: hundreds of MB"),
        ({**GOOD, "code/requirements.txt": "git+https://x.org/y"}, "depends on that site"),
        ({**GOOD, "code/requirements.txt": "x @ file:///tmp/x"}, "names a file, 'x @ file:///tmp"),
        (
            {**coded("import a_b\n"), "code/requirements.txt": "a-b @ https://x.org/a.whl"},
            "depends on that site",
        ),
        (
            {**coded("import a_b\n"), "code/requirements.txt": "git+https://x.org/y"},
            "imports a_b, which is neither in code/",
        ),
        (coded("import pandas, hypothesis\n"), "hypothesis: this machine has it, the pytorch im"),
        (coded("P = '/home/me/model.pth'\n"), "has the path '/home/me/model.pth'"),
        (coded("import os\ndef f(): os.system('pip install x')\n"), "runs pip install itself"),
        (coded("def late():\n    import model\n"), "imports model, which is neither in code/"),
        ({**coded("import model\n"), "model.py": ""}, "lies at the top, beside code/"),
        ({**GOOD, "code/old.py": "print 'x'"}, "Nothing seems to import it"),
        ({**GOOD, "._model.pth": b""}, "macOS's own files"),
        ({**GOOD, "code/__pycache__/a.pyc": b""}, "compiled code"),
        ({**GOOD, "code/.git/config": b""}, "a git repository"),
        ({**GOOD, "model.tar.gz": b""}, "another archive, which nothing unpacks: model.tar.gz"),
        ({ENTRY: SERVES}, "No file of a model lies at the top"),
    ],
)
def test_what_may_go_wrong_is_a_warning(files, what):
    said = look(files)
    assert what in said
    assert WARNING in said and BROKEN not in said


@pytest.mark.parametrize(
    "files",
    [
        coded("import json, torch\nfrom model import Net\n", model="class Net: pass"),
        coded("from parts.net import Net\n", **{"parts/net": "class Net: pass"}),
        coded("from nets import Net\n", **{"nets/__init__": "from .net import Net", "nets/net":
                                           "from . import other\nNet = 1", "nets/other": ""}),
        coded("try:\n    import nowhere\nexcept ImportError:\n    nowhere = None\n"),
        coded("if __name__ == '__main__':\n    import argh\n"),
        coded("import sys\nsys.path.insert(0, '/opt/x')\n"),
        {**GOOD, ENTRY: SERVES.replace("(data, model)", "(data, model, context)")},
        {**GOOD, ENTRY: "from handlers import *", "code/handlers.py": SERVES},
        {**GOOD, ENTRY: SERVES + "model_fn = print(model_fn) or model_fn"},
        {**coded("import a_b\n"), "code/requirements.txt": "a-b>=1 ; python_version>'3'"},
        {**GOOD, "code/requirements.txt": "pandas\r\nnumpy".encode("utf-16")},
        {**GOOD, "code/requirements.txt": "# none\n--index-url https://x.org\npandas \\\n  >=2\n"},
    ],
)  # fmt: skip
def test_what_serves_is_neither(files):
    said = look(files)
    assert BROKEN not in said and WARNING not in said


def test_the_entry_point_may_have_another_name():
    files = {"model.pth": b"", "code/predict.py": SERVES}
    assert BROKEN not in look(files, program="predict.py")


def test_scikit_learns_image_needs_no_code_and_no_default_loads_a_model():
    assert "It holds no code" in look({"model.joblib": b""}, "scikit-learn")
    said = look({"model.joblib": b"", "code/predict.py": "x = 1"}, "scikit-learn")
    assert "has no model_fn: the scikit-learn image has no default" in said


def test_hugging_faces_image_needs_a_configuration_and_weights():
    assert "No config.json" in look({"model.safetensors": b""}, "huggingface")
    assert "no weights" in look({"config.json": "{}"}, "huggingface")
    files = {"config.json": "{}", "model.safetensors": b""}
    assert BROKEN not in look(files, "huggingface")


class Own:
    """What a training script defines."""


def of_main(protocol: int = 2) -> bytes:
    """Return a pickle of a class that another __main__ defined."""
    mine, module = Own.__module__, "__main__"
    Own.__module__ = module
    here = sys.modules[module].__dict__
    here["Own"] = Own
    try:
        return pickle.dumps(Own(), protocol)
    finally:
        del here["Own"]
        Own.__module__ = mine


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_class_of_the_training_script_is_found_in_each_protocol(protocol):
    found = pickles.look(io.BytesIO(of_main(protocol)), 10_000)
    assert ("__main__", "Own") in found.names


def test_a_class_is_found_behind_compression_and_in_pytorchs_zip():
    plain = of_main()
    assert ("__main__", "Own") in pickles.look(io.BytesIO(zlib.compress(plain)), 10_000).names
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", plain)
    assert ("__main__", "Own") in pickles.look(file, 10_000).names


def test_a_pickle_that_is_loaded_and_cannot_be_is_broken():
    loads = coded("import joblib\nPATH = 'own.pkl'\n") | {"own.pkl": of_main()}
    assert "own.pkl holds Own" in look(loads) and look(loads).startswith(BROKEN)
    assert BROKEN not in look(GOOD | {"own.pkl": of_main()})


def test_a_pickle_that_runs_commands_is_told_of_and_not_run(tmp_path):
    class Bad:
        def __reduce__(self):
            return eval, (f"open({str(tmp_path / 'run')!r}, 'w')",)

    said = look(GOOD | {"bad.pkl": pickle.dumps(Bad())})
    assert "Loading bad.pkl would call builtins.eval" in said
    assert not (tmp_path / "run").exists()


def test_joblibs_arrays_between_the_opcodes_hide_nothing(tmp_path):
    import numpy as np

    joblib.dump({"weights": np.arange(10_000.0), "own": Own()}, tmp_path / "own.joblib")
    content = (tmp_path / "own.joblib").read_bytes()
    assert (__name__, "Own") in pickles.look(io.BytesIO(content), len(content)).names


@given(st.lists(st.text() | st.integers()), st.integers(0, 5))
def test_what_holds_no_class_names_none(value, protocol):
    found = pickles.look(io.BytesIO(pickle.dumps(value, protocol)), 1_000_000)
    assert found is None or not found.names


def test_an_async_handler_is_broken():
    said = look({**GOOD, ENTRY: SERVES.replace("def predict_fn", "async def predict_fn")})
    assert "predict_fn in code/inference.py, line 8, is async: no image awaits it" in said
    assert f"ok {ENTRY} has" not in said


@pytest.mark.parametrize(
    "lines",
    [
        " " * 300_000,
        f"numpy{' ' * 300_000}x",
        f"x; {'(' * 900}",
        "x; os_name ~= 'y'",
        "x; os_name >= '1.y'",
    ],
)
def test_requirements_of_any_kind_are_read_without_a_fault(lines):
    files = {f"code/{number}.txt": f"-r {number + 1}.txt" for number in range(1000)}
    assert look({**GOOD, **files, "code/requirements.txt": f"-r 0.txt\n{lines}"})


def test_a_long_word_is_looked_through_at_once():
    content = b"abcdefgh" * 100_000
    assert pickles.look(io.BytesIO(content), len(content)).names == frozenset()


def test_what_python_warns_of_is_not_said_to_who_looks(recwarn):
    ModuleSource("a.py", b"P = '\\d'\nX = 1if 1 else 0\n")
    assert not recwarn.list


@pytest.mark.parametrize(
    "source", [b"(" * 5000, b"-" * 100_000 + b"1", b"\0", b"\xff", b"x=" * 999]
)
def test_code_that_no_parser_likes_is_one_sentence(source):
    with pytest.raises(UnreadableError, match="a.py is no Python"):
        ModuleSource("a.py", source)
