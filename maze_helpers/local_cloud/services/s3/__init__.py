"""S3: buckets, objects and multipart uploads, kept on disk."""
