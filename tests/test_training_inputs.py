"""The channels of a running job: manifests, input modes, pipes, shuffles."""

import gzip
import json
import struct

import pytest
from running_container import needs_namespaces
from trainer import Trainer, channel, hosts

pytestmark = needs_namespaces
LISTS = """
    import json, os
    top = "/opt/ml/input/data"
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = open(path).read()
    found.pop("code/main.py")
    found["config"] = json.load(open("/opt/ml/input/config/inputdataconfig.json"))
    json.dump(found, open("/opt/ml/model/found", "w"))
"""
READS_PIPES = """
    import json
    epochs = []
    for epoch in range(3):
        with open(f"/opt/ml/input/data/train_{epoch}", "rb") as pipe:
            epochs.append(pipe.read().decode("latin-1"))
    json.dump(epochs, open("/opt/ml/model/found", "w"))
"""


@pytest.fixture(scope="module")
def trainer(shared_trainer) -> Trainer:
    for name in ("a", "b", "more/c"):
        shared_trainer.put(f"inputs/{name}.csv", f"{name}\n")
    return shared_trainer


def found(trainer: Trainer, source: str, *channels: dict, **members):
    """Run a program that writes down what it found, and return that."""
    job = trainer.run_program(source, channels=list(channels), **members)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return json.loads(trainer.artifact(job["TrainingJobName"])["found"])


def pipe(**members) -> dict:
    return channel("train", "s3://training/inputs/", InputMode="Pipe", **members)


def test_a_manifest_and_a_fast_file_channel_are_files_at_the_start(trainer):
    uri = trainer.put("train.manifest", '[{"prefix": "s3://training/inputs/"}, "more/c.csv"]')
    files = found(
        trainer,
        LISTS,
        channel("listed", uri, S3DataType="ManifestFile"),
        channel("fast", "s3://training/inputs/a", InputMode="FastFile"),
    )
    config = files.pop("config")
    assert files == {"listed/more/c.csv": "more/c\n", "fast/a.csv": "a\n"}
    assert config["fast"]["TrainingInputMode"] == "File"


def test_a_manifest_that_is_none_fails_the_job(trainer):
    uri = trainer.put("broken.manifest", "{")
    broken = channel("listed", uri, S3DataType="ManifestFile")
    job = trainer.run_program("", channels=[broken])
    assert job["FailureReason"].startswith("ClientError: Data download failed:The manifest")


def test_an_object_that_only_a_manifest_knows_fails_the_job(trainer):
    uri = trainer.put("absent.manifest", '[{"prefix": "s3://training/inputs/"}, "none.csv"]')
    absent = channel("listed", uri, S3DataType="ManifestFile")
    job = trainer.run_program("", channels=[absent])
    assert job["FailureReason"] == (
        "ClientError: Data download failed:The specified key does not exist: inputs/none.csv"
    )


def test_a_channel_has_the_jobs_input_mode_unless_it_has_its_own(trainer):
    request = trainer.program(LISTS, channels=[channel("train", "s3://training/inputs/a")])
    request["AlgorithmSpecification"]["TrainingInputMode"] = "FastFile"
    request["InputDataConfig"][0]["InputMode"] = "File"
    job = trainer.wait(trainer.start(request))
    files = json.loads(trainer.artifact(job["TrainingJobName"])["found"])
    assert files["train/a.csv"] == "a\n"


def test_a_pipe_gives_all_objects_anew_in_each_epoch(trainer):
    assert found(trainer, READS_PIPES, pipe()) == ["a\nb\nmore/c\n"] * 3


def test_a_pipe_is_told_as_such(trainer):
    source = """
        import json, os, stat
        config = json.load(open("/opt/ml/input/config/inputdataconfig.json"))
        kind = stat.S_ISFIFO(os.stat("/opt/ml/input/data/train_0").st_mode)
        json.dump([config["train"]["TrainingInputMode"], kind], open("/opt/ml/model/found", "w"))
    """
    assert found(trainer, source, pipe()) == ["Pipe", True]


def test_a_pipe_unpacks_what_is_compressed(trainer):
    trainer.put("packed/a.gz", gzip.compress(b"first\n"))
    trainer.put("packed/b.gz", gzip.compress(b"second\n"))
    packed = channel("train", "s3://training/packed/", InputMode="Pipe", CompressionType="Gzip")
    assert found(trainer, READS_PIPES, packed) == ["first\nsecond\n"] * 3


def test_a_pipe_wraps_each_object_as_a_record(trainer):
    (text, *_) = found(trainer, READS_PIPES, pipe(RecordWrapperType="RecordIO"))
    records = b""
    for content in (b"a\n", b"b\n", b"more/c\n"):
        records += struct.pack("<II", 0xCED7230A, len(content)) + content
        records += b"\0" * (-len(content) % 4)
    assert text.encode("latin-1") == records


def test_a_pipe_shuffles_anew_in_each_epoch_and_alike_for_a_seed(trainer):
    for number in range(20):
        trainer.put(f"many/{number:02}", f"{number:02} ")
    many = channel("train", "s3://training/many/", InputMode="Pipe", ShuffleConfig={"Seed": 7})
    first, again = (found(trainer, READS_PIPES, many) for _ in range(2))
    assert first == again and len(set(first)) == 3
    assert {" ".join(sorted(epoch.split())) for epoch in first} == {
        " ".join(f"{number:02}" for number in range(20))
    }


def test_a_pipe_in_shards_gives_each_host_its_own(trainer):
    source = """
        import socket
        with open("/opt/ml/input/data/train_0") as pipe:
            open("/opt/ml/model/" + socket.gethostname(), "w").write(pipe.read())
    """
    shards = pipe(S3DataDistributionType="ShardedByS3Key")
    job = trainer.run_program(source, channels=[shards], ResourceConfig=hosts(2))
    model = trainer.artifact(job["TrainingJobName"])
    assert model == {"algo-1": b"a\nmore/c\n", "algo-2": b"b\n"}


def test_a_reader_may_stop_before_the_end_of_an_epoch(trainer):
    trainer.put("large/a", b"x" * 1_000_000)
    large = channel("train", "s3://training/large/", InputMode="Pipe")
    source = """
        import json
        sizes = []
        for size in (10, -1):
            with open(f"/opt/ml/input/data/train_{len(sizes)}", "rb") as pipe:
                sizes.append(len(pipe.read(size)))
        json.dump(sizes, open("/opt/ml/model/found", "w"))
    """
    assert found(trainer, source, large) == [10, 1_000_000]


def test_data_that_breaks_off_in_a_pipe_fails_the_job(trainer):
    trainer.put("damaged/a.gz", b"this is not gzip")
    damaged = channel("train", "s3://training/damaged/", InputMode="Pipe", CompressionType="Gzip")
    job = trainer.run_program(READS_PIPES, channels=[damaged])
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:Not a gzipped file")


def test_a_link_in_the_place_of_a_pipe_leads_nowhere(trainer, tmp_path):
    target = tmp_path / "target"
    target.write_text("untouched")
    source = f"""
        import os
        with open("/opt/ml/input/data/train_0") as pipe:
            pipe.read()
            os.remove("/opt/ml/input/data/train_1")
            os.symlink({str(target)!r}, "/opt/ml/input/data/train_1")
    """
    job = trainer.run_program(source, channels=[pipe()])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert target.read_text() == "untouched"
