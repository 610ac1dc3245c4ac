"""A job's source archive is unpacked into its folder, and nowhere else, whatever it holds."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers.local_cloud.container.source_code import unpack
from maze_helpers.local_cloud.container.train_log import TrainLog


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


def unpacked(tmp_path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    folder = tmp_path / "inside"
    folder.mkdir()
    unpack(str(make_tar(tmp_path / "a.tar.gz", *members)), str(folder), TrainLog())
    return folder


@pytest.fixture
def outside(tmp_path) -> Path:
    """A folder beside the one that archives are unpacked into, with one file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "kept").write_bytes(b"kept")
    return folder


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
        # Up only after a way down, which may be a link: "a" leads out by way of "x/y/up".
        [file("x/y/f"), link("x/y/up", "../.."), link("a", "x/y/up/.."), file("a/new")],
        # A hard link to a member that was left out.
        [link("a", "../outside"), link("a", "a", tarfile.LNKTYPE)],
        [link("a", "../outside"), link("b", "a", tarfile.LNKTYPE), file("b/new")],
        [file("pipe", b"", type=tarfile.FIFOTYPE)],
        [file("null", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
        [file("disk", b"", type=tarfile.BLKTYPE)],
    ],
)
def test_what_would_leave_the_folder_does_not(tmp_path, outside, members):
    folder = unpacked(tmp_path, *members)
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").stat().st_nlink == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "inside", "outside"]
    assert_stays_inside(folder)


def assert_stays_inside(folder: Path) -> None:
    for path in folder.rglob("*"):
        assert path.is_symlink() or path.is_file() or path.is_dir()
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            continue  # A link to what is not there, or in a circle.
        assert real.is_relative_to(folder.resolve())


def test_links_that_stay_inside_come_out(tmp_path):
    folder = unpacked(
        tmp_path,
        file("code/train.py", b"print()"),
        link("latest", "code/train.py"),
        link("code/same.py", "code/train.py", tarfile.LNKTYPE),
    )
    assert (folder / "latest").read_bytes() == b"print()"
    assert (folder / "code" / "same.py").read_bytes() == b"print()"


@pytest.mark.parametrize("size", [-512, 2**80])
@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_a_size_that_no_file_has_is_damage(tmp_path, size, kind):
    info = tarfile.TarInfo("train.py")
    info.size, info.type = size, kind
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))
    with pytest.raises(tarfile.TarError):
        unpack(str(archive), str(tmp_path), TrainLog())


def test_set_user_id_bits_do_not_come_out(tmp_path):
    folder = unpacked(tmp_path, file("tool", mode=0o6755))
    assert (folder / "tool").stat().st_mode & 0o7000 == 0


_names = st.lists(st.sampled_from(["a", "b", "..", ".", "", "c"]), min_size=1, max_size=4).map(
    "/".join
)
_members = st.one_of(
    _names.map(file),
    _names.map(lambda name: file(name, b"", type=tarfile.DIRTYPE)),
    st.tuples(_names, _names).map(lambda pair: link(*pair)),
    st.tuples(_names, _names).map(lambda pair: link(*pair, tarfile.LNKTYPE)),
)


@settings(max_examples=300)
@given(st.lists(_members, max_size=6))
def test_no_archive_whatsoever_writes_or_leads_outside(tmp_path_factory, members):
    tmp_path = tmp_path_factory.mktemp("archive")
    try:
        unpacked(tmp_path, *members)
    except (OSError, tarfile.TarError, KeyError):
        pass  # A link to what is not there, or a file where a folder is: the job fails.
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.gz", "inside"}
    assert_stays_inside(tmp_path / "inside")
