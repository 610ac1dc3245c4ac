"""The local environment: complete, idempotent, and undone without a trace."""

import os
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.environment import changed, changes_back, local_changes
from maze_helpers.local_cloud.startup import STARTUP

HOME = Path("/maze/.maze")
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
NAMES = st.sampled_from(
    ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "EDITOR", "HOME"]
)
ENVIRONMENTS = st.dictionaries(NAMES, VALUES)


def made_local(environment: dict[str, str]) -> dict[str, str]:
    return changed(local_changes(HOME, environment), environment)


@given(ENVIRONMENTS)
def test_no_aws_setting_survives_and_nothing_else_is_lost(environment):
    local = made_local(environment)
    ours = {name: value for name, value in local.items() if name.startswith("AWS_")}
    assert ours == {
        "AWS_CONFIG_FILE": "/maze/.maze/aws/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/maze/.maze/aws/credentials",
        "AWS_PROFILE": "maze",
        "AWS_DATA_PATH": "/maze/.maze/aws/models",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    others = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    assert others.items() <= local.items()


@given(ENVIRONMENTS)
def test_making_it_local_twice_is_making_it_local_once(environment):
    local = made_local(environment)
    assert made_local(local) == local


@given(ENVIRONMENTS)
def test_going_back_leaves_nothing_that_points_at_the_maze(environment):
    back = changed(changes_back(made_local(environment)), made_local(environment))
    assert not [name for name in back if name.startswith(("AWS_", "MAZE_", "SAGEMAKER_"))]
    assert "PYTHONPATH" not in back


def test_lists_keep_what_they_held():
    before = {"PYTHONPATH": "/mine", "NO_PROXY": "intra.net,localhost", "PATH": "/bin"}
    local = made_local(before)
    assert local["PYTHONPATH"] == f"{STARTUP}{os.pathsep}/mine"
    assert local["NO_PROXY"] == "127.0.0.1,localhost,intra.net"
    assert local["PATH"].endswith(f"{os.pathsep}/bin")
    here = str(Path(sys.executable).parent)
    moved = made_local({"PATH": os.pathsep.join(["/bin", here])})["PATH"]
    assert moved == os.pathsep.join([here, "/bin"])
    assert changed(changes_back(local), local)["PYTHONPATH"] == "/mine"


def test_an_environment_that_is_not_local_needs_no_way_back():
    assert changes_back({"AWS_PROFILE": "mine", "MAZE_MODE": "aws"}) == {}


def test_what_was_set_after_going_local_stays_on_the_way_back():
    local = made_local({}) | {"AWS_PROFILE": "mine"}
    assert changed(changes_back(local), local)["AWS_PROFILE"] == "mine"
