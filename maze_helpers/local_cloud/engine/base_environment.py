"""The environment variables that every image sets, before a job or a model adds its own."""

import os
import re
import site
import sys
from pathlib import Path

from maze_helpers.local_cloud.startup import STARTUP

# What a container needs of the server's surroundings, pip above all. No AWS settings.
_INHERITED = re.compile(
    r"PIP_\w+|(https?|all)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|"
    r"LD_LIBRARY_PATH",
    re.IGNORECASE,
)


def base_environment(home: Path) -> dict[str, str]:
    """Return the variables that a container starts from.

    Pip's settings, proxies and certificates come from the server's environment; nothing else
    does, so that nothing finds the user's AWS files.
    home: a folder of the container's own, that exists.
    Source: the ENV lines of aws/sagemaker-scikit-learn-container's Dockerfiles.
    """
    inherited = {name: value for name, value in os.environ.items() if _INHERITED.fullmatch(name)}
    # Or else a proxy would be asked for the local cloud.
    no_proxy = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1,localhost"]))
    variables = {
        "PIP_CACHE_DIR": str(_user_cache() / "pip"),
        **inherited,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "HOME": str(home),
        # For the container's own files, whatever a job or a model says that HOME is.
        "MAZE_CONTAINER_HOME": str(home),
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "UTF-8",
        # Differs from AWS: containers share this machine's cores. Threads that spin while they wait
        # take them from the others: three trainings at once take many times as long. Threads that
        # sleep at once cost a lone training a third of its speed. These spin for a moment.
        "GOMP_SPINCOUNT": "10000",
        "AWS_EC2_METADATA_DISABLED": "true",
        # For the addresses that the SDK hard-codes: a script may use it, too.
        "MAZE_MODE": "local",
        "PYTHONPATH": str(STARTUP),
    }
    if site.ENABLE_USER_SITE:
        # Packages below the user's home are the server's too: they run the job.
        variables["PYTHONUSERBASE"] = site.getuserbase()
    return variables


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
