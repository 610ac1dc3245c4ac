"""The serve contract of the PyTorch and Hugging Face images: what their model servers answer.

The answers are observed on AWS's own code; tests/contract compares the two.
"""

import pytest
from serving_container import SERVE
from serving_peers import peers
from toolkit_cases import HUGGING_FACE, PYTORCH, observed, of_code

PYTORCH_SERVE = [*SERVE[:3], "pytorch", "2.6.0", "cpu"]
HUGGING_FACE_SERVE = [*SERVE[:3], "huggingface", "4.49.0", "cpu", "2.6.0"]


@pytest.fixture(scope="module")
def pytorch():
    with peers(PYTORCH_SERVE, of_code) as servers:
        yield servers


@pytest.fixture(scope="module")
def hugging_face():
    with peers(HUGGING_FACE_SERVE, of_code) as servers:
        yield servers


def slow_with_torch(requests):
    """Return the requests' names; those that import torch run with the slow tests."""
    return [
        pytest.param(name, marks=pytest.mark.slow if request.needs == "torch" else [])
        for name, request in requests.items()
    ]


def check(request, servers, expected):
    if request.needs:
        pytest.importorskip(request.needs)
    assert request.send(servers) == expected


@pytest.mark.parametrize("name", slow_with_torch(PYTORCH))
def test_the_pytorch_image_answers_as_on_aws(name, pytorch):
    check(PYTORCH[name], pytorch, observed("pytorch")[name])


@pytest.mark.parametrize("name", slow_with_torch(HUGGING_FACE))
def test_the_hugging_face_image_answers_as_on_aws(name, hugging_face):
    check(HUGGING_FACE[name], hugging_face, observed("huggingface")[name])
