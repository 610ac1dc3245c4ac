"""The parent of a container's processes: it gives them /opt/ml and sees that none outlives it.

Run as `python -m …supervisor [OPTION VALUE…] ISOLATION FOLDER COMMAND…`. Standard input is the
life line: when its other end closes, because the server closed it or died, every process of the
container ends. Standard library only, and quick to import.

--network 5,6: open files of the namespaces to enter. --host-name algo-1: what the container is
called. --hosts-file PATH: what it sees at /etc/hosts. --directory PATH: where the command starts.
--user-home PATH: what it sees at /home/ec2-user.
"""

import os
import select
import signal
import sys

from maze_helpers.local_cloud.engine import namespaces

# What `docker run` exits with when the container, or its command, cannot start.
CANNOT_START = 125
COMMAND_NOT_FOUND = 127
LIFE_LINE = 0


def main(options: dict[str, str], isolation: str, folder: str, *command: str) -> int:
    """Run a command to its end and return its exit code, 128 + n after signal n.

    isolation: "pid" (own /opt/ml and process ids), "mount" (own /opt/ml) or "none".
    """
    try:
        if isolation != "none":
            isolate(options, isolation, folder)
        # The way to where we are may lead through a mount that is new.
        os.chdir(options.get("--directory") or os.getcwd())
    except OSError as error:
        return _cannot_start(error)
    if isolation == "pid":
        return _run_as_init(list(command))
    return Supervisor(list(command)).run()


def read_options(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options by name, and the arguments that follow them."""
    options = {}
    while arguments[0].startswith("--"):
        name, options[name], *arguments = arguments
    return options, arguments


def isolate(options: dict[str, str], isolation: str, folder: str) -> None:
    """Give this process, and its next child, what is to be the container's own.

    Raises: OSError, if the machine does not allow it.
    """
    host_name = options.get("--host-name")
    namespaces.enter(int(number) for number in options.get("--network", "").split(",") if number)
    flags = namespaces.CLONE_NEWNS
    if isolation == "pid":
        flags |= namespaces.CLONE_NEWPID
    if host_name:
        flags |= namespaces.CLONE_NEWUTS
    namespaces.unshare(flags)
    namespaces.keep_mounts_private()
    namespaces.mount_at_opt_ml(folder)
    if "--user-home" in options:
        namespaces.mount_below(options["--user-home"], "/home", "ec2-user")
    if "--hosts-file" in options:
        namespaces.mount_hosts_file(options["--hosts-file"])
    if host_name:
        namespaces.set_host_name(host_name)


def _cannot_start(error: OSError) -> int:
    print(f"cannot start the container: {error}", file=sys.stderr)
    return CANNOT_START


def _run_as_init(command: list[str]) -> int:
    """Supervise from process id 1 of the new namespace: the kernel ends the rest when it ends."""
    # A stop that comes now waits until there is somebody to pass it on to.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    init = os.fork()
    if init == 0:
        namespaces.die_with_parent()
        try:
            namespaces.mount_proc()
        except OSError as error:
            os._exit(_cannot_start(error))
        os._exit(Supervisor(command).run())
    signal.signal(signal.SIGTERM, lambda *_: os.kill(init, signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    return exit_code_of(os.waitpid(init, 0)[1])


class Supervisor:
    """Starts a command, reaps what it leaves behind, and ends it all at the end."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.job = 0

    def run(self) -> int:
        """Return the command's exit code, once it and all its descendants are gone."""
        if sys.platform == "linux":
            namespaces.adopt_orphans()
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda number, _: self._signal_group(number))
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        supervisor = os.getpid()
        self.job = os.fork()
        if self.job == 0:
            self.become_command(supervisor)
        self._make_group()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        exit_code = None
        while exit_code is None:
            ready, _, _ = select.select([LIFE_LINE, woken], [], [])
            if LIFE_LINE in ready:
                exit_code = 128 + signal.SIGKILL
            else:
                os.read(woken, 4096)
                exit_code = self.reap()
        self.end_everything()
        return exit_code

    def become_command(self, supervisor: int) -> None:
        """Turn this freshly forked process into the command, unless its parent has ended."""
        if sys.platform == "linux":
            namespaces.die_with_parent()
        if os.getppid() != supervisor:
            os._exit(128 + signal.SIGKILL)
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            os.execvp(self.command[0], self.command)
        except OSError as error:
            os.write(2, f"cannot run {self.command[0]}: {error.strerror}\n".encode())
            os._exit(COMMAND_NOT_FOUND)

    def reap(self) -> int | None:
        """Collect every process that has ended; return the command's exit code once it has."""
        exit_code = None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return exit_code
            if pid == self.job:
                exit_code = exit_code_of(status)
            if pid == 0:
                return exit_code

    def end_everything(self) -> None:
        """Kill every descendant, and return when none is left."""
        while True:
            self._signal_group(signal.SIGKILL)
            for pid in descendants():
                _kill(pid)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return

    def _make_group(self) -> None:
        """Give the command its process group, which it does as well: whoever is first."""
        try:
            os.setpgid(self.job, self.job)
        except (PermissionError, ProcessLookupError):
            return  # It is the command already, or has ended.

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self.job, number)
        except (ProcessLookupError, PermissionError):
            return  # The group is empty, or holds zombies only (macOS says "not permitted").


def exit_code_of(status: int) -> int:
    """Return a wait status as a shell shows it: the exit code, or 128 + the signal."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def descendants() -> list[int]:
    """Return the process ids below this process, where /proc tells (elsewhere none)."""
    if not os.path.isdir("/proc/self"):
        return []
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        parent = _parent_of(name) if name.isdigit() else None
        if parent is not None:
            children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    to_visit = [os.getpid()]
    while to_visit:
        below = children.get(to_visit.pop(), [])
        found += below
        to_visit += below
    return found


def _parent_of(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # "pid (name) state parent …", where the name may hold anything, even ")".
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None  # It ended meanwhile.


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # It ended by itself.


if __name__ == "__main__":
    options_given, arguments_given = read_options(sys.argv[1:])
    sys.exit(main(options_given, *arguments_given))
