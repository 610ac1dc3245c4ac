"""Pages of keys: in the order of their UTF-8 bytes, rolled up at a delimiter.

The index is sought, not scanned: past each common prefix the next look-up begins behind all
the keys that it stands for.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

COLUMNS = "bucket, key, size_bytes, etag, modified_at, attributes, tags"
# Behind every key that begins with some prefix: no byte of UTF-8 is this large.
LAST = b"\xff"


@dataclass
class Page:
    """A page of a bucket's listing.

    next_start: where the next page begins, inclusive; None on the last one.
    last_item: the last key or common prefix of the page.
    """

    rows: list[sqlite3.Row] = field(default_factory=list)
    common_prefixes: list[str] = field(default_factory=list)
    next_start: bytes | None = None
    last_item: str = ""

    @property
    def size(self) -> int:
        """How many keys and common prefixes it has."""
        return len(self.rows) + len(self.common_prefixes)


@dataclass(frozen=True)
class Listing:
    """The keys of a bucket under a prefix, rolled up at a delimiter unless that is empty."""

    bucket: str
    prefix: bytes
    delimiter: bytes

    def after(self, key: str) -> bytes:
        """Return the first key that comes after one, whether it is there or not."""
        return key.encode() + b"\0"

    def after_marker(self, marker: str) -> bytes:
        """Return where a listing goes on after a marker: past its whole common prefix."""
        rolled = self.common_prefix(marker.encode())
        return rolled + LAST if rolled else self.after(marker)

    def common_prefix(self, key: bytes) -> bytes | None:
        """Return the key up to the delimiter behind the prefix, or None if it has none."""
        if not self.delimiter or not key.startswith(self.prefix):
            return None
        end = key.find(self.delimiter, len(self.prefix))
        return key[: end + len(self.delimiter)] if end >= 0 else None

    def page(self, db: sqlite3.Connection, start: bytes, limit: int) -> Page:
        """Return up to `limit` keys and common prefixes, from `start` on, inclusive."""
        page = Page()
        if limit == 0:
            return page
        for item_start, row, rolled in self._items(db, start):
            if page.size == limit:
                page.next_start = item_start
                break
            if rolled is None:
                page.rows.append(row)
            else:
                page.common_prefixes.append(rolled.decode())
            page.last_item = (rolled or row["key"]).decode()
        return page

    def _items(
        self, db: sqlite3.Connection, start: bytes
    ) -> Iterator[tuple[bytes, sqlite3.Row, bytes | None]]:
        position: bytes | None = max(start, self.prefix)
        while position is not None:
            cursor = db.execute(
                f"SELECT {COLUMNS} FROM s3_objects"
                " WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key",
                (self.bucket, position, self.prefix + LAST),
            )
            position = None
            for row in cursor:
                rolled = self.common_prefix(row["key"])
                yield row["key"], row, rolled
                if rolled is not None:
                    position = rolled + LAST
                    break
