"""A notebook that is shared has no secret in any output, and opens as before."""

import base64
import binascii
import contextlib
import json

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from test_scrubbing import INNOCENT, LEAKS, Planted, coloured, values_of

from maze_helpers import notebooks, tasks
from maze_helpers.scrubbing import Scrubber
from maze_helpers.shared_notebook import clean, findings

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20).decode()
MIMES = (
    *("text/plain", "text/html", "text/latex", "text/markdown", "image/svg+xml"),
    *("application/javascript", "image/png", "application/pdf"),
)


def cell_with(*outputs, source="1 + 1"):
    return new_code_cell(source, outputs=list(outputs), execution_count=3)


def shown(**data):
    return new_output("display_data", data=data)


def cleaned(*cells, with_outputs=True):
    notebook = nbformat.from_dict(new_notebook(cells=list(cells)))
    clean(notebook, Scrubber(), with_outputs)
    nbformat.validate(nbformat.from_dict(notebook))
    return notebook


def outputs_with(text):
    """Return outputs of every kind that have the text in them somewhere."""
    half = len(text) // 2
    return [
        new_output("stream", name="stdout", text=text),
        new_output("stream", name="stderr", text=text[:half]),
        new_output("stream", name="stderr", text=text[half:]),
        new_output("error", ename="E", evalue=text, traceback=["Traceback", coloured(text), text]),
        *(new_output("display_data", data={mime: text}) for mime in MIMES),
        new_output("execute_result", data={"application/json": {"deep": [{"in": text}, text]}}),
        new_output("display_data", data={"application/json": {text: 1}}),
        new_output("display_data", data={"application/vnd.plotly.v1+json": {"data": [text]}}),
        new_output("display_data", data={"image/png": base64.b64encode(text.encode()).decode()}),
        new_output("display_data", data={"text/plain": ""}, metadata={"note": text}),
    ]


def all_text(notebook):
    """Return the notebook's file, with what is in base64 and in JSON spelt out as well."""
    held = []
    for cell in notebooks.code_cells(notebook):
        for output in cell.outputs:
            for mime, value in output.get("data", {}).items():
                if mime == "image/png":
                    with contextlib.suppress(binascii.Error):
                        held.append(base64.b64decode(value).decode("latin-1"))
    written = nbformat.writes(notebook)
    return "\n".join([written, written.replace("\\n", "\n").replace('\\"', '"'), *held])


@pytest.mark.parametrize("leak", LEAKS)
@settings(max_examples=3)
@given(seed=st.integers(0, 2**32))
def test_no_output_of_any_kind_keeps_what_is_planted(leak, seed):
    planted = Planted(seed)
    notebook = cleaned(cell_with(*outputs_with(LEAKS[leak](planted))))
    text = all_text(notebook)
    assert not [value for value in values_of(planted) if value in text]
    once = nbformat.writes(notebook)
    clean(notebook, Scrubber(), True)
    assert nbformat.writes(notebook) == once


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_a_member_that_is_named_after_a_secret_goes(seed):
    planted = Planted(seed)
    identity = {"Account": int(planted.account), "n": 5, "Expiration": None, "ok": True}
    data = {"application/json": {**planted.credentials, **identity, "Url": planted.url}}
    notebook = cleaned(cell_with(new_output("display_data", data=data)))
    text = all_text(notebook)
    assert not [value for value in values_of(planted) if value in text]
    left = notebook.cells[0].outputs[0]["data"]["application/json"]
    assert (left["n"], left["Expiration"], left["ok"]) == (5, None, True)


@settings(max_examples=20)
@given(st.lists(st.sampled_from(INNOCENT), min_size=1, max_size=9))
def test_outputs_without_secrets_are_unchanged(pieces):
    # In base64, one of forty characters looks like a key.
    before = outputs_with("\n".join(["Nothing secret is in here.", *pieces]))[3:]
    notebook = cleaned(cell_with(*before))
    assert json.dumps(notebook.cells[0].outputs) == json.dumps(before)


def test_a_stream_in_pieces_is_one():
    pieces = [new_output("stream", name="stdout", text=text) for text in ("a", "b")]
    other = new_output("stream", name="stderr", text="c")
    [both, error] = cleaned(cell_with(*pieces, other)).cells[0].outputs
    assert (both["text"], error["text"]) == ("ab", "c")


def test_images_stay():
    output = shown(**{"image/png": PNG, "text/plain": "<Figure>"})
    [kept] = cleaned(cell_with(output)).cells[0].outputs
    assert kept["data"]["image/png"] == PNG


def test_an_account_of_one_output_goes_from_the_others():
    role = new_output("stream", name="stdout", text="arn:aws:iam::998877665544:role/x")
    number = new_output("stream", name="stderr", text="n=998877665544")
    assert "998877665544" not in nbformat.writes(cleaned(cell_with(role, number)))


def test_without_outputs_nothing_of_a_run_is_left():
    cell = cell_with(new_output("stream", name="stdout", text="x"))
    cell.metadata = {"tags": ["work"], "papermill": {"duration": 1}, "collapsed": True}
    notebook = new_notebook(cells=[cell], metadata={"papermill": {"input_path": "/home/x"}})
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "P", "path": "/home/x"}
    clean(notebook, Scrubber(), with_outputs=False)
    assert notebook.metadata == {"kernelspec": {"name": "python3", "display_name": "P"}}
    assert notebook.cells[0].metadata == {"tags": ["work"]}
    assert notebook.cells[0].outputs == [] and notebook.cells[0].execution_count is None


def test_what_a_notebook_holds_beside_its_sources_is_scrubbed_as_well():
    key = "AKIAIOSFODNN7EXAMPLE"
    image = base64.b64encode(f"tEXt {key}".encode()).decode()
    cell = new_markdown_cell("x", metadata={"tags": [key]})
    cell.attachments = {"a.txt": {"text/plain": key}, "b.png": {"image/png": image}}
    notebook = new_notebook(
        cells=[cell], metadata={"kernelspec": {"name": "p", "display_name": key}}
    )
    clean(notebook, Scrubber(), with_outputs=False)
    assert key not in str(notebook) and image not in str(notebook)
    assert notebook.cells[0].source == "x"


def test_a_secret_in_a_source_is_found_by_cell_and_line():
    prose = new_markdown_cell("my role:\n\n`arn:aws:iam::998877665544:role/x`")
    notebook = new_notebook(cells=[new_code_cell("1"), prose])
    [(number, finding)] = findings(notebook, Scrubber())
    assert (number, finding.line, finding.what) == (2, 3, "an account id")


@pytest.mark.parametrize("task", tasks.TASKS, ids=lambda task: task.name)
def test_the_worked_notebooks_have_nothing_that_keeps_them_from_being_shared(task):
    assert list(findings(notebooks.read_notebook(task.solution), Scrubber())) == []
