"""Linux namespaces: how a process comes to see its own folder at /opt/ml, and only its own kin.

What it is called, which hosts it knows and whom it reaches can be its own as well.

Standard library only, and quick to import: the supervisor of every container starts with it.
"""

import ctypes
import os
from collections.abc import Iterable

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_SLAVE = 4096, 16384, 1 << 19
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Give this process namespaces of its own; one of process ids is for its next child.

    flags: CLONE_NEW… together. An ordinary user needs a user namespace for that, in which it
    keeps its own id.
    Raises: OSError, if the machine does not allow it.
    """
    if os.geteuid() != 0 or not _try_unshare(flags):
        uid, gid = os.geteuid(), os.getegid()
        _check(_libc.unshare(flags | CLONE_NEWUSER), "unshare")
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")


def enter(descriptors: Iterable[int]) -> None:
    """Enter the user and other namespaces behind these open files, in order, and close them.

    Raises: OSError, if the machine does not allow it.
    """
    for descriptor in descriptors:
        # A process may not enter the user namespace that it is in already.
        if not os.path.samestat(os.fstat(descriptor), os.stat("/proc/self/ns/user")):
            _check(_libc.setns(descriptor, 0), "setns")
        os.close(descriptor)


def keep_mounts_private() -> None:
    """Have no mount of this namespace appear outside; what is mounted outside may appear here.

    Raises: OSError, if the machine does not allow it.
    """
    _mount("none", "/", None, MS_REC | MS_SLAVE)


def mount_hosts_file(path: str) -> None:
    """Show a file at /etc/hosts to this mount namespace alone.

    Raises: OSError, if the machine does not allow it.
    """
    _bind(path, "/etc/hosts")


def mount_at_opt_ml(folder: str) -> None:
    """Show a folder at /opt/ml, and the rest of /opt as it was, to this mount namespace alone.

    Raises: OSError, if the machine does not allow it.
    """
    mount_below(folder, "/opt", "ml")


def mount_below(folder: str, parent: str, name: str) -> None:
    """Show a folder by a name below another, and the rest of that as it was.

    Only this mount namespace sees it. Raises: OSError, if the machine does not allow it.
    """
    target = f"{parent}/{name}"
    source = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    if not os.path.isdir(target):
        _cover(parent, name)
        os.mkdir(target)
    _bind(f"/proc/self/fd/{source}", target)
    os.close(source)


def set_host_name(name: str) -> None:
    """Call this UTS namespace by a name. Raises: OSError, if the machine does not allow it."""
    encoded = name.encode()
    _check(_libc.sethostname(encoded, len(encoded)), "sethostname")


def mount_proc() -> None:
    """Show this process id namespace at /proc.

    Raises: OSError, where parts of /proc are masked, as in most Docker containers.
    """
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that forked it ends."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of every orphan among this process's descendants."""
    _check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def _cover(folder: str, name: str) -> None:
    """Put an empty folder over one, and in it everything that this held, save for one name."""
    covered = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    with os.scandir(folder) as entries:
        children = [entry for entry in entries if entry.name != name]
    _mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    for child in children:
        original = f"/proc/self/fd/{covered}/{child.name}"
        if child.is_symlink():
            os.symlink(os.readlink(original), child.path)
            continue
        if child.is_dir():
            os.mkdir(child.path)
        else:
            os.close(os.open(child.path, os.O_CREAT | os.O_WRONLY))
        _bind(original, child.path)
    os.close(covered)


def _bind(source: str, target: str) -> None:
    _mount(source, target, None, MS_BIND | MS_REC)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind and kind.encode(),
        ctypes.c_ulong(flags),
        data and data.encode(),
    )
    _check(result, f"mount on {target}")


def _try_unshare(flags: int) -> bool:
    return _libc.unshare(flags) == 0


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
