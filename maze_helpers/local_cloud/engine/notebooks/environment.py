"""The environment variables of a notebook instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maze_helpers.local_cloud.container.notebook_token import SECRET_VARIABLE
from maze_helpers.local_cloud.engine.base_environment import base_environment
from maze_helpers.local_cloud.engine.job_environment import (
    SESSION_NAME,
    access_variables,
    role_name,
)
from maze_helpers.local_cloud.engine.notebooks.folder import NotebookFolder
from maze_helpers.local_cloud.engine.notebooks.record import Document

if TYPE_CHECKING:
    from maze_helpers.local_cloud.cloud import LocalCloud

# On AWS, an instance asks for new credentials before the old ones end. Here it has one key, which
# must outlast it; it is revoked when the instance ends.
_KEY_LIFETIME_S = 10 * 365 * 86_400


def notebook_environment(
    cloud: LocalCloud, document: Document, folder: NotebookFolder, secret: str
) -> dict[str, str]:
    """Return the whole environment of a notebook instance, with a key of its role's.

    secret: what its presigned URLs are signed with.
    """
    key = cloud.credentials.lend(role_name(document["RoleArn"]), SESSION_NAME, _KEY_LIFETIME_S)
    folder.note_key(key.access_key_id)
    home = folder.home_seen
    return {
        **base_environment(home),
        "TMPDIR": str(folder.tmp),
        **access_variables(cloud, key),
        "USER": "ec2-user",
        "SHELL": "/bin/bash",
        "JUPYTER_RUNTIME_DIR": str(folder.runtime),
        SECRET_VARIABLE: secret,
    }
