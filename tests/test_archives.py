"""Archives never unpack outside their folder, and hold what the folder held."""

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers.local_cloud.engine.archives import (
    UnsafeArchiveError,
    create_archive,
    extract_archive,
)


def make_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def file(name: str, content: bytes = b"x", **fields) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return file(name, b"", type=kind, linkname=target)


@pytest.fixture
def outside(tmp_path) -> Path:
    """A folder beside the one that archives are unpacked into, with one file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "kept").write_bytes(b"kept")
    return folder


def unpack(tmp_path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    folder = tmp_path / "inside"
    extract_archive(make_tar(tmp_path / "a.tar.gz", *members), folder)
    return folder


def test_a_folder_comes_back_as_it_was(tmp_path):
    source = tmp_path / "source"
    (source / "code" / "empty").mkdir(parents=True)
    (source / "model.joblib").write_bytes(os.urandom(100_000))
    (source / "code" / "train.py").write_text("print('ä')")
    (source / "code" / "train.py").chmod(0o755)
    (source / "latest").symlink_to("code/train.py")
    create_archive(source, tmp_path / "a.tar.gz")
    extract_archive(tmp_path / "a.tar.gz", tmp_path / "back")
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


def test_a_link_to_elsewhere_is_packed_as_a_link_not_as_what_it_leads_to(tmp_path, outside):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "link").symlink_to(outside)
    create_archive(tmp_path / "source", tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert [member.issym() for member in tar] == [True]


@pytest.mark.parametrize(
    "members",
    [
        [file("../outside/new")],
        [file("a/../../outside/new")],
        [file("/tmp/outside-new")],
        [link("up", "..")],
        [link("up", "../outside/kept")],
        [link("root", "/")],
        [link("a", "b/.."), link("b", "..")],
        [link("hard", "../outside/kept", tarfile.LNKTYPE)],
        [link("hard", "/etc/hostname", tarfile.LNKTYPE)],
        [link("here", "."), link("here/up", "../outside")],
        # The link is harmless when it is made, and leads outside once `b` is replaced.
        [
            link("b", "x/y/z"),
            link("a", "b/../.."),
            file("b", type=tarfile.DIRTYPE),
            file("a/new/n"),
        ],
        [link("b", "x/y/z"), link("a", "b/../.."), file("b", type=tarfile.DIRTYPE)],
        [file("pipe", b"", type=tarfile.FIFOTYPE)],
        [file("null", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
        [file("disk", b"", type=tarfile.BLKTYPE)],
    ],
)
def test_what_would_leave_the_folder_is_refused(tmp_path, outside, members):
    with pytest.raises(UnsafeArchiveError):
        unpack(tmp_path, *members)
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").stat().st_nlink == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "inside", "outside"]


def test_a_refusal_says_which_member_and_why(tmp_path):
    with pytest.raises(UnsafeArchiveError, match=r"'\.\./evil\.py' would be outside its folder"):
        unpack(tmp_path, file("../evil.py"))


def test_links_that_stay_inside_come_out(tmp_path):
    folder = unpack(
        tmp_path,
        file("code/train.py", b"print()"),
        link("latest", "code/train.py"),
        link("code/same.py", "code/train.py", tarfile.LNKTYPE),
    )
    assert (folder / "latest").read_bytes() == b"print()"
    assert (folder / "code" / "same.py").read_bytes() == b"print()"


def test_set_user_id_bits_do_not_come_out(tmp_path):
    folder = unpack(tmp_path, file("tool", mode=0o6755))
    assert (folder / "tool").stat().st_mode & 0o7777 == 0o755


def test_a_later_member_replaces_an_earlier_one_without_following_it(tmp_path):
    folder = unpack(tmp_path, file("real", b"old"), link("name", "real"), file("name", b"new"))
    assert (folder / "real").read_bytes() == b"old"
    assert (folder / "name").read_bytes() == b"new"


def test_an_archive_larger_than_the_disk_is_refused(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UnsafeArchiveError, match="more than the disk"):
        unpack(tmp_path, file("a", bytes(6_000_000)), file("b", bytes(6_000_000)))


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x1f\x8b\x08\x00broken"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(UnsafeArchiveError, match="not a sound tar archive"):
        extract_archive(tmp_path / "a.tar.gz", tmp_path / "inside")


def test_a_truncated_archive_is_refused(tmp_path):
    whole = make_tar(tmp_path / "whole.tar.gz", file("a", os.urandom(100_000)))
    (tmp_path / "cut.tar.gz").write_bytes(whole.read_bytes()[:50_000])
    with pytest.raises(UnsafeArchiveError):
        extract_archive(tmp_path / "cut.tar.gz", tmp_path / "inside")


_names = st.lists(st.sampled_from(["a", "b", "..", ".", "", "c"]), min_size=1, max_size=4).map(
    "/".join
)
_members = st.one_of(
    _names.map(file),
    _names.map(lambda name: file(name, b"", type=tarfile.DIRTYPE)),
    st.tuples(_names, _names).map(lambda pair: link(*pair)),
    st.tuples(_names, _names).map(lambda pair: link(*pair, tarfile.LNKTYPE)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_members, max_size=6))
def test_no_archive_whatsoever_writes_or_leads_outside(tmp_path_factory, members):
    tmp_path = tmp_path_factory.mktemp("archive")
    try:
        folder = unpack(tmp_path, *members)
    except UnsafeArchiveError:
        folder = None
    assert {path.name for path in tmp_path.iterdir()} <= {"a.tar.gz", "inside"}
    for path in folder.rglob("*") if folder else []:
        assert Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
