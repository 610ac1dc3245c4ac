"""The Jupyter server of a notebook instance: `python -m …container.notebook_jupyter OPTIONS`."""

import sys

# It takes 1.3 s to import, for one format that no notebook has: jsonschema does without.
sys.modules.setdefault("rfc3987_syntax", None)

from jupyter_server.serverapp import main  # noqa: E402

if __name__ == "__main__":
    main()
