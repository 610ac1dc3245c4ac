"""Archives hold what the folder held, and never unpack outside their folder."""

import gzip
import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.archives import (
    BadArchiveError,
    create_archive,
    extract_archive,
)


def file(name: str, content: bytes = b"x", **fields) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return file(name, b"", type=kind, linkname=target)


def archive_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return archive.getvalue()


def unpack(tmp_path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    folder = tmp_path / "inside"
    folder.mkdir()
    extract_archive(io.BytesIO(archive_of(*members)), folder)
    return folder


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


def test_what_was_packed_is_unpacked(tmp_path):
    source, back = tmp_path / "source", tmp_path / "back"
    (source / "code" / "empty").mkdir(parents=True)
    back.mkdir()
    (source / "model.joblib").write_bytes(os.urandom(100_000))
    (source / "code" / "serve.sh").write_text("true")
    (source / "code" / "serve.sh").chmod(0o755)
    create_archive(source, tmp_path / "a.tar.gz")
    with open(tmp_path / "a.tar.gz", "rb") as archive:
        extract_archive(archive, back)
    assert (back / "model.joblib").read_bytes() == (source / "model.joblib").read_bytes()
    assert (back / "code" / "serve.sh").stat().st_mode & 0o777 == 0o755
    assert (back / "code" / "empty").is_dir()


def test_the_folder_itself_may_be_a_member(tmp_path):
    folder = unpack(tmp_path, file("./", b"", type=tarfile.DIRTYPE), file("./model.txt"))
    assert [path.name for path in folder.iterdir()] == ["model.txt"]


@pytest.mark.parametrize(
    "member",
    [
        file("../outside"),
        file("a/../../outside"),
        file("/tmp/outside"),
        link("up", ".."),
        link("here", "model.txt"),
        link("hard", "../outside", tarfile.LNKTYPE),
        link("hard", "/etc/hostname", tarfile.LNKTYPE),
        file("pipe", b"", type=tarfile.FIFOTYPE),
        file("null", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    ],
)
def test_what_is_no_file_of_the_folder_is_refused_by_name(tmp_path, member):
    (tmp_path / "outside").write_text("kept")
    with pytest.raises(BadArchiveError, match="^Its '(.*)' (would|is)"):
        unpack(tmp_path, file("model.txt"), member)
    assert (tmp_path / "outside").read_text() == "kept"
    assert (tmp_path / "outside").stat().st_nlink == 1


def test_a_file_that_is_there_twice_under_hard_links_comes_out_as_two(tmp_path):
    folder = unpack(tmp_path, file("a", b"same"), link("b", "a", tarfile.LNKTYPE))
    assert (folder / "b").read_bytes() == b"same"
    assert not (folder / "a").samefile(folder / "b")


def test_set_user_id_bits_do_not_come_out(tmp_path):
    folder = unpack(tmp_path, file("tool", mode=0o6755))
    assert (folder / "tool").stat().st_mode & 0o7777 == 0o755


def test_one_name_for_a_file_and_a_folder_is_refused(tmp_path):
    with pytest.raises(BadArchiveError, match="both a file and a folder"):
        unpack(tmp_path, file("a"), file("a/b"))


def test_a_hard_link_that_has_the_name_of_a_folder_is_refused(tmp_path):
    with pytest.raises(BadArchiveError, match="both a file and a folder"):
        unpack(tmp_path, file("a"), link(".", "a", tarfile.LNKTYPE))


def test_an_archive_larger_than_the_disk_is_refused(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(BadArchiveError, match="more than the disk"):
        unpack(tmp_path, file("a", bytes(6_000)), file("b", bytes(6_000)))


_WHOLE = archive_of(file("a", os.urandom(10_000)))


@pytest.mark.parametrize("content", [b"", b"none", b"\x1f\x8b\x08\x00broken", _WHOLE[:5_000]])
def test_what_is_no_sound_archive_is_refused(tmp_path, content):
    with pytest.raises(BadArchiveError, match="damaged, or not a tar.gz"):
        extract_archive(io.BytesIO(content), tmp_path)


def header(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return an archive that says of one member that it has this many bytes."""
    info = tarfile.TarInfo("model.txt")
    info.size, info.type = size, kind
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


@pytest.mark.parametrize("size", [-512, -1, 2**80])
@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.REGTYPE])
def test_a_size_that_no_file_has_is_refused(tmp_path, size, kind):
    with pytest.raises(BadArchiveError, match="damaged|more than the disk"):
        extract_archive(io.BytesIO(header(size, kind)), tmp_path)


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    with pytest.raises(BadArchiveError, match="a name that is too long"):
        unpack(tmp_path, file("a" * 300))


_names = st.lists(st.sampled_from(["a", "b", "..", ".", "", "c"]), min_size=1, max_size=4).map(
    "/".join
)
_members = st.one_of(
    _names.map(file),
    _names.map(lambda name: file(name, b"", type=tarfile.DIRTYPE)),
    st.tuples(_names, _names).map(lambda pair: link(*pair)),
    st.tuples(_names, _names).map(lambda pair: link(*pair, tarfile.LNKTYPE)),
)


@settings(max_examples=200)
@given(st.lists(_members, max_size=6))
def test_no_archive_whatsoever_writes_outside_or_leaves_a_link(tmp_path_factory, members):
    tmp_path = tmp_path_factory.mktemp("archive")
    try:
        unpack(tmp_path, *members)
    except BadArchiveError:
        pass  # Refused, having unpacked what came before.
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
