"""The environment variables of a model server's container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.engine.base_environment import base_environment
from maze_helpers.local_cloud.engine.hosting.server_folder import ServerFolder
from maze_helpers.local_cloud.engine.hosting.server_spec import ServerSpec
from maze_helpers.local_cloud.engine.job_environment import (
    SESSION_NAME,
    access_variables,
    role_name,
)

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# On AWS, a container asks for new credentials before the old ones end. Here it has one key, which
# must outlast any endpoint; it is revoked when the server ends.
_KEY_LIFETIME_S = 10 * 365 * 86_400
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def server_environment(cloud: LocalCloud, spec: ServerSpec, folder: ServerFolder) -> dict[str, str]:
    """Return the whole environment of a model server's container, with a key of its role's.

    The model's Environment wins over what every model gets.
    """
    key = cloud.credentials.lend(role_name(spec.role_arn), SESSION_NAME, _KEY_LIFETIME_S)
    folder.note_key(key.access_key_id)
    limited = () if spec.thread_count is None else _THREAD_VARIABLES
    return {
        **base_environment(folder.home),
        "TMPDIR": str(folder.tmp),
        **access_variables(cloud, key),
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(spec.workers),
        **{name: str(spec.thread_count) for name in limited},
        **spec.environment,
        "MAZE_MODEL_SERVER_SOCKET": str(folder.socket),
        "MAZE_FAILURE_FILE": str(folder.failure),
    }
