"""What is found out about a model.tar.gz before anything is deployed."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from maze_helpers import model_archive
from maze_helpers.cli import main
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.model_archive.finding import BROKEN, WARNING

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


def packed(path: Path, files: dict, mode: str = "w:gz") -> Path:
    """Write an archive of texts, bytes and TarInfos, and return its path."""
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


@pytest.fixture
def look(tmp_path):
    """Examine an archive of these files: what is said, a level and a sentence a line."""

    def look(files, framework="pytorch", program=None):
        path = packed(tmp_path / "model.tar.gz", files)
        findings = model_archive.examine(path, framework, program)
        return "\n".join(f"{each.level} {each.what} → {each.fix}" for each in findings)

    return look


def test_an_archive_that_serves_has_nothing_wrong(look):
    assert look(GOOD).splitlines()[0].startswith("ok")


def test_a_nested_folder_is_mended_by_tar(look):
    said = look({f"model_dir/{name}": content for name, content in GOOD.items()})
    assert said.startswith("broken All of it lies in one folder, model_dir/")
    assert "tar -czf model.tar.gz -C model_dir ." in said


def test_the_command_exits_with_1_when_something_is_broken(tmp_path):
    path = packed(tmp_path / "model.tar.gz", {"x/model.pth": b""})
    answer = CliRunner().invoke(main, ["archive", str(path), "--json"])
    assert answer.exit_code == 1
    assert json.loads(answer.output)["findings"][0]["level"] == BROKEN


def test_the_command_exits_with_0_when_nothing_is(tmp_path):
    path = packed(tmp_path / "model.tar.gz", GOOD)
    answer = CliRunner().invoke(main, ["archive", str(path)])
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("ok ")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(MazeError, match="cannot be read: No such file"):
        model_archive.examine(tmp_path / "model.tar.gz")


def test_a_framework_that_there_is_not_is_one_sentence(tmp_path):
    with pytest.raises(MazeError, match="choose pytorch, scikit-learn, huggingface"):
        model_archive.examine(packed(tmp_path / "model.tar.gz", GOOD), "tensorflow")


def test_warnings_alone_break_nothing(look):
    said = look({**GOOD, "requirements.txt": "pandas"})
    assert f"{WARNING} requirements.txt is never installed" in said
    assert BROKEN not in said
