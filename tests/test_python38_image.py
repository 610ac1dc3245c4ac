"""What runs in the scikit-learn 1.2 image also runs on its Python 3.8 and scikit-learn 1.2.1."""

import ast
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cached_environment import cached_environment, find_python38
from training_cases import ALL_KINDS, CHANNELS
from training_folder import TRAIN, Job, Outcome, run_command, run_job

# Making the environment downloads scikit-learn and pandas.
slow = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(ROOT.glob("chapter_1/task_*/training.ipynb"))
CONTAINER_FILES = sorted((ROOT / "maze_helpers" / "local_cloud" / "container").rglob("*.py"))
SCORE = """
import sys, joblib, pandas
model = joblib.load(sys.argv[1])
rows = pandas.read_csv(sys.argv[2])
accuracy = model.score(rows.iloc[:, :-1].to_numpy(), rows.iloc[:, -1].to_numpy())
print(len(model.classes_), model.n_features_in_, accuracy)
"""


@pytest.fixture(scope="session")
def python38() -> str:
    python = find_python38()
    if python is None:
        pytest.skip("there is no Python 3.8 on this machine")
    packages = ["scikit-learn==1.2.1", "pandas", "joblib"]
    return str(cached_environment("scikit-learn-1.2.1-py3.8", python, *packages))


def emitted_files(notebook: Path) -> dict[str, str]:
    """Return what a notebook's %%writefile cells write, by path below the source folder."""
    cells = json.loads(notebook.read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    heads = [source.partition("\n") for source in sources if source.startswith("%%writefile ")]
    return {head.split()[-1].replace("src/", "", 1): text for head, _, text in heads}


def settings(script: str, folder: Path) -> dict[str, str]:
    """Return a small run's hyperparameters: those of the script's options that it would miss."""
    wanted = {
        "n-estimators": "50",
        "rounds": "3",
        "train": str(folder / "input" / "data" / "train"),
        "test": str(folder / "input" / "data" / "test"),
        "model-dir": str(folder / "model"),
    }
    options = re.findall(r"add_argument\(\s*\"--([\w-]+)\"", script)
    return {name: value for name, value in wanted.items() if name in options}


def run_emitted(notebook: Path, folder: Path, python: str) -> Outcome:
    """Run a notebook's script as the image would, on the digits."""
    files = emitted_files(notebook)
    job = Job(
        files=files,
        hyperparameters=settings(files["train.py"], folder),
        channels={"train": {}, "test": {}},
    )
    job.make(folder)
    for channel in job.channels:
        shutil.copy(ROOT / "data" / "digits" / f"{channel}.csv", folder / "input/data" / channel)
    return run_command(job, folder, [python, *TRAIN[1:]])


def test_every_task_emits_a_script():
    assert len(NOTEBOOKS) == 4
    assert all("train.py" in emitted_files(notebook) for notebook in NOTEBOOKS)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.parent.name)
def test_the_script_of_a_task_is_python_3_8(notebook):
    for name, text in emitted_files(notebook).items():
        if name.endswith(".py"):
            ast.parse(text, name, feature_version=(3, 8))


@pytest.mark.parametrize("path", CONTAINER_FILES, ids=lambda path: path.name)
def test_the_container_is_python_3_8(path):
    ast.parse(path.read_text(), path.name, feature_version=(3, 8))


@slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.parent.name)
def test_the_script_of_a_task_learns_the_digits_there(notebook, python38, tmp_path):
    folder = tmp_path / "ml"
    outcome = run_emitted(notebook, folder, python38)
    assert outcome.succeeded, outcome.log
    assert "scikit-learn 1.2.1 runs here, on Python 3.8." in outcome.log
    assert "WARNING" not in outcome.log
    (model,) = folder.rglob("model.joblib")
    scored = subprocess.run(
        [python38, "-c", SCORE, str(model), str(ROOT / "data" / "digits" / "test.csv")],
        capture_output=True,
        text=True,
        check=True,
    )
    classes, features, accuracy = scored.stdout.split()
    assert (classes, features) == ("10", "64")
    assert float(accuracy) >= 0.95


@slow
def test_the_container_itself_does_there_what_it_does_here(python38, tmp_path):
    job = Job(hyperparameters=ALL_KINDS, channels=CHANNELS)
    here = run_job(job, tmp_path / "here" / "ml")
    there = run_job(job, tmp_path / "there" / "ml", [python38, *TRAIN[1:]])
    assert there.succeeded, there.log
    assert there.probe["arguments"] == here.probe["arguments"]
    sm_here, sm_there = (
        {k: v.replace(root, "") for k, v in outcome.variables.items() if k.startswith("SM_")}
        for outcome, root in ((here, f"{tmp_path}/here"), (there, f"{tmp_path}/there"))
    )
    assert sm_there == sm_here


@slow
def test_requirements_are_installed_there_for_the_job_alone(python38, tmp_path):
    files = {"train.py": "import sklearn", "requirements.txt": "joblib\n"}
    outcome = run_job(Job(files=files), tmp_path / "ml", [python38, *TRAIN[1:]])
    assert outcome.succeeded, outcome.log
    assert "Requirement already satisfied: joblib" in outcome.log
