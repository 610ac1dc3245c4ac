"""Requests' bodies as what pipelines take, and what pipelines return as responses' bodies."""

from maze_helpers.local_cloud.container.model_server.huggingface_codecs import (
    decode,
    decode_audio,
    decode_csv,
    decode_image,
    decode_json,
    encode,
    encode_csv,
    encode_image,
    encode_json,
)

__all__ = [
    "decode",
    "decode_audio",
    "decode_csv",
    "decode_image",
    "decode_json",
    "encode",
    "encode_csv",
    "encode_image",
    "encode_json",
]
