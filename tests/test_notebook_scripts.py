"""What runs in a notebook instance before its Jupyter: scripts, their time and their hints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from maze_helpers.local_cloud.container import notebook_instance
from maze_helpers.local_cloud.container.notebook_instance import JUPYTER_LOG, jupyter_settings
from maze_helpers.local_cloud.container.notebook_token import make_token, session_of

SECRET, NOW_S = "secret", 1_000_000.0
ROOT = Path(__file__).parent.parent


def run_scripts(folder: Path, *scripts: str, limit_s: float = 60) -> list[str]:
    """Return the lines of an instance whose last script fails, so that no Jupyter starts."""
    named = list(zip(("OnCreate", "OnStart"), scripts, strict=False))
    settings = {"scripts": named, "script_limit_s": limit_s, "port": 0, "volume": str(folder)}
    (folder / "settings.json").write_text(json.dumps(settings))
    run = subprocess.run(
        [sys.executable, "-m", notebook_instance.__name__, folder / "settings.json"],
        cwd=ROOT,
        env=os.environ
        | {
            "HOME": str(folder),
            "MAZE_CONTAINER_HOME": str(folder),
            "MAZE_NOTEBOOK_SECRET": SECRET,
            "TMPDIR": str(folder),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (1, "")
    first, *lines = run.stdout.splitlines()
    assert first.startswith("jupyter.log Hint: ") and "/home/ec2-user" in first
    return lines


def test_each_line_names_its_stream_and_the_engine_is_told_how_scripts_ended(tmp_path):
    lines = run_scripts(tmp_path, "echo one; echo two >&2", "echo $MAZE_NOTEBOOK_SECRET.; exit 7")
    assert lines == [
        "LifecycleConfigOnCreate one",
        "LifecycleConfigOnCreate two",
        "Status OnCreate 0",
        "LifecycleConfigOnStart .",
        "Status OnStart 7",
    ]


def test_a_script_that_takes_too_long_is_ended(tmp_path):
    lines = run_scripts(tmp_path, "echo begun; sleep 60 & sleep 60", limit_s=1)
    assert lines == ["LifecycleConfigOnCreate begun", "Status OnCreate timed-out"]


def test_a_script_may_name_its_interpreter(tmp_path):
    lines = run_scripts(tmp_path, "#!/bin/cat\nthe text\n", "exit 1")
    assert "LifecycleConfigOnCreate the text" in lines


def test_a_script_that_fails_is_followed_by_what_is_different_here(tmp_path):
    lines = run_scripts(tmp_path, "source activate pytorch_p310 || exit 1; sudo true")
    hints = [line for line in lines if "Hint: " in line]
    assert ["conda" in hints[0], "root" in hints[1]] == [True, True]


def test_the_users_own_crontab_is_out_of_reach(tmp_path):
    # It only asks: where this fails, the crontab is real.
    lines = run_scripts(tmp_path, "crontab -l || exit 1")
    assert lines[0].startswith("LifecycleConfigOnCreate Hint: crontab is not run here")


def test_without_a_home_of_its_own_a_script_is_told_where_that_is(tmp_path):
    lines = run_scripts(tmp_path, "cd /home/ec2-user/SageMaker/none || exit 1")
    assert f"it is {tmp_path}, as $HOME says." in lines[-1]


def test_a_token_is_good_for_its_time_and_unchanged_alone():
    token = make_token(SECRET, NOW_S, valid_s=300, session_s=1800)
    assert session_of(SECRET, token, NOW_S + 299) == 1800
    assert session_of(SECRET, token, NOW_S + 300) is None
    assert session_of("other", token, NOW_S) is None
    assert session_of(SECRET, token.replace("-1800-", "-43200-"), NOW_S) is None


@pytest.mark.parametrize("token", ["", "-", "a-b-c", "é", "1-2"])
def test_what_is_no_token_opens_nothing(token):
    assert session_of(SECRET, token, NOW_S) is None


def test_a_line_that_has_no_end_is_passed_on_in_pieces(tmp_path):
    lines = run_scripts(tmp_path, "head -c 80000 /dev/zero | tr '\\0' x", "exit 1")
    pieces = [line for line in lines if line.startswith("LifecycleConfigOnCreate x")]
    assert [line.count("x") for line in pieces] == [32_000, 32_000, 16_000]


@pytest.mark.parametrize(("folder", "transport"), [("/tmp/a/jupyter", "ipc"), ("/t" * 40, "tcp")])
def test_kernels_have_sockets_where_their_paths_are_short_enough(monkeypatch, folder, transport):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", folder)
    settings = jupyter_settings({"port": 1, "volume": "/v"})
    assert settings["KernelManager"]["transport"] == transport


def test_jupyter_listens_on_this_machine_alone_and_fetches_nothing():
    settings = jupyter_settings({"port": 1, "volume": "/v"})
    assert settings["ServerApp"]["ip"] == "127.0.0.1"
    assert settings["LabApp"]["news_url"] is None
    assert JUPYTER_LOG == "jupyter.log"
