"""Where in S3 something is."""


def split(url: str) -> tuple[str, str]:
    """Return the bucket and the key, or the prefix, of s3://bucket/key; the key may be empty."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key
