"""The floor of the S3 benchmark: files over HTTP by uvicorn, unchecked, unsigned, unhashed.

`python -m bench.file_server FOLDER PORT`. It says what boto3 needs to hear, and no more.
"""

import os
import sys
from pathlib import Path

import uvicorn

CHUNK_BYTES = 1024 * 1024
# boto3's own part size: part n begins at n - 1 times it.
PART_BYTES = 8 * 1024 * 1024
CREATED = b"<r><UploadId>upload</UploadId></r>"
COMPLETED = b"<r><ETag>etag</ETag></r>"


class FileServer:
    """PUT writes a file (or a part of it), GET reads it (or a range), HEAD tells its size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __call__(self, scope, receive, send) -> None:
        """Answer one request."""
        path = self.folder / scope["path"].strip("/").replace("/", "_")
        if scope["method"] == "PUT":
            await self.put(path, scope, receive, send)
        elif scope["method"] == "POST":
            begins = b"uploads" in scope["query_string"]
            if begins:
                path.unlink(missing_ok=True)
            body = CREATED if begins else COMPLETED
            await answer(send, 200, len(body), [], [body])
        else:
            await self.get(path, scope, send)

    async def put(self, path, scope, receive, send) -> None:
        """Write the body, at its part's place in the file."""
        query = dict(pair.partition(b"=")[::2] for pair in scope["query_string"].split(b"&"))
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        offset = (int(query.get(b"partNumber", 1)) - 1) * PART_BYTES
        more = True
        while more:
            message = await receive()
            body, more = message.get("body", b""), message.get("more_body", False)
            offset += os.pwrite(file, body, offset)
        os.close(file)
        await answer(send, 200, 0, [(b"etag", b'"etag"')], [])

    async def get(self, path, scope, send) -> None:
        """Send the file, a range of it, or its size."""
        size = path.stat().st_size
        span = dict(scope["headers"]).get(b"range")
        start, stop, status = 0, size, 200
        headers = [(b"etag", b'"etag"'), (b"last-modified", b"Wed, 01 Jan 2025 00:00:00 GMT")]
        if span:
            first, _, last = span.removeprefix(b"bytes=").partition(b"-")
            start, stop, status = int(first), int(last) + 1 if last else size, 206
            headers.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, size)))
        if scope["method"] == "HEAD":
            await answer(send, 200, size, headers, [])
            return
        file = os.open(path, os.O_RDONLY)
        chunks = (
            os.pread(file, min(CHUNK_BYTES, stop - offset), offset)
            for offset in range(start, stop, CHUNK_BYTES)
        )
        await answer(send, status, stop - start, headers, chunks)
        os.close(file)


async def answer(send, status, length, headers, chunks) -> None:
    """Send a whole response."""
    headers = [*headers, (b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})


if __name__ == "__main__":
    server = FileServer(Path(sys.argv[1]))
    uvicorn.run(
        server, port=int(sys.argv[2]), log_level="warning", access_log=False, lifespan="off"
    )
