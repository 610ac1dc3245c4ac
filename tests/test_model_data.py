"""A model's data: fetched once, given to each server, and AWS's words where it cannot be had."""

import io
import tarfile

import pytest
from model_servers import BUCKET, URL, cloud_at, put
from trainer import tar_gz

from maze_helpers.local_cloud.engine.hosting.failures import ModelDataFailed
from maze_helpers.local_cloud.engine.hosting.model_data import SHARED_BYTES, ModelData

CUT = tar_gz({"model.txt": "weights" * 9_000})[:-40]


@pytest.fixture
def cloud(tmp_path):
    with cloud_at(tmp_path / "home") as cloud:
        yield cloud


@pytest.fixture
def data_of(cloud):
    """Return the data of an archive, or of a prefix."""

    def data_of(content=None, url=URL):
        if content is not None:
            put(cloud, content)
        return ModelData(cloud.objects, url, cloud.home / "models" / "one")

    return data_of


@pytest.fixture
def place(tmp_path):
    """Return a function that places data into a new folder."""
    numbers = iter(range(100))

    def place(data):
        folder = tmp_path / f"server-{next(numbers)}"
        folder.mkdir()
        data.place(folder)
        return folder

    return place


def failure(place, data) -> str:
    with pytest.raises(ModelDataFailed) as failed:
        place(data)
    return str(failed.value)


def test_an_archives_files_are_placed(data_of, place):
    folder = place(data_of(tar_gz({"model.txt": "weights", "code/predict.py": "pass"})))
    assert (folder / "model.txt").read_text() == "weights"
    assert (folder / "code" / "predict.py").read_text() == "pass"


def test_a_prefixs_objects_are_placed_as_they_are(cloud, data_of, place):
    for key in ("big/model.txt", "big/code/predict.py", "bigger/no.txt"):
        put(cloud, key.encode(), key)
    folder = place(data_of(url=f"s3://{BUCKET}/big/"))
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"model.txt", "code/predict.py"}


def test_it_is_fetched_once(cloud, data_of, place):
    data = data_of(tar_gz({"model.txt": "weights"}))
    place(data)
    cloud.objects.delete(BUCKET, "model.tar.gz")
    assert (place(data) / "model.txt").read_text() == "weights"


def test_a_server_may_write_to_its_small_files(data_of, place):
    data = data_of(tar_gz({"config.json": "{}"}))
    with open(place(data) / "config.json", "a") as file:
        file.write(" changed")
    assert (place(data) / "config.json").read_text() == "{}"


def test_large_files_are_there_once_and_can_be_replaced(data_of, place):
    data = data_of(tar_gz({"weights.bin": "x" * (SHARED_BYTES + 1)}))
    first, second = place(data), place(data)
    assert (first / "weights.bin").samefile(second / "weights.bin")
    assert (first / "weights.bin").stat().st_mode & 0o222 == 0
    (first / "weights.bin").unlink()
    (first / "weights.bin").write_text("mine")
    assert len((second / "weights.bin").read_text()) == SHARED_BYTES + 1


def test_nothing_is_left_of_it(cloud, data_of, place):
    data = data_of(tar_gz({"model.txt": "weights"}))
    place(data)
    data.remove()
    data.remove()
    assert list((cloud.home / "models").iterdir()) == []


def test_data_that_is_not_there(data_of, place):
    """Wording observed."""
    assert failure(place, data_of()) == (
        f'Failed to download model data for container "container_1" from URL: "{URL}". Please '
        "ensure that there is an object located at the URL and that the role passed to "
        "CreateModel has permissions to download the object."
    )
    nothing = data_of(url=f"s3://{BUCKET}/nothing/")
    assert "Failed to download model data" in failure(place, nothing)
    assert "Failed to download model data" in failure(place, data_of(url="s3://no-bucket/a"))


@pytest.mark.parametrize("content", [b"", b"none", CUT], ids=["", "none", "cut"])
def test_data_that_is_no_archive(data_of, place, content):
    """Wording observed."""
    assert failure(place, data_of(content)).startswith(
        f'Failed to extract model data archive for container "container_1" from URL "{URL}". '
        "Please ensure that the object located at the URL is a valid tar.gz archive. It "
    )


def test_data_can_be_had_later(data_of, place):
    data = data_of(b"broken")
    failure(place, data)
    data_of(tar_gz({"model.txt": "weights"}))
    assert (place(data) / "model.txt").exists()


def test_a_link_in_the_archive_is_named(data_of, place):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        link = tarfile.TarInfo("latest")
        link.type, link.linkname = tarfile.SYMTYPE, "model.joblib"
        tar.addfile(link)
    text = failure(place, data_of(archive.getvalue()))
    assert text.endswith("Its 'latest' is a symbolic link: pack the file itself instead.")
