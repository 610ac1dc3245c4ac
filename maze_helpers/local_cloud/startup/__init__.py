"""What goes on PYTHONPATH, under `maze env` and in containers, so that Python stays local."""

from pathlib import Path

# The folder with our `sitecustomize`.
STARTUP = Path(__file__).parent
