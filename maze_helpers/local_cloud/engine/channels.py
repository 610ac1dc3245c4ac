"""Input channels: the S3 objects that a channel names, as files in the channel's folder."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maze_helpers.local_cloud.engine.manifest import ManifestError, read_manifest
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

_LONGEST_NAME_BYTES = 255


class ChannelError(Exception):
    """The channel's objects cannot be files in one folder; the text says why."""


@dataclass(frozen=True)
class ChannelObject:
    """An object that a channel names. path: of its file below the channel's folder."""

    bucket: str
    key: str
    path: str

    @property
    def is_folder(self) -> bool:
        """Whether it marks a folder, as keys that end in a slash do."""
        return self.key.endswith("/")


def relative_path(key: str, prefix: str) -> str:
    """Return where an object lands in its channel's folder, "" for the folder itself.

    A prefix that is a folder, with or without its last slash, is left out; so is all before
    the name of a prefix that is an object. Examples, for the prefix 'data/train':
    'data/train/a/b.csv' gives 'a/b.csv', 'data/train' gives 'train', and 'data/train_2/b.csv',
    which matches as well because a prefix is a plain string, gives 'train_2/b.csv' (a guess).
    Raises: ChannelError, if the path would leave the folder or no file can have its name.
    """
    if key.startswith(prefix.rstrip("/") + "/") or not prefix:
        relative = key[len(prefix) :]
    else:
        relative = key[prefix.rfind("/") + 1 :]
    names = [name for name in relative.split("/") if name]
    for name in names:
        if name in (".", "..") or "\0" in name or len(name.encode()) > _LONGEST_NAME_BYTES:
            raise ChannelError(f"the key '{key}' cannot be the path of a file")
    return "/".join(names)


def channel_objects(
    objects: ObjectStore, s3_uri: str, data_type: str = "S3Prefix"
) -> list[ChannelObject]:
    """Return what a data source names: in order of key, or of the manifest.

    data_type: "S3Prefix" or "ManifestFile".
    Raises: ChannelError; the object store's errors.
    """
    if data_type == "ManifestFile":
        try:
            listed = read_manifest(objects, s3_uri)
        except ManifestError as error:
            raise ChannelError(str(error)) from error
        # A manifest may name an object twice.
        listed = list(dict.fromkeys(listed))
        return [ChannelObject(bucket, key, relative_path(name, "")) for bucket, key, name in listed]
    bucket, prefix = split_s3_uri(s3_uri)
    return [
        ChannelObject(bucket, found.key, relative_path(found.key, prefix))
        for found in objects.list_objects(bucket, prefix)
    ]


def share_by_key(found: Sequence[ChannelObject], hosts: int) -> list[list[ChannelObject]]:
    """Return each host's objects where S3DataDistributionType is ShardedByS3Key.

    Each object goes to one host, in turn: how AWS shares them out is not published. There may be
    fewer objects than hosts: then some get none. Every host gets the folders.
    """
    files = [one for one in found if not one.is_folder]
    folders = [one for one in found if one.is_folder]
    return [[*folders, *files[host::hosts]] for host in range(hosts)]


def download_objects(
    objects: ObjectStore, found: Iterable[ChannelObject], folder: Path, check: Callable[[], None]
) -> None:
    """Copy a channel's objects into its folder, which is made, each to its path.

    check: called before each object; what it raises ends the download.
    Raises: ChannelError; OSError, when the disk is full; the object store's errors.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys_by_path: dict[str, str] = {}
    for one in found:
        check()
        target = folder / one.path
        if one.is_folder:
            _make_folder(target, one.key)
            continue
        if one.path in keys_by_path:
            raise ChannelError(f"'{keys_by_path[one.path]}' and '{one.key}' are the same file")
        keys_by_path[one.path] = one.key
        _make_folder(target.parent, one.key)
        if target.is_dir():
            raise ChannelError(_both_text(one.key))
        objects.download(one.bucket, one.key, target)


def download_channel(
    objects: ObjectStore, s3_uri: str, folder: Path, check: Callable[[], None]
) -> None:
    """Copy every object whose key starts with the URI's prefix into a channel's folder.

    Otherwise as `download_objects`.
    """
    download_objects(objects, channel_objects(objects, s3_uri), folder, check)


def _make_folder(folder: Path, key: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ChannelError(_both_text(key)) from error


def _both_text(key: str) -> str:
    return f"'{key}' makes a name both a folder and a file"
