"""The serve contract on the image's own Python and scikit-learn."""

import subprocess
import sys

import pytest
from cached_environment import cached_environment, find_python38
from serving_cases import CASES
from serving_container import SERVE, Served, serving
from serving_peers import check, peers
from toolkit_cases import SHARED, observed, of_code

# Making the environment downloads scikit-learn.
pytestmark = pytest.mark.slow

PACKAGES = ["scikit-learn==1.2.1", "joblib", "gunicorn"]
LOADS_JOBLIB = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
TRAIN_DIGITS = """
import sys, joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

X, y = load_digits(return_X_y=True)
joblib.dump(RandomForestClassifier(20, random_state=0).fit(X, y), sys.argv[1])
"""


@pytest.fixture(scope="module")
def python() -> str:
    python38 = find_python38()
    if python38 is None:
        pytest.skip("there is no Python 3.8 on this machine")
    return str(cached_environment("scikit-learn-1.2.1-serving-py3.8", python38, *PACKAGES))


@pytest.fixture(scope="module")
def there(python):
    with peers([python, *SERVE[1:]]) as servers:
        yield servers


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_answered_there_as_here(name, there):
    check(CASES[name], there.answer(CASES[name]))


@pytest.fixture(scope="module", params=["pytorch", "huggingface"])
def toolkit(request, python):
    command = [python, *SERVE[1:3], request.param, "1.12.0", "cpu", "1.12.0"]
    with peers(command, of_code) as servers:
        yield request.param, servers


@pytest.mark.parametrize("name", SHARED)
def test_a_model_server_of_a_toolkit_answers_there_as_here(name, toolkit):
    framework, servers = toolkit
    assert SHARED[name].send(servers) == observed(framework)[name]


@pytest.mark.parametrize("where", ["here", "there"])
def test_the_digits_forest_answers(where, python, tmp_path):
    from sklearn.datasets import load_digits

    interpreter = python if where == "there" else sys.executable
    model = tmp_path / "model.joblib"
    subprocess.run([interpreter, "-c", TRAIN_DIGITS, str(model)], check=True)
    served = Served(files={"predict.py": LOADS_JOBLIB})
    with serving(served, [interpreter, *SERVE[1:]]) as server:
        # Before the worker looks for it, or at the request after.
        (server.base / "model" / "model.joblib").write_bytes(model.read_bytes())
        X, y = load_digits(return_X_y=True)
        rows = "\n".join(",".join(map(str, row)) for row in X[:100])
        server.ping()
        answer = server.invoke(rows, "text/csv", Accept="text/csv")
        assert answer.status == 200, server.log
        assert [int(line) for line in answer.body.split()] == y[:100].tolist()
        if where == "there":
            assert "scikit-learn 1.2.1 runs here, on Python 3.8." in server.log
            assert "WARNING" not in server.log
