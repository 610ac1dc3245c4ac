"""What the library reads of headers."""

from maze_helpers.local_cloud.container.model_server.codecs import accepted_types as parse_accept
from maze_helpers.local_cloud.container.model_server.service import (
    content_type_of as retrieve_content_type_header,
)

__all__ = ["parse_accept", "retrieve_content_type_header"]
