"""The limit of open files is raised where it is too low, and never lowered."""

import subprocess
import sys

import pytest

SETUP = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
"""
ALLOW = """
from maze_helpers.local_cloud.open_files import allow_open_files
print(allow_open_files(1500), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
CONNECT = """
from maze_helpers.session import connect
connect("local")
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def printed(code, env=None):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("soft", "hard", "allowed", "after"),
    [(256, 2000, 1500, 1500), (1800, 2000, 1500, 1800), (256, 1000, 1000, 1000)],
)
def test_the_limit_is_raised_as_far_as_may_be_and_never_lowered(soft, hard, allowed, after):
    code = SETUP.format(soft=soft, hard=hard) + ALLOW
    assert printed(code).split() == [str(allowed), str(after)]


def test_who_is_connected_may_start_the_exercises_thousand_processes(local_cloud):
    code = SETUP.format(soft=256, hard=5000) + CONNECT
    assert int(printed(code, local_cloud.env)) >= 2 * 1000
