"""Run by every Python that starts under `maze env`, before the program itself."""

import os
import sys

import local_only

HERE = os.path.dirname(os.path.abspath(__file__))


def run_the_one_in_our_way() -> None:
    """Run the `sitecustomize` that Python would have found without this folder, if any."""
    elsewhere = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    for finder in sys.meta_path:
        if getattr(finder, "__name__", "") == "PathFinder":
            spec = finder.find_spec("sitecustomize", elsewhere)
            if spec is not None:
                spec.loader.exec_module(type(sys)("sitecustomize"))
            return


run_the_one_in_our_way()
if local_only.is_local():
    local_only.install()
