"""What SageMaker would not find in a model.tar.gz: said before an endpoint is paid for.

An archive is read, never unpacked, and nothing in it is ever run: its code is parsed, its pickles
are looked through opcode by opcode, and of a bomb no more is read than a bound allows.
"""

from maze_helpers.model_archive.examining import examine
from maze_helpers.model_archive.finding import Finding, show
from maze_helpers.model_archive.image_contents import FRAMEWORKS
from maze_helpers.model_archive.s3_archive import local_copy

__all__ = ["FRAMEWORKS", "Finding", "examine", "local_copy", "show"]
