"""Which of a transform job's inputs, outputs and columns are judged, and by how many rows."""

import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from maze_helpers import data
from maze_helpers.checks.chapter_2.digit_outputs import Outputs, Steps, judge_outputs
from maze_helpers.checks.chapter_2.digit_rows import truth_of
from maze_helpers.checks.chapter_2.transform_data import read_and_written
from maze_helpers.checks.check import Missing

TRAIN, TEST = data.digits()
X, Y = TEST[data.PIXELS].to_numpy(), TEST[data.LABEL].to_numpy()
LABELLED = np.column_stack([Y, X])
CREATED = datetime(2030, 1, 1, 12, 0, 0, 500_000, timezone.utc)
BEFORE, AFTER, LATER = (CREATED + timedelta(seconds=seconds) for seconds in (-60, 30, 600))
STEPS = Steps(upload=1, order=2, transform=3, filter=5)


def csv(values) -> bytes:
    lines = (",".join(f"{value:g}" for value in row) for row in np.atleast_2d(values.T).T)
    return ("\n".join(lines) + "\n").encode()


def misread(count: int, rows: int = len(Y)) -> np.ndarray:
    """Return the digits of so many rows, the first of them wrong."""
    digits = Y[:rows].copy()
    digits[:count] = (digits[:count] + 1) % 10
    return digits


@dataclass
class Bucket:
    """A session whose S3 has one bucket: by key, when an object was written, and what it holds."""

    objects: dict[str, tuple[datetime, bytes]] = field(default_factory=dict)

    def client(self, _service: str) -> "Bucket":
        return self

    def get_paginator(self, _operation: str) -> "Bucket":
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        found = sorted(key for key in self.objects if key.startswith(Prefix))
        times = {key: self.objects[key][0].replace(microsecond=0) for key in found}
        return [
            {
                "Contents": [
                    {"Key": key, "Size": len(self.objects[key][1]), "LastModified": times[key]}
                    for key in found
                ]
            }
        ]

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[Key][1])}


def job(source: str = "in", target: str = "out", kind: str = "text/csv", **processing: str) -> dict:
    uri = {"S3DataType": "S3Prefix", "S3Uri": f"s3://bucket/{source}"}
    return {
        "TransformJobName": "maze-batch-1",
        "CreationTime": CREATED,
        "TransformInput": {"DataSource": {"S3DataSource": uri}, "ContentType": kind},
        "TransformOutput": {"S3OutputPath": f"s3://bucket/{target}"},
        "DataProcessing": processing,
    }


def judged(asked: bytes, answered: bytes, **members: str) -> Outputs:
    """Return the judgement on a job of one object."""
    objects = {"in/a.csv": (BEFORE, asked), "out/a.csv.out": (AFTER, answered)}
    return judge_outputs(Bucket(objects), job(**members), STEPS)


def refused(asked: bytes, answered: bytes, **members: str) -> Missing:
    with pytest.raises(Missing) as caught:
        judged(asked, answered, **members)
    return caught.value


# Where a job's outputs are, by the place of its input, and what was written when.
BESIDE = {"in/a.csv": BEFORE, "in/b.csv": BEFORE, "in/folder/": BEFORE}
PLACES = {
    "apart": ("out", BESIDE, {"in/a.csv", "in/b.csv"}),
    "below the same prefix": ("in-out", BESIDE, {"in/a.csv", "in/b.csv"}),
    "the same folder": ("in", BESIDE, {"in/a.csv", "in/b.csv"}),
    "a folder in it": ("in/out", BESIDE, {"in/a.csv", "in/b.csv"}),
    "one more since": ("out", {**BESIDE, "in/c.csv": LATER}, {"in/a.csv", "in/b.csv"}),
    "in a neighbour since": ("out", {**BESIDE, "in-2/a.csv": LATER}, {"in/a.csv", "in/b.csv"}),
    "written anew since": ("out", {**BESIDE, "in/b.csv": LATER}, {"in/a.csv", None}),
    "in the same second": ("out", {**BESIDE, "in/b.csv": CREATED}, {"in/a.csv", "in/b.csv"}),
    "deleted since": ("out", {}, {None}),
    "deleted since from the same folder": ("in", {"in/c.csv": LATER}, {None}),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_input_is_what_was_there_at_the_time(place):
    target, inputs, expected = PLACES[place]
    outputs = {f"{target}/{name}.csv.out": AFTER for name in "ab"}
    objects = {key: (when, b"") for key, when in {**inputs, **outputs}.items()}
    pairs = read_and_written(Bucket(objects), job(target=target))
    assert {source and source.key for source, _ in pairs} == expected
    assert {output.key for _, output in pairs} == set(outputs)


def test_an_object_without_an_output_is_told():
    objects = {"in/a.csv": (BEFORE, csv(X)), "in/b.csv": (BEFORE, csv(X))}
    objects["out/a.csv.out"] = (AFTER, csv(Y))
    with pytest.raises(Missing, match="left no output for 1 of the 2 objects .* b.csv"):
        judge_outputs(Bucket(objects), job(), STEPS)


# What a filter leaves of the label, 64 pixels and the answer; and of these, the label last.
GOOD = misread(9)
FIRST, LAST = LABELLED, np.column_stack([X, Y])
KEPT = {
    "label, answer": (FIRST, "$[0,-1]", [Y, GOOD]),
    "answer, label": (FIRST, "$[-1,0]", [GOOD, Y]),
    "by its number": (FIRST, "$[65,0]", [GOOD, Y]),
    "the answer alone": (FIRST, "$[-1]", [GOOD]),
    "all": (FIRST, "$", [*FIRST.T, GOOD]),
    "all but the label": (FIRST, "$[1:]", [*FIRST.T[1:], GOOD]),
    "the label last": (LAST, "$[64:]", [Y, GOOD]),
    "the label last, turned": (LAST, "$[-1,-2]", [GOOD, Y]),
    "of two answers": (FIRST, "$[0,-2,-1]", [Y, GOOD, np.full(len(Y), 0.5)]),
    "of two answers, turned": (FIRST, "$[66,65]", [np.full(len(Y), 0.5), GOOD]),
}


@pytest.mark.parametrize("way", KEPT)
def test_the_answer_is_judged_wherever_a_filter_leaves_it(way):
    asked, path, kept = KEPT[way]
    said = judged(csv(asked), csv(np.column_stack(kept)), JoinSource="Input", OutputFilter=path)
    assert round(said.accuracy, 3) == 0.975


@pytest.mark.parametrize(
    ("path", "kept"), [("$[0]", [0]), ("$[0:3]", [0, 1, 2]), ("$[0,64]", [0, 64])]
)
def test_a_filter_that_leaves_no_answer_is_told(path, kept):
    stored = csv(LABELLED[:, kept])
    missing = refused(csv(LABELLED), stored, JoinSource="Input", OutputFilter=path)
    assert missing.step == STEPS.filter and path in str(missing)


def lines(members: str) -> bytes:
    pairs = zip(Y, GOOD, strict=True)
    said = ("{" + members.format(label=label, digit=digit) + "}" for label, digit in pairs)
    return "\n".join(said).encode()


JSON_ASKED = b"\n".join(
    b'{"label": %d, "pixels": [%s]}' % (label, csv(row[None]).strip())
    for label, row in zip(Y, X, strict=True)
)


def test_joined_json_is_judged_by_what_is_in_sagemakeroutput():
    members = {"kind": "application/jsonlines", "JoinSource": "Input"}
    joined = lines('"label": {label}, "SageMakerOutput": {digit}')
    path = "$['label','SageMakerOutput']"
    assert round(judged(JSON_ASKED, joined, OutputFilter=path, **members).accuracy, 3) == 0.975
    words = lines('"label": {label}, "SageMakerOutput": "seven"')
    assert "such as 'seven'" in str(refused(JSON_ASKED, words, OutputFilter=path, **members))
    label = lines('"label": {label}')
    missing = refused(JSON_ASKED, label, OutputFilter="$['label']", **members)
    assert missing.step == STEPS.filter


# Without a join: the labels that a script hands on are not its predictions.
WRONG = np.where(np.arange(len(Y)) % 9, 1, Y)
HANDED_ON = {
    "with wrong ones": ([Y, WRONG], {}, None),
    "with right ones": ([Y, GOOD], {}, 0.975),
    "with right ones before them": ([GOOD, Y], {}, 0.975),
    "all right, and certain": ([Y, np.ones(len(Y))], {}, 1),
    "the label left out before": ([Y, WRONG], {"InputFilter": "$[1:]"}, 1),
}


@pytest.mark.parametrize("way", HANDED_ON)
def test_labels_that_are_handed_on_are_no_predictions(way):
    answered, processing, accuracy = HANDED_ON[way]
    asked, body = csv(LABELLED), csv(np.column_stack(answered))
    if accuracy is None:
        assert "maze-batch-1 have" in str(refused(asked, body, **processing))
    else:
        assert round(judged(asked, body, **processing).accuracy, 3) == accuracy


def test_a_few_digits_that_are_all_right_are_not_taken_for_labels():
    asked, runner_up = csv(LABELLED[:18]), (Y[:18] + 3) % 10
    assert judged(asked, csv(np.column_stack([Y[:18], runner_up]))).accuracy == 1


BOTH = np.vstack([TRAIN[data.PIXELS], X])
SCALED = {
    "from 0 to 1": X / 16,
    "rounded": np.round(X / 16, 4),
    "as of bytes": X / 255,
    "standardised": (X - X.mean(axis=0)) / np.where(X.std(axis=0), X.std(axis=0), 1),
    "standardised as a whole": (X - BOTH.mean()) / BOTH.std(),
    "to each column's span": X / np.where(BOTH.max(axis=0), BOTH.max(axis=0), 1),
    "with the label": np.column_stack([Y, X / 16]),
}


@pytest.mark.parametrize("way", SCALED)
def test_scaled_pixels_are_known_again_and_not_taken_for_the_models_fault(way):
    asked = csv(SCALED[way])
    assert judged(asked, csv(GOOD)).accuracy > 0.95
    missing = refused(asked, csv(WRONG))
    assert missing.step == STEPS.upload and "from 0 to 16" in str(missing)


def test_other_digits_are_judged_by_the_label_beside_them_and_mildly():
    other = np.column_stack([np.sqrt(X), Y])
    assert judged(csv(other), csv(misread(100))).accuracy > 0.7
    assert refused(csv(other), csv(WRONG)).step == STEPS.upload
    assert judged(csv(np.sqrt(X)), csv(WRONG)).accuracy is None


def test_truth_knows_what_was_scaled():
    assert truth_of([tuple(row) for row in X.tolist()]).scaled is False
    assert truth_of([tuple(row) for row in (X / 16).tolist()]).scaled is True


@pytest.mark.parametrize(("wrong", "rows"), [(1, 10), (3, 10), (3, 20), (6, 100), (18, 364)])
def test_a_few_misread_digits_may_be_chance(wrong, rows):
    assert judged(csv(X[:rows]), csv(misread(wrong, rows))).accuracy == 1 - wrong / rows


@pytest.mark.parametrize(("wrong", "rows"), [(4, 10), (6, 20), (12, 100), (19, 364)])
def test_more_than_a_few_are_not(wrong, rows):
    missing = refused(csv(X[:rows]), csv(misread(wrong, rows)))
    assert "95% are needed" in str(missing) and "maze-batch-1" in str(missing)


def test_the_same_few_digits_over_and_over_are_few():
    asked, digits = np.tile(X[:10], (50, 1)), np.tile(misread(1, 10), 50)
    assert judged(csv(asked), csv(digits)).accuracy == 0.9
