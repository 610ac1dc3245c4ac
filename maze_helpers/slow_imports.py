"""Leaving out what makes imports slow and is not needed."""

import sys


def leave_out() -> None:
    """Spare this process a grammar of international URLs, 1.3 s for every import of jsonschema.

    Notebooks and the SDK's configuration are checked by jsonschema, and have no such format. Of
    use only before jsonschema is imported; then it does not check that one format.
    """
    sys.modules.setdefault("rfc3987_syntax", None)
