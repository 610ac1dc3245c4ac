"""Requests and what the scikit-learn image answers, observed on sagemaker-containers 2.8.6.

tests/contract asks AWS's own code the same.
"""

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from serving_container import CSV, JSON, NPY

HTML = "text/html; charset=utf-8"
ERROR_PAGE = "text/html"
CSV_TEXT = "text/csv; charset=utf-8"
# Answers with what it was asked, so that a case shows both codecs.
ECHO = """
class Echo:
    def predict(self, data):
        return data

def model_fn(model_dir):
    return Echo()
"""
# Answers with what each function was given.
STEPS = """
import json

def model_fn(model_dir):
    return ["model of", model_dir[-5:]]

def input_fn(content, content_type):
    return [type(content).__name__, len(content), content_type]

def predict_fn(data, model):
    return [data, model]

def output_fn(prediction, accept):
    return json.dumps([prediction, accept]), "text/x-steps"
"""
# Answers with what the body names.
RETURNS = """
import numpy
from sagemaker_containers.beta.framework import (
    content_types, encoders, env, modules, server, transformer, worker)

RESULTS = {
    "text": lambda: "plain",
    "bytes": lambda: b"raw",
    "tuple": lambda: ("one", "text/plain"),
    "tuple of bytes": lambda: (b"one", "application/x-own"),
    "tuple of parts": lambda: (["a", b"b"], content_types.JSON),
    "tuple of nothing": lambda: (None, content_types.JSON),
    "dictionary": lambda: {"b": [1, 2], "a": None},
    "list": lambda: [1, 2],
    "nothing": lambda: None,
    "number": lambda: 1,
    "array": lambda: numpy.ones(2),
    "tuple of array": lambda: (numpy.ones(2), content_types.JSON),
    "response": lambda: worker.Response("{}", mimetype="application/json"),
    "response by position": lambda: worker.Response(encoders.encode([1], "text/csv"), "text/csv"),
    "response of default type": lambda: worker.Response("x"),
    "response of CSV": lambda: worker.Response(encoders.encode([1, 2], "text/csv"),
                                               mimetype="text/csv"),
    "response of NPY": lambda: worker.Response(encoders.array_to_npy([1])[:6],
                                               mimetype="application/x-npy"),
    "response with a header": lambda: worker.Response("x", headers={"X-Own": "1",
                                                                   "Content-Type": "image/png"}),
    "response with a status": lambda: worker.Response("short and stout", status=418),
    "response with a status line": lambda: worker.Response("", status="202 Taken"),
    "decoded": lambda: str(encoders.decode("1,2\\n3,4", "text/csv").tolist()),
    "environment": lambda: env.ServingEnv().module_name,
    "error": lambda: 1 / 0,
    "unsupported": lambda: encoders.encode([1], "image/png"),
}

def model_fn(model_dir):
    return None

def transform_fn(model, content, content_type, accept):
    return RESULTS[content]()
"""
EXECUTION_PARAMETERS = (
    ECHO
    + """
from sagemaker_containers.beta.framework import worker

def execution_parameters_fn():
    return worker.Response('{"BatchStrategy": "SINGLE_RECORD"}', mimetype="application/json")
"""
)
FLASK = (
    ECHO
    + """
import flask

def output_fn(prediction, accept):
    return flask.request.headers["X-Amzn-SageMaker-Custom-Attributes"]
"""
)


def npy(array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npy_of_numpy_1(array) -> bytes:
    """Return an array of objects as numpy 1 saves it: its pickle names other modules."""
    header = npy(np.empty(array.shape, dtype=object)).partition(b"\n")[0] + b"\n"
    return header + pickle.dumps(array, protocol=3).replace(b"numpy._core", b"numpy.core")


@dataclass
class Case:
    """A request to the server of a script, and its answer.

    body: None where the answer's may differ.
    """

    script: str
    status: int
    content_type: str | None = None
    answer: bytes | None = None
    method: str = "POST"
    path: str = "/invocations"
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    answer_headers: Mapping[str, str] = field(default_factory=dict)


def echo(
    body: bytes | str, sent: str | None, accept: str | None, answer: bytes, given: str
) -> Case:
    headers = {"Content-Type": sent, "Accept": accept}
    headers = {name: value for name, value in headers.items() if value is not None}
    return Case(ECHO, 200, given, answer, body=body, headers=headers)


def refused(body: bytes | str, sent: str, accept: str = JSON) -> Case:
    return Case(ECHO, 500, ERROR_PAGE, body=body, headers={"Content-Type": sent, "Accept": accept})


def page(method: str, path: str, status: int, content_type: str, answer: bytes | None) -> Case:
    return Case(ECHO, status, content_type, answer, method, path)


def steps(answer: bytes, body: bytes, sent: str, accept: str) -> Case:
    headers = {"Content-Type": sent, "Accept": accept}
    return Case(STEPS, 200, "text/x-steps; charset=utf-8", answer, body=body, headers=headers)


def returned(
    name: str, status: int, content_type: str, answer: bytes | None = None, **headers: str
) -> Case:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"Content-Type": JSON}
    return Case(
        RETURNS, status, content_type, answer, body=name, headers=given, answer_headers=names
    )


ONES = np.ones((2, 2), dtype=np.float32)
CASES = {
    "JSON": echo("[[1, 2], [3, 4.5]]", JSON, JSON, b"[[1.0, 2.0], [3.0, 4.5]]", JSON),
    "JSON becomes float32": echo("[0.1]", JSON, JSON, b"[0.10000000149011612]", JSON),
    "JSON of one number": echo("7", JSON, JSON, b"7.0", JSON),
    "JSON that is not finite": echo("[NaN, Infinity]", JSON, JSON, b"[NaN, Infinity]", JSON),
    "JSON of numbers as text": echo('["1", "2.5"]', JSON, JSON, b"[1.0, 2.5]", JSON),
    "JSON as CSV": echo("[[1, 2], [3, 4]]", JSON, CSV, b"1.0,2.0\n3.0,4.0\n", CSV_TEXT),
    "CSV": echo("1,2\n3,4\n", CSV, CSV, b"1.0,2.0\n3.0,4.0\n", CSV_TEXT),
    "CSV of one row": echo("1,2,3", CSV, JSON, b"[1.0, 2.0, 3.0]", JSON),
    "CSV of one row, as CSV": echo("1,2,3", CSV, CSV, b"1.0\n2.0\n3.0\n", CSV_TEXT),
    "CSV of one column": echo("1\n2\n", CSV, JSON, b"[1.0, 2.0]", JSON),
    "CSV of one number": echo("5\n", CSV, JSON, b"5.0", JSON),
    "CSV with quotes": echo('"1","2"\n3,"4"\n', CSV, JSON, b"[[1.0, 2.0], [3.0, 4.0]]", JSON),
    "CSV with Windows' line ends": echo(
        "1,2\r\n3,4\r\n", CSV, CSV, b"1.0,2.0\n3.0,4.0\n", CSV_TEXT
    ),
    "CSV becomes float32": echo(
        "0.1,0.2", CSV, JSON, b"[0.10000000149011612, 0.20000000298023224]", JSON
    ),
    "CSV of nothing": echo("", CSV, JSON, b"[]", JSON),
    "NPY": echo(npy(ONES), NPY, NPY, npy(ONES), NPY),
    "NPY keeps its type": echo(npy(np.array([0.1])), NPY, JSON, b"[0.1]", JSON),
    "NPY of words": echo(npy(np.array(["a", "b"])), NPY, CSV, b"a\nb\n", CSV_TEXT),
    "NPY of objects": echo(
        npy_of_numpy_1(np.array(["a", 1, None], dtype=object)), NPY, JSON, b'["a", 1, null]', JSON
    ),
    "NPY of truth values": echo(npy(np.array([True, False])), NPY, CSV, b"True\nFalse\n", CSV_TEXT),
    "NPY in Fortran's order": echo(
        npy(np.asfortranarray([[1, 2], [3, 4]])), NPY, JSON, b"[[1, 2], [3, 4]]", JSON
    ),
    "no content type is JSON": echo("[1]", None, JSON, b"[1.0]", JSON),
    "no accept is JSON": echo("[1]", JSON, None, b"[1.0]", JSON),
    "any accept is JSON": echo("[1]", JSON, "*/*", b"[1.0]", JSON),
    "the header ContentType comes first": Case(
        ECHO,
        200,
        JSON,
        b"[1.0, 2.0]",
        body="1,2",
        headers={"Content-Type": JSON, "ContentType": CSV},
    ),
    "an unknown content type": refused("x", "image/png"),
    "a content type with a parameter": refused("[1]", "application/json; charset=utf-8"),
    "an unknown accept": refused("[1]", JSON, "image/png"),
    "an accept of several": refused("[1]", JSON, "application/json, text/csv"),
    "JSON that is none": refused("[1, 2", JSON),
    "JSON of words": refused('["a"]', JSON),
    "JSON of an object": refused('{"a": 1}', JSON),
    "JSON of ragged rows": refused("[[1, 2], [3]]", JSON),
    "CSV of words": refused("a,b", CSV),
    "CSV of ragged rows": refused("1,2\n3", CSV),
    "CSV with a header": refused("a,b\n1,2\n", CSV),
    "CSV with an open quote": refused('1,"2', CSV),
    "CSV of other bytes": refused(b"\xff\xfe,1", CSV),
    "NPY that is none": refused(b"nothing of the kind", NPY),
    "no body": refused("", JSON),
    "one number as CSV": refused("7", JSON, CSV),
    "ping": page("GET", "/ping", 200, JSON, b""),
    "a posted ping": page("POST", "/ping", 405, ERROR_PAGE, None),
    "a longer path than ping": page("GET", "/pings", 404, ERROR_PAGE, None),
    "invocations that are not posted": page("GET", "/invocations", 405, ERROR_PAGE, None),
    "invocations with a slash": page("POST", "/invocations/", 404, ERROR_PAGE, None),
    "no execution parameters": page("GET", "/execution-parameters", 404, ERROR_PAGE, None),
    "execution parameters": Case(
        EXECUTION_PARAMETERS,
        200,
        JSON,
        b'{"BatchStrategy": "SINGLE_RECORD"}',
        "GET",
        "/execution-parameters",
    ),
    "posted execution parameters": Case(
        EXECUTION_PARAMETERS, 405, ERROR_PAGE, None, "POST", "/execution-parameters"
    ),
    "JSON is text for input_fn": steps(
        b'[[["str", 2, "application/json"], ["model of", "model"]], "text/csv"]', b"[]", JSON, CSV
    ),
    "CSV is text for input_fn": steps(
        b'[[["str", 1, "text/csv"], ["model of", "model"]], "a/b"]', "é".encode(), CSV, "a/b"
    ),
    "all else is bytes for input_fn": steps(
        b'[[["bytes", 2, "text/plain"], ["model of", "model"]], "text/csv"]',
        "é".encode(),
        "text/plain",
        CSV,
    ),
    "text": returned("text", 200, HTML, b"plain"),
    "bytes": returned("bytes", 200, HTML, b"raw"),
    "a tuple": returned("tuple", 200, "text/plain; charset=utf-8", b"one"),
    "a tuple of bytes": returned("tuple of bytes", 200, "application/x-own", b"one"),
    "a tuple of parts": returned("tuple of parts", 200, JSON, b"ab"),
    "a tuple of nothing": returned("tuple of nothing", 200, JSON, b""),
    "a dictionary": returned("dictionary", 200, JSON, b'{"a":null,"b":[1,2]}\n'),
    "a list": returned("list", 500, ERROR_PAGE),
    "nothing": returned("nothing", 500, ERROR_PAGE),
    "a number": returned("number", 500, ERROR_PAGE),
    "an array": returned("array", 500, ERROR_PAGE),
    "a Response": returned("response", 200, JSON, b"{}"),
    "a Response by position": returned("response by position", 200, JSON, b"1\n"),
    "a Response of the default type": returned("response of default type", 200, JSON, b"x"),
    "a Response of CSV": returned("response of CSV", 200, CSV_TEXT, b"1\n2\n"),
    "a Response of NPY": returned("response of NPY", 200, NPY, b"\x93NUMPY"),
    "a Response with a header": returned(
        "response with a header", 200, "image/png", b"x", X_Own="1"
    ),
    "a Response with a status": returned("response with a status", 418, JSON, b"short and stout"),
    "a Response with a status line": returned("response with a status line", 202, JSON, b""),
    "a decoded body": returned("decoded", 200, HTML, b"[[1.0, 2.0], [3.0, 4.0]]"),
    "the environment": returned("environment", 200, HTML, b"predict"),
    "an error": returned("error", 500, ERROR_PAGE),
    "an unsupported type inside": returned("unsupported", 500, ERROR_PAGE),
}
FLASK_CASE = Case(
    FLASK,
    200,
    HTML,
    b"trace-7",
    body="[1]",
    headers={"Content-Type": JSON, "X-Amzn-SageMaker-Custom-Attributes": "trace-7"},
)
