"""How many files a process may have open, connections and pipes among them."""

import sys

# As many as Jupyter's server allows its kernels. A terminal on Linux often allows 1024, on macOS
# 256; the exercise's load test, a thousand processes, has two pipes open for each.
USUAL = 4096


def allow_open_files(needed: int) -> int:
    """Let this process have so many files open, or what the system allows; return how many."""
    if sys.platform == "win32":
        return needed
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return allowed
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
