"""What makes an environment local, so that AWS tools started there use the local cloud alone."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from maze_helpers.local_cloud.credentials import PROFILE
from maze_helpers.local_cloud.home import Home
from maze_helpers.local_cloud.startup import STARTUP

# Variables that hold a list, with the separator: ours comes first.
LISTS = {"PATH": os.pathsep, "PYTHONPATH": os.pathsep, "NO_PROXY": ",", "no_proxy": ","}

# New values by name; None: the variable has to go.
Changes = dict[str, str | None]


def local_changes(home: Path, current: Mapping[str, str]) -> Changes:
    """Return what to change in an environment to make it local."""
    # Every AWS_ variable can send a client elsewhere: other keys, roles, endpoints, models.
    changes: Changes = {name: None for name in current if name.startswith("AWS_")}
    changes |= _local_values(Home(home))
    return changes | {name: _with_ours_first(name, current) for name in LISTS}


def own_programs_first(current: Mapping[str, str]) -> Changes:
    """Return what to change so that `python` and `aws` in a shell are those beside this Python."""
    return {"PATH": _with_ours_first("PATH", current)}


def _with_ours_first(name: str, current: Mapping[str, str]) -> str:
    ours, separator = _list_items(name), LISTS[name]
    others = [part for part in current.get(name, "").split(separator) if part not in ("", *ours)]
    return separator.join(ours + others)


def changes_back(current: Mapping[str, str]) -> Changes:
    """Return what to change in an environment that `maze env` made local, so that it is not."""
    if current.get("MAZE_MODE") != "local" or "MAZE_HOME" not in current:
        return {}
    local = _local_values(Home(Path(current["MAZE_HOME"])))
    changes: Changes = {name: None for name in local if current.get(name) == local[name]}
    paths = current.get("PYTHONPATH", "").split(os.pathsep)
    changes["PYTHONPATH"] = os.pathsep.join(p for p in paths if p != str(STARTUP)) or None
    return changes


def changed(changes: Changes, current: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of an environment with changes made."""
    merged = {**current, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def local_environment(home: Path) -> dict[str, str]:
    """Return this process's environment, made local, for a process that is to be started."""
    return changed(local_changes(home, os.environ), os.environ)


def _local_values(home: Home) -> dict[str, str]:
    return {
        "AWS_CONFIG_FILE": str(home.aws / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home.aws / "credentials"),
        "AWS_PROFILE": PROFILE,
        # The AWS CLI sets this variable itself, and so overlooks the profile's data_path.
        "AWS_DATA_PATH": str(home.aws / "models"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "MAZE_HOME": str(home.path),
        "MAZE_MODE": "local",
        # Both, or an organisation's defaults (networks, keys, roles) end up in local requests.
        "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": str(home.aws / "sagemaker.yaml"),
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(home.aws / "sagemaker.yaml"),
    }


def _list_items(name: str) -> list[str]:
    if name == "PATH":
        # A notebook's kernel may run outside its environment, and `!aws` finds another's.
        return [str(Path(sys.executable).parent)]
    return [str(STARTUP)] if name == "PYTHONPATH" else ["127.0.0.1", "localhost"]
