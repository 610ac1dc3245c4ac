"""A notebook as others may see it: tags alone for metadata, outputs left out or scrubbed."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from maze_helpers import notebooks
from maze_helpers.scrubbing import REMOVED, Finding, Scrubber

if TYPE_CHECKING:
    from nbformat import NotebookNode

# What outputs hold in base64; SVG is text.
BINARY = re.compile(r"(image/(?!svg)|audio/|video/|application/(pdf|octet-stream))")
# What a notebook needs to be opened; editors and runners add more, with paths in it.
KERNEL = {"kernelspec": ("display_name", "language", "name"), "language_info": ("name",)}


def findings(notebook: "NotebookNode", scrubber: Scrubber) -> Iterator[tuple[int, Finding]]:
    """Yield what is not to be shared in the cells' sources, with the cell's number from 1."""
    for number, cell in enumerate(notebook.cells, start=1):
        for finding in scrubber.findings(cell.source):
            yield number, finding


def clean(notebook: "NotebookNode", scrubber: Scrubber, with_outputs: bool) -> None:
    """Make the notebook one that others may see; sources stay as they are."""
    notebook.metadata = _clean_json(_only(notebook.metadata, KERNEL), scrubber)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": _clean_json(tags, scrubber)} if tags else {}
        for name, data in cell.get("attachments", {}).items():
            cell.attachments[name] = _clean_data(data, scrubber)
    cells = notebooks.code_cells(notebook)
    for cell in cells:
        cell.execution_count = None
        cell.outputs = _joined_streams(cell.outputs) if with_outputs else []
    # Of all outputs first: what one of them tells goes from the others as well.
    for text in _texts([[cell.source, cell.outputs] for cell in cells]):
        scrubber.learn_accounts(text)
    for cell in cells:
        cell.outputs = [_clean_output(output, scrubber) for output in cell.outputs]


def _only(metadata: dict[str, Any], members: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    return {
        name: {key: metadata[name][key] for key in keys if key in metadata[name]}
        for name, keys in members.items()
        if name in metadata
    }


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in outputs; what stands with a name, together with it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield f"{name}: {member}" if isinstance(member, str | int) else str(name)
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)


def _joined_streams(outputs: list[Any]) -> list[Any]:
    """Return the outputs with each stream in one piece: a secret may be on both sides of a cut."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output["output_type"] == "stream" and last.get("name") == output["name"]:
            last["text"] += output["text"]
        else:
            joined.append(output)
    return joined


def _clean_output(output: Any, scrubber: Scrubber) -> Any:
    if "execution_count" in output:
        output["execution_count"] = None
    for name in ("ename", "evalue", "text"):
        if name in output:
            output[name] = scrubber.scrub(output[name])
    if "traceback" in output:
        output["traceback"] = _clean_lines(output["traceback"], scrubber)
    if "data" in output:
        output["data"] = _clean_data(output["data"], scrubber)
    if "metadata" in output:
        output["metadata"] = _clean_json(output["metadata"], scrubber)
    return output


def _clean_lines(lines: list[str], scrubber: Scrubber) -> list[str]:
    text = "\n".join(lines)
    clean = scrubber.scrub(text)
    return lines if clean == text else clean.split("\n")


def _clean_data(data: dict[str, Any], scrubber: Scrubber) -> dict[str, Any]:
    """Return what an output holds by its MIME types, without an image in which a secret stands."""
    clean = {}
    for mime, value in data.items():
        texts = _texts_of_base64(value) if BINARY.match(mime) else None
        if texts is None:
            clean[mime] = _clean_json(value, scrubber)
        elif all(scrubber.scrub(text) == text for text in texts):
            clean[mime] = value
    return clean


def _texts_of_base64(value: Any) -> tuple[str, str] | None:
    """Return base64 in one line, and what it holds as text; None, if it is no base64."""
    try:
        line = "".join(value.split())
        return line, base64.b64decode(line, validate=True).decode("latin-1")
    except (AttributeError, binascii.Error, ValueError):
        return None


def _clean_json(value: Any, scrubber: Scrubber) -> Any:
    if isinstance(value, str):
        return scrubber.scrub(value)
    if isinstance(value, list):
        return [_clean_json(member, scrubber) for member in value]
    if isinstance(value, dict):
        return {
            scrubber.scrub(name): _clean_member(name, member, scrubber)
            for name, member in value.items()
        }
    if isinstance(value, int) and scrubber.scrub(str(value)) != str(value):
        return 0
    return value


def _clean_member(name: str, value: Any, scrubber: Scrubber) -> Any:
    """Return a member of an object, whose name may say that it is a secret."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        before = f"{scrubber.scrub(name)}: "
        after = scrubber.scrub(f"{name}: {value}")
        if after != f"{name}: {value}":
            return after.removeprefix(before) if after.startswith(before) else REMOVED
    return _clean_json(value, scrubber)
