"""The bonus track's project: the scripts that its second notebook writes, and their dataset.

The notebook's `%%writefile` cells are the scripts' only home, so each notebook after it, and the
training of a model where there is none, takes them from there.
"""

from collections.abc import Iterator
from pathlib import Path

from maze_helpers import data, notebooks

NOTEBOOK = Path(__file__).resolve().parent.parent / "chapter_1/bonus/2_project.ipynb"
MAGIC = "%%writefile "
HERE = Path()


def scripts() -> Iterator[tuple[str, str]]:
    """Yield the path, such as "scripts/train.py", and the text of each of the project's scripts."""
    for cell in notebooks.code_cells(notebooks.read_notebook(NOTEBOOK)):
        first, _, text = cell.source.partition("\n")
        path = first.removeprefix(MAGIC).strip()
        if first.startswith(MAGIC) and path.startswith("scripts/"):
            yield path, text + "\n"


def write(folder: Path | str = HERE) -> Path:
    """Write the project's scripts below the folder; return the folder `scripts`.

    A script that is there already stays as it is: somebody may have changed it.
    """
    for name, text in scripts():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(text, encoding="utf-8")
    return Path(folder, "scripts")


def write_dataset(
    utterances_per_intent: int | None = None, folder: Path | str = HERE
) -> tuple[Path, Path]:
    """Write dataset/train.csv and dataset/test.csv below the folder; return their paths.

    utterances_per_intent: the first so many of each intent; None for all. What was there is
    replaced.
    """
    paths = Path(folder, "dataset/train.csv"), Path(folder, "dataset/test.csv")
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for path, rows in zip(paths, data.intents(utterances_per_intent), strict=True):
        rows.to_csv(path, index=False, lineterminator="\n")
    return paths
