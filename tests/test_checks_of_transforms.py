"""The check of task 3 looks at real transform jobs, and at what they left in S3."""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from checked_work import LOAD, as_on_aws, assert_is, check, forest, now
from deployer import BUCKET, variant
from endpoint_case import archive
from training_job import local_session
from transforms import SLOW, Transforms

from maze_helpers import data, instances
from maze_helpers.checks import Done, DoneDifferently, NotYet, Verdict
from maze_helpers.checks.chapter_2 import batch

_, TEST = data.digits()
HEAD = ",".join(data.PIXELS)
PIXELS = TEST[data.PIXELS].to_csv(header=False, index=False).splitlines()
LABELLED = TEST[[data.LABEL, *data.PIXELS]].to_csv(header=False, index=False).splitlines()
SCALED = (TEST[data.PIXELS] / 16).to_csv(header=False, index=False).splitlines()
RECORDS = [f"[{line}]" for line in PIXELS]
ANSWERS_CSV = """
def transform_fn(model, body, content_type, accept):
    import io, numpy
    pixels = numpy.loadtxt(io.StringIO(body), delimiter=",", ndmin=2)
    return "\\n".join(str(int(digit)) for digit in model.predict(pixels)), "text/csv"
"""
ANSWERS_RECORDS = """
def transform_fn(model, body, content_type, accept):
    import json
    rows = [json.loads(line) for line in body.splitlines()]
    return json.dumps(model.predict(rows).tolist()), "application/json"
"""
SURE = ANSWERS_CSV.replace("str(int(digit))", "'seven'")
FIRST_ONLY = ANSWERS_CSV.replace("model.predict(pixels)", "model.predict(pixels[:1])")
WRONG = ANSWERS_CSV.replace("model.predict(pixels)", "[7] * len(pixels)")
FLOAT = ANSWERS_CSV.replace(
    'numpy.loadtxt(io.StringIO(body), delimiter=",", ndmin=2)',
    '[[float(value) for value in line.split(",")] for line in body.splitlines()]',
)
CSV = {"ContentType": "text/csv", "SplitType": "Line"}
BY_LINE = {"Accept": "text/csv", "AssembleWith": "Line"}


class Batch:
    """Runs jobs over the held-out digits, and asks the check about each alone."""

    def __init__(self, cloud, session, folder) -> None:
        self.cloud, self.session, self.folder = cloud, session, folder
        self.transforms = Transforms(cloud)
        self.model_url = self.transforms.put(
            "forest/model.tar.gz", archive({"model.joblib": forest()})
        )

    def model(self, script: str) -> str:
        """Create a model that answers by a script, and return its name."""
        source = archive({"predict.py": LOAD + script})
        url = self.transforms.put(f"{zlib.crc32(source)}/sourcedir.tar.gz", source)
        code = {"SAGEMAKER_PROGRAM": "predict.py", "SAGEMAKER_SUBMIT_DIRECTORY": url}
        container = self.transforms.container(ModelDataUrl=self.model_url, Environment=code)
        return self.transforms.model(PrimaryContainer=container)

    def upload(self, folder: str, lines: list[str], count: int, end: str = "csv") -> str:
        """Put lines into so many objects, and return the URI of their folder."""
        size = -(-len(lines) // count)
        for number in range(count):
            body = "\n".join(lines[number * size : (number + 1) * size]) + "\n"
            self.transforms.put(f"{folder}/part-{number:02}.{end}", body.encode())
        return f"s3://{BUCKET}/{folder}/"

    def start(
        self, name: str, model: str, uri: str, count: int = 2, output: dict = BY_LINE, **members
    ) -> str:
        """Start a job on so many instances, and return its name."""
        source = members.pop("source", None) or self.transforms.source(
            uri, **members.pop("TransformInput", CSV)
        )
        return self.transforms.job(
            model,
            TransformJobName=name,
            TransformInput=source,
            TransformOutput=self.transforms.target(f"predicted/{name}", **output),
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": count},
            **members,
        )

    def check(self, since: datetime) -> Verdict:
        """Return the verdict on what was created since."""
        return check(3, self.session, since, self.folder)


@pytest.fixture(scope="module")
def batches(local_cloud, tmp_path_factory):
    with local_session(local_cloud) as session:
        yield Batch(local_cloud, session, tmp_path_factory.mktemp("task"))


@pytest.fixture(scope="module")
def way(batches):
    """Somebody's way: a job with one object, then one with two; the verdict after each."""
    since, model, said = now(), batches.model(ANSWERS_CSV), {}
    batches.start("maze-batch-one", model, batches.upload("one", PIXELS, 1))
    said["still runs"] = batches.check(since)
    batches.transforms.wait("maze-batch-one")
    said["one object"] = batches.check(since)
    batches.start("maze-batch-two", model, batches.upload("two", PIXELS, 2))
    batches.transforms.wait("maze-batch-two")
    said["two objects"] = batches.check(since)
    with as_on_aws(batches.cloud) as session:
        said["two objects, on AWS"] = check(3, session, since, batches.folder)
    return since, said


def test_a_job_is_waited_for(way):
    said = way[1]["still runs"]
    assert_is(said, NotYet, "maze-batch-one still runs")


def test_one_object_on_two_instances_leaves_one_idle_which_is_named(way, batches):
    logs = instances.instance_logs(batches.session, "maze-batch-one")
    [idle] = [name for name, lines in logs.items() if "/invocations" not in "".join(lines)]
    words = (f"{idle} had no request", "2 instances", "more objects than one")
    assert_is(way[1]["one object"], NotYet, *words, step=batch.MEND)


@pytest.mark.parametrize("point", ["two objects", "two objects, on AWS"])
def test_two_objects_keep_both_at_work(way, point):
    words = "each of them answered: 2 objects, 2 requests, 364 digits, 97."
    assert_is(way[1][point], Done, "maze-batch-two", words)


@pytest.fixture
def since(way, batches):
    """A moment between the two jobs."""
    return batches.transforms.describe_job("maze-batch-one")["TransformEndTime"]


@contextmanager
def changed(batches: Batch, key: str, body: bytes | None) -> Iterator[None]:
    """Have another content in an object, or no object, for as long as the block runs."""
    s3 = batches.transforms.s3
    before = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.delete_object(Bucket=BUCKET, Key=key)
    if body is not None:
        batches.transforms.put(key, body)
    try:
        yield
    finally:
        batches.transforms.put(key, before)


# Other outputs than the job's own, and what the check says of them.
OUTPUTS = {
    "words": (b"seven\n" * 182, "no digits from 0 to 9, but such as 'seven'"),
    "too few": (b"7\n" * 181, "181 predictions for 182 rows"),
    "run together": (b"77\n" * 91, "assemble_with='Line'"),
    "wrong": (b"7\n" * 182, "of the digits right; 95% are needed"),
    "none": (None, "no output for 1 of the 2 objects of its input, such as part-00.csv"),
}


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_outputs_that_are_not_the_digits_are_told(since, batches, outputs):
    body, words = OUTPUTS[outputs]
    with changed(batches, "predicted/maze-batch-two/part-00.csv.out", body):
        verdict = batches.check(since)
    assert isinstance(verdict, NotYet) and words in verdict.sentence, verdict
    assert verdict.step in (batch.ORDER, batch.TRANSFORM_ALL)


def test_data_that_was_deleted_since_does_not_undo_the_task(since, batches):
    inputs = [f"two/part-{number:02}.csv" for number in (0, 1)]
    outputs = [f"predicted/maze-batch-two/part-{number:02}.csv.out" for number in (0, 1)]
    with ExitStack() as stack:
        for key in inputs:
            stack.enter_context(changed(batches, key, None))
        assert_is(batches.check(since), Done, "2 objects", "364 digits.")
        for key in outputs:
            stack.enter_context(changed(batches, key, None))
        assert_is(batches.check(since), Done, "no longer in S3")


def test_other_rows_than_the_workshops_are_counted_and_not_judged(since, batches):
    rows = b"0.5," * 63 + b"0.5\n"
    with changed(batches, "two/part-00.csv", rows * 182):
        assert_is(batches.check(since), Done, "364 digits.")


def test_an_endpoint_that_is_left_on_is_told(since, batches):
    transforms = batches.transforms
    config = transforms.config(variant(transforms.model(answer="7")))
    name = transforms.endpoint(config, "maze-endpoint-left")
    verdict = batches.check(since)
    transforms.settle(name)
    transforms.delete(name)
    words = ("bills 0.115 USD an hour on AWS", f'sm.delete_endpoint(EndpointName="{name}")')
    assert_is(verdict, NotYet, f"{name} still runs and", *words)


# Other people's ways: what they ask for, their script, and what the check says.
JSON_LINES = {"ContentType": "application/jsonlines", "SplitType": "Line"}
WHOLE = {"ContentType": "text/csv"}
GZIP = {"ContentType": "text/csv", "SplitType": "Line", "CompressionType": "Gzip"}
FILTERS = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
JOINED = {"InputFilter": "$[1:]", "JoinSource": "Input"}


@dataclass(frozen=True)
class Way:
    """How somebody does it, and what comes of it."""

    kind: type
    words: str
    script: str = ANSWERS_CSV
    lines: list[str] = field(default_factory=lambda: PIXELS)
    objects: int = 2
    instances: int = 2
    name: str = "maze-batch-3"
    output: dict[str, Any] = field(default_factory=lambda: BY_LINE)
    members: dict[str, Any] = field(default_factory=dict)


WAYS = {
    "twenty objects": Way(Done, "20 objects, 20 requests", objects=20),
    "three instances": Way(DoneDifferently, "3 instances", objects=3, instances=3),
    "three instances, two objects": Way(NotYet, "2 objects are too few", instances=3),
    "one instance": Way(NotYet, "ran on one instance", instances=1),
    "a name of their own": Way(DoneDifferently, "not begin with maze-batch", name="digits-1"),
    "single records": Way(
        Done, "40 requests", lines=PIXELS[:40], members={"BatchStrategy": "SingleRecord"}
    ),
    "whole objects": Way(Done, "364 digits, 97.", members={"TransformInput": WHOLE}, output={}),
    "JSON Lines": Way(
        Done,
        "364 digits, 97.",
        ANSWERS_RECORDS,
        RECORDS,
        output={"Accept": "application/json", "AssembleWith": "Line"},
        members={"TransformInput": JSON_LINES, "BatchStrategy": "MultiRecord"},
    ),
    "the image's own answers": Way(Done, "364 digits, 97.", script=""),
    "labels beside the predictions": Way(
        Done, "364 digits, 97.", lines=LABELLED, members={"DataProcessing": FILTERS}
    ),
    "all of the input beside them": Way(
        Done, "364 digits, 97.", lines=LABELLED, members={"DataProcessing": JOINED}
    ),
    "column names": Way(NotYet, "a line of column names", lines=[HEAD, *PIXELS]),
    "column names, read by float": Way(NotYet, "a line of column names", FLOAT, [HEAD, *PIXELS]),
    "column names, read by the image": Way(NotYet, "a line of column names", "", [HEAD, *PIXELS]),
    "column names, and labels": Way(
        NotYet, "And is the label among them?", lines=[f"{data.LABEL},{HEAD}", *LABELLED]
    ),
    "only the labels are kept": Way(
        NotYet,
        "stored nothing that the model answered",
        lines=LABELLED,
        members={"DataProcessing": FILTERS | {"OutputFilter": "$[0]"}},
    ),
    "scaled pixels": Way(NotYet, "from 0 to 16", lines=SCALED),
    "no label left out": Way(NotYet, "65 features, but", lines=LABELLED),
    "no lines assembled": Way(
        NotYet,
        "assemble_with='Line'",
        lines=PIXELS[:40],
        output={"Accept": "text/csv"},
        members={"BatchStrategy": "SingleRecord"},
    ),
    "one answer a request": Way(NotYet, "1 predictions for 182 rows", FIRST_ONLY),
    "words": Way(NotYet, "no digits from 0 to 9, but such as 'seven'", SURE),
    "another model": Way(NotYet, "right; 95% are needed", WRONG),
    "no model_fn": Way(NotYet, "has no model_fn", "del model_fn"),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_other_peoples_ways_get_the_right_verdict(batches, way):
    chosen, since = WAYS[way], now()
    folder, name = way.replace(" ", "-").replace(",", ""), f"{WAYS[way].name}-{now():%f}"
    uri = batches.upload(folder, chosen.lines, chosen.objects)
    model = batches.model(chosen.script)
    batches.start(name, model, uri, chosen.instances, chosen.output, **dict(chosen.members))
    batches.transforms.wait(name)
    verdict = batches.check(since)
    assert isinstance(verdict, chosen.kind) and chosen.words in verdict.sentence, verdict
    assert name in verdict.sentence
    step, label = getattr(verdict, "step", 0), "the label among them" in verdict.sentence
    assert (step == batch.UPLOAD) == (way.startswith("column names") or way == "scaled pixels")
    assert (step == batch.FILTER) == (way in ("no label left out", "only the labels are kept"))
    assert label == (way in ("no label left out", "column names, and labels"))


@pytest.mark.slow
@pytest.mark.parametrize("end", ["-out", "", "/predicted"])
def test_outputs_below_the_inputs_prefix_are_no_input(batches, end):
    since, model, uri = now(), batches.model(ANSWERS_CSV), f"s3://{BUCKET}/pile{len(end)}"
    batches.upload(f"pile{len(end)}", PIXELS, 2)
    target = {"S3OutputPath": f"{uri}{end}", **BY_LINE}
    name = batches.start(f"maze-batch-{now():%f}", model, uri, output=target)
    batches.transforms.wait(name)
    assert_is(batches.check(since), Done, name, "2 objects, 2 requests, 364 digits, 97.")
    batches.transforms.put(f"pile{len(end)}/part-99.csv", PIXELS[0].encode())
    assert_is(batches.check(since), Done, name, "2 objects, 2 requests, 364 digits, 97.")


@pytest.mark.slow
def test_a_job_that_was_stopped_is_run_again(batches):
    since, model = now(), batches.transforms.scripted(SLOW)
    name = batches.start("maze-batch-stopped", model, batches.upload("slow", PIXELS, 2))
    batches.transforms.stop(name)
    assert_is(batches.check(since), NotYet, "was stopped")


@pytest.mark.slow
def test_packed_objects_and_a_manifest_are_read_as_the_job_reads_them(batches):
    since = now()
    batches.upload("packed", PIXELS, 2)
    for number in (0, 1):
        key = f"packed/part-{number:02}.csv"
        body = batches.transforms.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        batches.transforms.put(f"{key}.gz", gzip.compress(body))
    names = ["part-00.csv.gz", "part-01.csv.gz"]
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/packed/"}, *names]).encode()
    uri = batches.transforms.put("packed.manifest", manifest)
    source = batches.transforms.source(uri, "ManifestFile", **GZIP)
    name = batches.start("maze-batch-packed", batches.model(ANSWERS_CSV), uri, source=source)
    batches.transforms.wait(name)
    assert_is(batches.check(since), Done, "2 objects, 2 requests, 364 digits, 97.")
