"""Requests to the PyTorch and the Hugging Face image.

What they are answered is in toolkit_answers.json, observed on AWS's own code behind TorchServe
and the Multi Model Server; tests/contract asks these the same again.
"""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from serving_cases import npy
from serving_container import CSV, JSON, NPY, Answer, Served
from serving_peers import Peers
from toolkit_scripts import (
    BOTH,
    CONTEXT,
    ECHO,
    EXITS,
    LIBRARY,
    PIPELINE,
    STEPS,
    TOO_FEW,
    TOO_MANY,
    TRANSFORM,
    TRANSFORM_CONTEXT,
)

ANSWERS = Path(__file__).with_name("toolkit_answers.json")
JSON_LINES = "application/jsonlines"
TEXT = "text/plain"


@dataclass
class Request:
    """A request to the server of a script. needs: a library that the answer takes."""

    script: str
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/invocations"
    needs: str | None = None

    def send(self, servers: Peers) -> dict[str, Any]:
        """Return what is answered, as toolkit_answers.json has it."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        server = servers.server(self.script)
        return described(server.ask(self.method, self.path, body, **self.headers))


def of_code(script: str) -> Served:
    """Return a server whose model holds the script as its code."""
    return Served(
        files={"unused.py": ""},
        model={"code/inference.py": script, "weights": ""},
        program=None,
        code_uri="/opt/ml/model/code",
    )


def described(answer: Answer) -> dict[str, Any]:
    """Return the status, the headers that count and the body, without what differs by place."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    kept = {name: headers[name] for name in ("content-type", "x-own") if name in headers}
    try:
        body = _settled(answer.body.decode())
    except UnicodeDecodeError:
        body = answer.body.hex()
    return {"status": answer.status, **kept, "body": body}


def _settled(text: str) -> str:
    """Return a text with the last error alone of tracebacks, and without what differs by place."""
    message, traceback, lines = text.partition("Traceback (most recent call last):\n")
    if traceback:
        text = message + traceback + re.sub(r"(?s).*\n  [^\n]*\n(?=\S)", "", lines)
    text = re.sub(r"/tmp/[^ \"']*?/(models/[0-9a-f]{32}|ml/model)", "<model>", text)
    # Python 3.12 and later say which value it is.
    text = text.replace("not JSON compliant: nan", "not JSON compliant")
    return re.sub("0x[0-9a-f]+", "<address>", text)


def asked(script: str, body: bytes | str, sent: str | None, accept: str | None, **more) -> Request:
    headers = {"Content-Type": sent, "Accept": accept}
    given = {name: value for name, value in headers.items() if value is not None}
    return Request(script, body, given, **more)


def steps(body: bytes | str, sent: str | None = TEXT, accept: str | None = None) -> Request:
    return asked(STEPS, body, sent, accept)


def attributed(script: str, attributes: str) -> Request:
    return Request(script, b"1", {"X-Amzn-SageMaker-Custom-Attributes": attributes})


def echo(body: bytes | str, sent: str | None, accept: str | None = None) -> Request:
    return asked(ECHO, body, sent, accept, needs="torch")


def pipeline(body: bytes | str, sent: str | None = JSON, accept: str | None = None) -> Request:
    return asked(PIPELINE, body, sent, accept)


def image(kind: str) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGBA", (3, 2), (255, 0, 0, 255)).save(stream, format=kind)
    return stream.getvalue()


SHARED = {
    "JSON is text": steps("[1]", JSON),
    "CSV is text": steps("é", CSV, CSV),
    "JSON with a charset is bytes": steps("[1]", "application/json; charset=utf-8"),
    "all else is bytes": steps("é", TEXT),
    "JSON lines are bytes": steps('{"a": 1}\n{"a": 2}\n', JSON_LINES, JSON_LINES),
    "NPY is bytes": steps(npy(np.ones(2)), NPY),
    "no content type": steps("x", None),
    "no body": steps("", JSON),
    "an accept of several": steps("x", TEXT, "a/b, text/csv"),
    "any accept": steps("x", TEXT, "*/*"),
    "text that is not UTF-8": steps(b"\xff\xfe", CSV),
    "JSON that is not UTF-8": steps(b"\xff", JSON),
    "the header ContentType": Request(STEPS, "x", {"ContentType": CSV}),
    **{
        f"a function returns {what}": steps(what)
        for what in (
            *("nothing", "a list", "a dictionary", "a number", "a set", "bytes"),
            *("a tuple", "a tuple of bytes", "a list of words", "an empty text", "not a number"),
        )
    },
    **{
        f"a function {what}": steps(what)
        for what in (
            *("fails", "fails without a word", "fails in two lines", "fails while it fails"),
            "has no memory",
        )
    },
    "a function exits": asked(EXITS, "exits", TEXT, None),
    "a ping": Request(STEPS, method="GET", path="/ping"),
    "a posted ping": Request(STEPS, path="/ping"),
    "invocations that are not posted": Request(STEPS, b"x", {"Content-Type": TEXT}, "PUT"),
    "invocations with a slash": Request(STEPS, b"x", {"Content-Type": TEXT}, path="/invocations/"),
    "a longer path": Request(STEPS, path="/invocationss"),
    "no path": Request(STEPS, method="GET", path="/"),
    "execution parameters": Request(STEPS, method="GET", path="/execution-parameters"),
    "a request that is too long": steps("x" * 6_553_501),
    "a transform_fn": asked(TRANSFORM, "[1]", JSON, CSV),
    "a transform_fn with a context": attributed(TRANSFORM_CONTEXT, "a"),
    "functions with a context": attributed(CONTEXT, "a=1"),
    "a function that chooses the status": attributed(CONTEXT, "status=418"),
    "the library": asked(LIBRARY, "1,2\n3,4.5", CSV, JSON),
    "the library, and an accept of several": asked(LIBRARY, "1,2\n3,4", CSV, "text/csv, a/b"),
    "an error that chooses the status": asked(LIBRARY, "refuse", CSV, JSON),
    "an error of the general kind": asked(LIBRARY, "refuse in general", CSV, JSON),
    "an unsupported type": asked(LIBRARY, "1", CSV, "image/png"),
}
PYTORCH = {
    **SHARED,
    "a function that takes too few": asked(TOO_FEW, "x", TEXT, None),
    "a function that takes too many": asked(TOO_MANY, "x", TEXT, None),
    "JSON": echo("[[1, 2], [3, 4.5]]", JSON),
    "JSON becomes float32": echo("[0.1, 16777217, 1e40]", JSON),
    "JSON of one number": echo("7.5", JSON),
    "JSON that is not finite": echo("[NaN, Infinity, -Infinity]", JSON),
    "JSON of large numbers": echo("[9007199254740993, 18446744073709551615]", JSON),
    "JSON of too large numbers": echo("[18446744073709551616]", JSON),
    "JSON of nothing": echo("[]", JSON),
    "JSON of truth values": echo("[true, false]", JSON),
    "JSON of three axes": echo("[[[1], [2]], [[3], [4]]]", JSON),
    "JSON as CSV": echo("[[1, 2], [3, 4]]", JSON, CSV),
    "JSON of one axis as CSV": echo("[1, 2]", JSON, CSV),
    "JSON of three axes as CSV": echo("[[[1], [2]]]", JSON, CSV),
    "JSON of one number as CSV": echo("7.5", JSON, CSV),
    "JSON as NPY": echo("[[1, 2]]", JSON, NPY),
    "JSON as JSON lines": echo("[1]", JSON, JSON_LINES),
    "JSON as the first known type": echo("[1]", JSON, "a/b,text/csv, application/json"),
    "JSON as nothing known": echo("[1]", JSON, "a/b, c/d"),
    "JSON as JSON with a charset": echo("[1]", JSON, "application/json; charset=utf-8"),
    "JSON that is none": echo("[1, 2", JSON),
    "JSON of words": echo('["a"]', JSON),
    "JSON of an object": echo('{"a": 1}', JSON),
    "JSON of ragged rows": echo("[[1, 2], [3]]", JSON),
    "JSON of numbers and nulls": echo("[1, null]", JSON),
    "no JSON": echo("", JSON),
    "CSV": echo("1,2\n3,4\n", CSV),
    "CSV of one row": echo("1,2,3", CSV),
    "CSV of one column": echo("1\n2\n", CSV),
    "CSV of one number": echo("5.5", CSV),
    "CSV with words": echo("1,a\n3,4\n", CSV),
    "CSV with gaps": echo("1,\n,4\n", CSV),
    "CSV of ragged rows": echo("1,2\n3\n", CSV),
    "CSV with quotes": echo('"1","2"\n', CSV),
    "CSV with a comment": echo("1,2 # three\n4,5\n", CSV),
    "CSV with Windows' line ends": echo("1,2\r\n3,4\r\n", CSV, CSV),
    "NPY of float64": echo(npy(np.array([0.1])), NPY),
    "NPY of float32 as NPY": echo(npy(np.ones((2, 2), dtype=np.float32)), NPY, NPY),
    "NPY of whole numbers": echo(npy(np.array([[2**40, -1]])), NPY),
    "NPY of truth values as CSV": echo(npy(np.array([True, False])), NPY, CSV),
    "NPY of float16": echo(npy(np.array([0.1], dtype=np.float16)), NPY),
    "NPY in Fortran's order": echo(npy(np.asfortranarray([[1, 2], [3, 4]])), NPY),
    "NPY of words": echo(npy(np.array(["a"])), NPY),
    "NPY of one number": echo(npy(np.float32(3)), NPY),
    "NPY of nothing": echo(npy(np.zeros((0, 3))), NPY),
    "no NPY": echo(b"", NPY),
    "JSON lines": echo("[1]\n[2]\n", JSON_LINES),
    "an unknown content type": echo("x", "image/png"),
    "a content type with a parameter": echo("[1]", "application/json; charset=utf-8"),
    "no content type, and the library's input_fn": echo("[1]", None),
}
HUGGING_FACE = {
    **SHARED,
    "a function that takes too few": asked(TOO_FEW, "x", TEXT, None),
    "a function that takes too many": asked(TOO_MANY, "x", TEXT, None),
    "a transform_fn beside an input_fn": asked(BOTH, "x", TEXT, None),
    "inputs": pipeline('{"inputs": "fine"}'),
    "inputs and parameters": pipeline('{"inputs": ["a", "é"], "parameters": {"top_k": 2}}'),
    "other keys": pipeline('{"question": "q", "context": "c"}'),
    "inputs that are objects": pipeline('{"inputs": {"question": "q"}}'),
    "no parameters": pipeline('{"inputs": "a", "parameters": null}'),
    "parameters that are a list": pipeline('{"inputs": "a", "parameters": [1]}'),
    "an unused key": pipeline('{"inputs": "a", "options": {}}'),
    "values of many types": pipeline('{"inputs": "values"}'),
    "not a number": pipeline('{"inputs": "not finite"}'),
    "a value of an unknown type": pipeline('{"inputs": "unknown"}'),
    "JSON that is a list": pipeline('["a"]'),
    "JSON that is text": pipeline('"a"'),
    "JSON that is none": pipeline('{"inputs": '),
    "no JSON": pipeline(""),
    "large numbers": pipeline('{"inputs": 18446744073709551616}'),
    "CSV of inputs": pipeline('inputs\nfine\n"bad, really"\n', CSV),
    "CSV of questions": pipeline("question,context\nq,c\nr,d\n", CSV),
    "CSV of upper case": pipeline("INPUTS\nfine\n", CSV),
    "CSV without a header": pipeline("fine\nbad\n", CSV),
    "CSV of a header alone": pipeline("inputs\n", CSV),
    "no CSV": pipeline("", CSV),
    "rows as CSV": pipeline('{"inputs": "rows"}', JSON, CSV),
    "a row as CSV": pipeline('{"inputs": "a row"}', JSON, CSV),
    "a list as NPY": pipeline('{"inputs": "array"}', JSON, NPY),
    "a list as JSON lines": pipeline('{"inputs": "array"}', JSON, JSON_LINES),
    "JSON lines": pipeline('{"inputs": "a"}\n', JSON_LINES),
    "an array": pipeline(npy(np.ones(2)), NPY),
    "JSON with a charset": pipeline('{"inputs": "a"}', "application/json; charset=utf-8"),
    "no content type, and the library's input_fn": pipeline('{"inputs": "a"}', None),
    "an accept of several types": pipeline('{"inputs": "a"}', JSON, "text/csv, application/json"),
    "sound": pipeline(b"RIFF", "audio/wave"),
    "sound under another name": pipeline(b"RIFF", "audio/wav"),
    "an image": asked(PIPELINE, image("PNG"), "image/png", None, needs="PIL"),
    "an image of any kind": asked(PIPELINE, image("PNG"), "image/x-image", None, needs="PIL"),
    "an image that is none": asked(PIPELINE, b"none", "image/png", None, needs="PIL"),
}


def observed(framework: str) -> dict[str, dict[str, Any]]:
    """Return AWS's answers to a framework's requests, by name."""
    return json.loads(ANSWERS.read_text(encoding="utf-8"))[framework]
