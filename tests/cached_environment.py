"""Python environments that tests need and that are slow to make: kept in the user's cache."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path


def cached_environment(name: str, python: str, *packages: str) -> Path:
    """Return the interpreter of an environment that holds the packages, making it when missing.

    Several test processes may ask at once: one makes it, the others wait.
    """
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sagemaker-maze-tests"
    )
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / name
    done = folder / "done"
    with open(cache / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([python, "-m", "venv", str(folder)], check=True)
            install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *packages]
            subprocess.run(install, check=True)
            done.touch()
    return folder / "bin" / "python"


def find_python38() -> str | None:
    """Return a Python 3.8 from PATH or pyenv, or None."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = [str(path) for path in sorted(root.glob("versions/3.8.*/bin/python"))]
    for candidate in [*installed, shutil.which("python3.8")]:
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
            return candidate
    return None
