"""Archives hold what the folder held."""

import os
import shutil
import tarfile

from maze_helpers.local_cloud.engine.archives import create_archive


def test_a_folder_comes_back_as_it_was(tmp_path):
    source = tmp_path / "source"
    (source / "code" / "empty").mkdir(parents=True)
    (source / "model.joblib").write_bytes(os.urandom(100_000))
    (source / "code" / "train.py").write_text("print('ä')")
    (source / "code" / "train.py").chmod(0o755)
    (source / "latest").symlink_to("code/train.py")
    create_archive(source, tmp_path / "a.tar.gz")
    shutil.unpack_archive(tmp_path / "a.tar.gz", tmp_path / "back")
    back = tmp_path / "back"
    assert (back / "model.joblib").read_bytes() == (source / "model.joblib").read_bytes()
    assert (back / "code" / "train.py").stat().st_mode & 0o777 == 0o755
    assert (back / "code" / "empty").is_dir()
    assert os.readlink(back / "latest") == "code/train.py"


def test_members_carry_neither_the_folders_name_nor_an_owner(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "model.joblib").write_bytes(b"x")
    create_archive(tmp_path / "source", tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        (member,) = tar.getmembers()
    assert (member.name, member.uid, member.uname) == ("model.joblib", 0, "")


def test_sockets_and_pipes_are_left_out(tmp_path):
    (tmp_path / "source").mkdir()
    os.mkfifo(tmp_path / "source" / "pipe")
    create_archive(tmp_path / "source", tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert tar.getnames() == []


def test_a_link_to_elsewhere_is_packed_as_a_link_not_as_what_it_leads_to(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "link").symlink_to("/etc")
    create_archive(tmp_path / "source", tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert [member.issym() for member in tar] == [True]
