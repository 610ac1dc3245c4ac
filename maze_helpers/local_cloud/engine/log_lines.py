"""A container's output, cut into lines as CloudWatch shows them."""

# A longer line is cut: escaped at worst fourfold, a piece still fits a CloudWatch event.
MAX_LINE_BYTES = 64_000
# SageMaker's log agent writes control characters as rsyslog does: "\t" is "#011", "\r" is "#015"
# (observed in public job logs; XGBoost's metric definitions rely on it).
_ESCAPES = {code: f"#{code:03o}" for code in [*range(32), 127]}


class LineSplitter:
    """Turns chunks of output, however they are cut, into whole lines."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that this chunk completes, in order."""
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        pieces = [piece for line in lines for piece in _pieces(line)]
        *complete, self._pending = _pieces(self._pending)
        return [log_text(piece) for piece in [*pieces, *complete]]

    def finish(self) -> list[str]:
        """Return the last line, where no newline ended it."""
        pending, self._pending = self._pending, b""
        return [log_text(pending)] if pending else []


def log_text(line: bytes) -> str:
    r"""Return a line as CloudWatch shows it.

    Example: b"[0]\ttrain-rmse:8.1" gives "[0]#011train-rmse:8.1". What is not UTF-8 becomes
    U+FFFD.
    """
    return line.decode("utf-8", "replace").translate(_ESCAPES)


def _pieces(line: bytes) -> list[bytes]:
    """Return a line in pieces of at most MAX_LINE_BYTES; always at least one."""
    pieces = []
    while len(line) > MAX_LINE_BYTES:
        cut = _character_boundary(line, MAX_LINE_BYTES)
        pieces.append(line[:cut])
        line = line[cut:]
    return [*pieces, line]


def _character_boundary(line: bytes, at: int) -> int:
    """Return the last index up to `at` that does not split a UTF-8 character."""
    for cut in range(at, at - 4, -1):
        if line[cut] & 0xC0 != 0x80:
            return cut
    return at
