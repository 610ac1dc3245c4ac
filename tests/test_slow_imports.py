"""What is left out of the imports is not missed."""

import subprocess
import sys

CODE = """
import sys
from maze_helpers import slow_imports
slow_imports.leave_out()
import jsonschema, nbformat
assert sys.modules["rfc3987_syntax"] is None
nbformat.validate(nbformat.v4.new_notebook())
checker = jsonschema.FormatChecker()
jsonschema.validate("2026-01-01", {"format": "date"}, format_checker=checker)
try:
    jsonschema.validate("no date", {"format": "date"}, format_checker=checker)
except jsonschema.ValidationError:
    print("noticed")
"""


def test_notebooks_and_other_formats_are_checked_as_before():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "noticed\n", "")


def test_what_is_imported_already_stays():
    code = "import rfc3987_syntax as r\nfrom maze_helpers import slow_imports as s\ns.leave_out()"
    code += "\nimport sys; assert sys.modules['rfc3987_syntax'] is r"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
