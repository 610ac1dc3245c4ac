"""What is found out about a model.tar.gz before anything is deployed."""

import gzip
import io
import json
import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from model_archives import GOOD, link, look, packed

from maze_helpers import model_archive
from maze_helpers.cli import main
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.model_archive import contents
from maze_helpers.model_archive.finding import BROKEN, WARNING


def test_an_archive_that_serves_has_nothing_wrong():
    assert look(GOOD).splitlines()[0].startswith("ok")


def test_a_nested_folder_is_mended_by_tar():
    said = look({f"model_dir/{name}": content for name, content in GOOD.items()})
    assert said.startswith("broken All of it lies in one folder, model_dir/")
    assert "tar -czf model.tar.gz -C model_dir ." in said


def test_what_macos_packs_beside_a_folder_hides_nothing():
    files = {f"model_dir/{name}": content for name, content in GOOD.items()}
    said = look({"._model_dir": b"\0", "__MACOSX/x": b"", **files, "model_dir/code/._a.py": b"\0"})
    assert said.startswith("broken All of it lies in one folder, model_dir/")
    assert "is no Python" not in said


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


@pytest.mark.parametrize("name", ["a\0b", "pipe"])
def test_what_cannot_be_opened_is_one_sentence(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MazeError, match="cannot be read"):
        model_archive.examine(tmp_path / name)


def test_a_framework_that_there_is_not_is_one_sentence(tmp_path):
    with pytest.raises(MazeError, match="choose pytorch, scikit-learn, huggingface"):
        model_archive.examine(packed(tmp_path / "model.tar.gz", GOOD), "tensorflow")


def test_warnings_alone_break_nothing():
    said = look({**GOOD, "requirements.txt": "pandas"})
    assert f"{WARNING} requirements.txt is never installed" in said
    assert BROKEN not in said


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "The file is empty."),
        (b"<html>403 Forbidden</html>", "it is not gzip at all"),
        (b"PK\3\4 and so on", "a zip archive"),
        (b"\x1f\x8b" + bytes(30), "damaged"),
        (gzip.compress(b"no tar at all" * 100), "gzip, and no tar inside"),
        (gzip.compress(bytes(10_240)), "It holds no file"),
    ],
    ids=["empty", "a page", "a zip", "damaged", "no tar", "no file"],
)
def test_what_is_no_archive_is_called_by_what_it_is(tmp_path, content, what):
    path = tmp_path / "model.tar.gz"
    path.write_bytes(content)
    (finding,) = model_archive.examine(path)
    assert finding.level == BROKEN
    assert what in finding.what


def test_a_tar_that_is_not_compressed_is_broken(tmp_path):
    (finding,) = model_archive.examine(packed(tmp_path / "model.tar.gz", GOOD, "w"))
    assert "a tar that is not compressed" in finding.what


@given(share=st.floats(0, 0.999))
@settings(max_examples=25, deadline=None)
def test_an_archive_that_was_cut_off_is_never_fine(share):
    with tempfile.TemporaryDirectory() as folder:
        path = packed(Path(folder, "model.tar.gz"), GOOD | {"noise.bin": os.urandom(3000)})
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        assert {each.level for each in model_archive.examine(path)} & {BROKEN, WARNING}


@given(content=st.binary(max_size=3000), place=st.integers(0, 3000))
@settings(max_examples=60, deadline=None)
def test_noise_of_any_kind_is_looked_at_without_a_fault(content, place):
    """As the archive itself, behind its head, and as each kind of file in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tar.gz")
        path.write_bytes(content)
        model_archive.examine(path)
        path.write_bytes(gzip.compress(content, mtime=0))
        model_archive.examine(path)
        files = dict.fromkeys(("a.pkl", "b.pth", "c.joblib", "code/requirements.txt"), content)
        whole = packed(path, files | {"code/inference.py": content}).read_bytes()
        model_archive.examine(path)
        path.write_bytes(whole[:place] + content[:7] + whole[place + 7 :])
        model_archive.examine(path)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"../model.pth": b""}, "'../model.pth' would land outside"),
        ({"/etc/model.pth": b""}, "would land outside"),
        ({"a/../../b": b""}, "would land outside"),
        ({"model.pth": link("/etc/passwd")}, "a symbolic link to '/etc/passwd'"),
        ({"model.pth": link("gone", tarfile.LNKTYPE)}, "a link to 'gone', which is not before it"),
        ({"model.pth": link("", tarfile.CHRTYPE)}, "neither a file nor a folder"),
        ({"model.pth": link("", tarfile.FIFOTYPE)}, "neither a file nor a folder"),
    ],
)
def test_what_must_not_be_unpacked_is_broken(files, what):
    said = look({**GOOD, **files})
    assert said.startswith(BROKEN)
    assert what in said


def test_a_bomb_is_read_no_further_than_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "MOST_UNPACKED_BYTES", 4 * 1024**2)
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("model.pth")
        info.size = 64 * 1024**2
        tar.addfile(info, io.BytesIO(bytes(info.size)))
    said = [each.what for each in model_archive.examine(path)]
    assert any("looked at no further" in what for what in said)


def test_texts_are_kept_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(contents, "MOST_TEXTS_BYTES", 10_000)
    texts = {f"code/{number}.txt": bytes(6_000) for number in range(2)}
    assert "more than 10000 bytes of text, unpacked: it is looked at no further" in look(texts)


def test_a_thousand_links_are_told_of_in_a_few_lines():
    said = look({**GOOD, **{f"l{number}": link("model.pth") for number in range(1000)}})
    assert len(said.splitlines()) < 20
    assert "990 more of its members are refused" in said


def test_a_header_that_claims_gigabytes_costs_no_memory(tmp_path):
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 7 * 1024**3
    path = tmp_path / "model.tar.gz"
    path.write_bytes(gzip.compress(header.tobuf(tarfile.USTAR_FORMAT) + bytes(10_240)))
    (finding,) = model_archive.examine(path)
    assert "looked at no further" in finding.what


def test_names_cannot_move_the_cursor(tmp_path, capsys):
    path = packed(tmp_path / "model.tar.gz", {"../\x1b[2Jx": b""})
    model_archive.show(model_archive.examine(path))
    assert "\x1b[2J" not in capsys.readouterr().out
