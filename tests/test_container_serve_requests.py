"""The serve contract: what a model server answers, and what its scripts may return.

Each case is observed on AWS's own code; tests/contract compares the two.
"""

import re

import numpy as np
import pytest
from serving_cases import CASES, ECHO, FLASK_CASE, npy
from serving_container import CSV, JSON, NPY, Served, serving
from serving_peers import check, peers


@pytest.fixture(scope="module")
def ours():
    with peers() as servers:
        yield servers


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_answered_as_on_aws(name, ours):
    check(CASES[name], ours.answer(CASES[name]))


def test_a_script_that_uses_flask_finds_the_request_in_it(ours):
    pytest.importorskip("flask")
    check(FLASK_CASE, ours.answer(FLASK_CASE))


def test_what_nginx_does_not_pass_on_is_not_found(ours):
    answer = ours.server(ECHO).ask("GET", "/")
    assert (answer.status, answer.content_type) == (404, "application/octet-stream")
    assert answer.body == b"{}"


def test_an_error_is_in_the_log_from_the_users_code_on(ours):
    script = ECHO + "def input_fn(content, content_type):\n    raise KeyError('what went wrong')\n"
    server = ours.server(script)
    server.invoke("[1]")
    assert "ERROR - predict - Exception on /invocations [POST]\nTraceback" in server.log
    assert "KeyError: 'what went wrong'" in server.log
    assert "serving_app" not in server.log


def test_a_script_that_exits_is_an_error_of_the_request_alone(ours):
    script = ECHO + "import sys\ndef input_fn(content, content_type):\n    sys.exit(3)\n"
    server = ours.server(script)
    workers = server.workers
    assert server.invoke("[1]").status == 500
    assert server.invoke("[1]").status == 500
    assert server.workers == workers


def test_a_pickle_that_runs_code_is_refused(ours):
    class Harmful:
        def __reduce__(self):
            return print, ("what a caller may not run",)

    server = ours.server(ECHO)
    assert server.invoke(npy(np.array([Harmful()], dtype=object)), NPY).status == 500
    assert "only strings, numbers and dates are read here" in server.log
    assert "what a caller may not run\n" not in server.log


def test_what_the_library_has_and_the_image_here_has_not_says_so(ours):
    script = ECHO + (
        "from sagemaker_containers.beta.framework import modules\n"
        "def input_fn(content, content_type):\n"
        "    modules.import_module('x')\n"
    )
    server = ours.server(script)
    assert server.invoke("[1]").status == 500
    assert "has no sagemaker_containers.beta.framework.modules.import_module" in server.log


def test_the_default_accept_is_the_models_choice():
    variables = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": CSV}
    with serving(Served(files={"predict.py": ECHO}, variables=variables)) as server:
        server.ping()
        assert server.invoke("[1, 2]").body == b"1.0\n2.0\n"
        assert server.invoke("[1, 2]", Accept=JSON).body == b"[1.0, 2.0]"


def test_a_body_of_25_mb_comes_and_goes_whole(ours):
    body = npy(np.arange(25 * 2**20 // 8))
    answer = ours.server(ECHO).invoke(body, NPY, Accept=NPY)
    assert answer.status == 200
    assert answer.body == body


def test_a_request_is_a_line_of_the_access_log(ours):
    server = ours.server(ECHO)
    server.invoke("[7]", User_Agent="AHC/2.0")
    stamp = r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\]"
    server.wait_for_log(rf'^unix: - - {stamp} "POST /invocations HTTP/1\.1" 200 5 "-" "AHC/2\.0"$')


def test_no_header_forges_a_line_of_the_access_log(ours):
    server = ours.server(ECHO)
    server.invoke("[7]", User_Agent='x" 200 0 "\\evil')
    server.wait_for_log(re.escape(r'"x\x22 200 0 \x22\x5Cevil"'))
