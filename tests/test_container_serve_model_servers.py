"""The serve contract of the PyTorch and Hugging Face images: what their model servers answer.

The answers are observed on AWS's own code; tests/contract compares the two.
"""

import re
from pathlib import Path

import pytest
from serving_container import SERVE
from serving_peers import peers
from toolkit_cases import HUGGING_FACE, PYTORCH, TEXT, observed, of_code
from toolkit_scripts import CONTEXT, EXITS, LIBRARY, STEPS, TOO_MANY, TRANSFORM, TRANSFORM_CONTEXT

PYTORCH_SERVE = [*SERVE[:3], "pytorch", "2.6.0", "cpu"]
HUGGING_FACE_SERVE = [*SERVE[:3], "huggingface", "4.49.0", "cpu", "2.6.0"]
# Each needs a server of its own, and tells of what both images share: one of them runs the fast
# tests of it.
FAST_WITH_PYTORCH_ALONE = (CONTEXT, EXITS, LIBRARY, TOO_MANY, TRANSFORM, TRANSFORM_CONTEXT)


@pytest.fixture(scope="module")
def pytorch():
    with peers(PYTORCH_SERVE, of_code) as servers:
        yield servers


@pytest.fixture(scope="module")
def hugging_face():
    with peers(HUGGING_FACE_SERVE, of_code) as servers:
        yield servers


def slow_with_torch(requests, *slow_scripts):
    """Return the requests' names; those that import torch, or are of a script that is slow, run
    with the slow tests."""

    def marks(request):
        is_slow = request.needs == "torch" or request.script in slow_scripts
        return pytest.mark.slow if is_slow else []

    return [pytest.param(name, marks=marks(request)) for name, request in requests.items()]


def check(request, servers, expected):
    if request.needs:
        pytest.importorskip(request.needs)
    assert request.send(servers) == expected


@pytest.mark.parametrize("name", slow_with_torch(PYTORCH))
def test_the_pytorch_image_answers_as_on_aws(name, pytorch):
    check(PYTORCH[name], pytorch, observed("pytorch")[name])


@pytest.mark.parametrize("name", slow_with_torch(HUGGING_FACE, *FAST_WITH_PYTORCH_ALONE))
def test_the_hugging_face_image_answers_as_on_aws(name, hugging_face):
    check(HUGGING_FACE[name], hugging_face, observed("huggingface")[name])


def test_a_traceback_of_pytorchs_begins_at_the_users_code(pytorch):
    answer = pytorch.server(STEPS).invoke("fails", TEXT)
    files = re.findall(r'File "([^"]*)"', answer.body.decode())
    assert [Path(file).name for file in files] == ["inference.py"]
