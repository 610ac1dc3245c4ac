"""The names that inference scripts import: content_types, encoders, env, errors and worker.

Many scripts import more of them than they use; the rest are here by name only.
"""

from maze_helpers.local_cloud.container import content_types

from . import encoders, env, errors, worker
from .absent import Absent

entry_point = Absent("entry_point")
files = Absent("files")
functions = Absent("functions")
mapping = Absent("mapping")
modules = Absent("modules")
process = Absent("process")
runner = Absent("runner")
server = Absent("server")
trainer = Absent("trainer")
transformer = Absent("transformer")

__all__ = [
    "content_types",
    "encoders",
    "entry_point",
    "env",
    "errors",
    "files",
    "functions",
    "mapping",
    "modules",
    "process",
    "runner",
    "server",
    "trainer",
    "transformer",
    "worker",
]
