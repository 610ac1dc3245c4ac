"""The content types that the library knows."""

from maze_helpers.local_cloud.container.content_types import (
    ANY,
    CSV,
    JSON,
    NPY,
    OCTET_STREAM,
    UTF8_TYPES,
)
from maze_helpers.local_cloud.container.model_server.huggingface_codecs import (
    AUDIO_TYPES,
    VISION_TYPES,
    X_IMAGE,
)

JPEG, PNG, TIFF, BMP, GIF, WEBP = VISION_TYPES[:6]
FLAC, MP3, WAV, OGG, X_AUDIO = AUDIO_TYPES

__all__ = [
    "ANY",
    "AUDIO_TYPES",
    "BMP",
    "CSV",
    "FLAC",
    "GIF",
    "JPEG",
    "JSON",
    "MP3",
    "NPY",
    "OCTET_STREAM",
    "OGG",
    "PNG",
    "TIFF",
    "UTF8_TYPES",
    "VISION_TYPES",
    "WAV",
    "WEBP",
    "X_AUDIO",
    "X_IMAGE",
]
