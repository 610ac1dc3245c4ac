"""What the SDK does to a notebook when it is imported, and that it is undone."""

import os
import subprocess
import sys

import nbclient
import nbformat
import pytest

IMPORT = "import sagemaker\nfrom sagemaker.sklearn import SKLearn"
BARS = "import tqdm.autonotebook"
QUIETEN = "from maze_helpers.quiet_sdk import quieten\nquieten()"


def run(*sources):
    """Run cells in a kernel of this interpreter; return the outputs of each."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.execute(notebook, allow_errors=True, timeout=120)
    return [cell.outputs for cell in notebook.cells]


@pytest.fixture(scope="module")
def outputs():
    return run(QUIETEN, QUIETEN, IMPORT, "raise ValueError('one sentence')", "1 +", BARS)


def test_importing_the_sdk_prints_nothing(outputs):
    assert outputs[2] == []


def test_progress_bars_without_widgets_are_no_warning(outputs):
    assert outputs[5] == []


def test_an_error_is_an_error_output_after_the_sdk_is_imported(outputs):
    [shown] = outputs[3]
    assert (shown.output_type, shown.ename, shown.evalue) == ("error", "ValueError", "one sentence")


def test_so_is_a_syntax_error(outputs):
    assert [shown.ename for shown in outputs[4]] == ["SyntaxError"]


def test_without_it_the_sdk_draws_errors_itself():
    # observed: sagemaker 2.257; once it is false, the module can go.
    *_, shown = run(IMPORT, "raise ValueError('one sentence')")
    assert {output.output_type for output in shown} == {"display_data"}


def test_outside_a_notebook_it_only_keeps_the_notices_away():
    code = f"{QUIETEN}\n{IMPORT}"
    environment = {name: value for name, value in os.environ.items() if "SAGEMAKER" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_it_does_not_mind_that_another_thread_is_importing_ipython():
    # So it looks until the import is through.
    source = "import sys, types; sys.modules['IPython'] = types.ModuleType('IPython')\n" + QUIETEN
    assert subprocess.run([sys.executable, "-c", source]).returncode == 0
