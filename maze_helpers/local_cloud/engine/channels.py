"""Input channels: the S3 objects that a channel names, as files in the channel's folder."""

from collections.abc import Callable
from pathlib import Path

from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

_LONGEST_NAME_BYTES = 255


class ChannelError(Exception):
    """The channel's objects cannot be files in one folder; the text says why."""


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


def download_channel(
    objects: ObjectStore, s3_uri: str, folder: Path, check: Callable[[], None]
) -> None:
    """Copy every object whose key starts with the URI's prefix into a channel's folder.

    Keys that end in a slash mark folders, and become such.
    check: called before each object; what it raises ends the download.
    Raises: ChannelError; OSError, when the disk is full; the object store's errors.
    """
    bucket, prefix = split_s3_uri(s3_uri)
    folder.mkdir(parents=True, exist_ok=True)
    keys_by_path: dict[str, str] = {}
    for found in objects.list_objects(bucket, prefix):
        check()
        path = relative_path(found.key, prefix)
        target = folder / path
        if found.key.endswith("/"):
            _make_folder(target, found.key)
            continue
        if path in keys_by_path:
            raise ChannelError(f"'{keys_by_path[path]}' and '{found.key}' are the same file")
        keys_by_path[path] = found.key
        _make_folder(target.parent, found.key)
        if target.is_dir():
            raise ChannelError(_both_text(found.key))
        objects.download(bucket, found.key, target)


def _make_folder(folder: Path, key: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ChannelError(_both_text(key)) from error


def _both_text(key: str) -> str:
    return f"'{key}' makes a name both a folder and a file"
