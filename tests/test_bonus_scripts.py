"""The bonus project's scripts: any data, training that goes on where it ended, four handlers."""

import csv
import importlib
import json
import os
import re
import subprocess
import sys
import tarfile
from types import SimpleNamespace

import pytest

from maze_helpers import project
from maze_helpers.metrics import metric_definitions, scrape

MODULES = ("train", "inference", "model", "utils")
ROWS = [
    ("I want a pizza", "order"),
    ("please, send me a lamp", "order"),
    ("buy shoes", "order"),
    ("where is my parcel", "track"),
    ("has it been sent yet", "track"),
    ("track my order", "track"),
]
METRICS = ("train:loss", "validation:accuracy", "validation:f1", "test:accuracy", "test:f1")


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The scripts as modules, and the folder that they are in."""
    folder = project.write(tmp_path_factory.mktemp("project"))
    sys.path.insert(0, str(folder))
    try:
        yield SimpleNamespace(
            folder=folder, **{name: importlib.import_module(name) for name in MODULES}
        )
    finally:
        sys.path.remove(str(folder))
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def tiny_base(scripts, tmp_path_factory):
    """A folder with a base model of random weights, and MiniLM's own tokenizer."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = tmp_path_factory.mktemp("base")
    real = scripts.utils.base_model_path(scripts.utils.DEFAULT_BASE_MODEL)
    AutoTokenizer.from_pretrained(real).save_pretrained(folder)
    config = BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder)
    return folder


def write_csv(path, rows, header=("text", "intent")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def train(scripts, base, folder, *options, rows=ROWS, test=ROWS):
    """Train in this process; return the log and the model's folder."""
    arguments = {
        "--train": write_csv(folder / "train.csv", rows),
        "--test": write_csv(folder / "test.csv", test),
        "--model-dir": folder / "model",
        "--base-model": base,
        "--epochs": 2,
        "--batch-size": 2,
        "--learning-rate": 0.01,
    }
    given = [str(word) for pair in arguments.items() for word in pair]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train.py", *given, *options])
        scripts.train.main()
    return folder / "model"


@pytest.fixture(scope="module")
def trained(scripts, tiny_base, tmp_path_factory):
    return train(scripts, tiny_base, tmp_path_factory.mktemp("trained"))


def weights(scripts, model_dir):
    import torch

    return torch.load(model_dir / "model.pth", weights_only=True)


def same(one, other):
    states = one["model_state_dict"], other["model_state_dict"]
    return all((states[0][name] == states[1][name]).all() for name in states[0])


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("text,intent\na,x\n", [("a", "x")]),
        ("\ufeffText, Intent \na,x\n", [("a", "x")]),
        ('id,text,more,intent\n1,"a, b",?,x\n', [("a, b", "x")]),
        ("text,intent\na,x\n\n,\na,\n a ,x\na,y\n", [("a", "x"), ("a", "y")]),
    ],
)
def test_any_csv_with_the_two_columns_will_do(scripts, tmp_path, content, rows):
    (tmp_path / "any.csv").write_text(content, encoding="utf-8")
    for place in (tmp_path, tmp_path / "any.csv"):
        assert list(zip(*scripts.utils.read_utterances(str(place)), strict=True)) == rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no column text and no column intent"),
        (b"text;intent\na;x\n", "no column text and no column intent; it has 'text;intent'"),
        (b"text,label\na,x\n", "has no column intent"),
        (b"text,intent\n,x\n", "has no row with a text and an intent"),
        (b"text,intent\n\xff,x\n", "cannot be read as CSV in UTF-8"),
    ],
)
def test_a_csv_that_will_not_do_is_refused_in_a_sentence(scripts, tmp_path, content, said):
    (tmp_path / "any.csv").write_bytes(content)
    with pytest.raises(scripts.utils.InputError, match=said):
        scripts.utils.read_utterances(str(tmp_path))


def test_places_where_no_data_is_are_named(scripts, tmp_path, local_cloud, monkeypatch):
    (tmp_path / "empty").mkdir()
    for place, said in {
        tmp_path / "none": "There is no file or folder",
        tmp_path / "empty": "must hold one CSV file; it holds none",
        "s3://": "not the URI of something in S3",
    }.items():
        with pytest.raises(scripts.utils.InputError, match=said):
            scripts.utils.read_utterances(str(place))


def test_the_validation_has_a_share_of_each_intent_that_has_two_rows(scripts):
    labels = [0] * 20 + [1] * 2 + [2]
    training, validation = scripts.utils.split(labels, 0.1, seed=0)
    assert sorted(training + validation) == list(range(23))
    assert sorted(labels[row] for row in validation) == [0, 0, 1]
    assert len(scripts.utils.split([0, 0, 1], 0.9, seed=0)[0]) == 2


@pytest.mark.parametrize("key", ["data//etc/a.csv", "data/../../a.csv"])
def test_no_key_of_s3_leaves_the_folder_that_it_is_copied_to(
    scripts, tmp_path, s3, bucket, monkeypatch, key
):
    monkeypatch.setattr("boto3.client", lambda service: s3)
    s3.put_object(Bucket=bucket, Key=key, Body=b"text,intent\na,x\n")
    with pytest.raises(scripts.utils.InputError, match="cannot be the name of a file"):
        scripts.utils.download(f"s3://{bucket}/data", tmp_path)


def test_batches_hold_every_row_once_with_little_padding(scripts):
    import random

    lengths = [random.Random(0).randrange(3, 40) for _ in range(500)]
    found = scripts.utils.batches(lengths, 16, random.Random(1))
    assert sorted(row for batch in found for row in batch) == list(range(500))
    padded = sum(max(lengths[row] for row in batch) * len(batch) for batch in found)
    assert padded < 1.15 * sum(lengths)


def test_a_model_folder_has_all_that_serving_needs(scripts, trained):
    assert {path.name for path in trained.iterdir()} == {
        "model.pth",
        "label_encoder.pkl",
        "base_model",
    }
    kept = weights(scripts, trained)
    assert 0 <= kept["accuracy"] <= 1 and kept["history"] and "test:f1" in kept["test"]
    assert not list(trained.rglob("*.safetensors"))


def test_the_log_has_the_metrics_that_the_definitions_match(scripts, tiny_base, tmp_path, capsys):
    train(scripts, tiny_base, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    found = scrape(lines, metric_definitions(*METRICS))
    assert [len(found[name]) for name in METRICS] == [2, 2, 2, 1, 1]
    assert any(re.fullmatch("device=cpu precision=(fp32|bf16) processes=1", line) for line in lines)
    assert any(line.startswith("test:f1:track=") for line in lines)


def test_a_seed_gives_the_same_weights_again_and_another_does_not(
    scripts, trained, tiny_base, tmp_path
):
    again, other = tmp_path / "again", tmp_path / "other"
    again.mkdir(), other.mkdir()
    first = weights(scripts, trained)
    scripts.train.seed_everything(20240131 * 1000)  # A date is a seed as good as any.
    assert same(first, weights(scripts, train(scripts, tiny_base, again)))
    assert not same(first, weights(scripts, train(scripts, tiny_base, other, "--seed", "1")))


def test_a_training_that_was_cut_off_ends_as_if_it_had_not_been(
    scripts, trained, tiny_base, tmp_path, monkeypatch, capsys
):
    """It goes on after the last whole epoch; once it has ended, it is not trained again."""
    checkpoints = ("--checkpoint-dir", str(tmp_path / "checkpoints"))
    train_epoch = scripts.train.Trainer.train_epoch

    def cut_off(trainer):
        if trainer.epoch == 2:
            raise InterruptedError
        return train_epoch(trainer)

    monkeypatch.setattr(scripts.train.Trainer, "train_epoch", cut_off)
    with pytest.raises(InterruptedError):
        train(scripts, tiny_base, tmp_path, *checkpoints)
    monkeypatch.setattr(scripts.train.Trainer, "train_epoch", train_epoch)
    resumed = weights(scripts, train(scripts, tiny_base, tmp_path, *checkpoints))
    assert "going on after epoch 1" in capsys.readouterr().out
    whole = weights(scripts, trained)
    assert same(whole, resumed)
    assert [e["train:loss"] for e in whole["history"]] == [
        e["train:loss"] for e in resumed["history"]
    ]
    assert same(whole, weights(scripts, train(scripts, tiny_base, tmp_path, *checkpoints)))
    assert "epoch=" not in capsys.readouterr().out
    with pytest.raises(scripts.utils.InputError, match=r"other settings \(seed, data\)"):
        train(scripts, tiny_base, tmp_path, *checkpoints, "--seed", "7")
    kept = tmp_path / "checkpoints/checkpoint.pt"
    for torn in (kept.read_bytes()[:1000], b""):
        kept.write_bytes(torn)
        with pytest.raises(scripts.utils.InputError, match=r"cannot be read.*delete it"):
            train(scripts, tiny_base, tmp_path, *checkpoints)


def test_data_that_cannot_be_learned_is_refused_before_training(scripts, tiny_base, tmp_path):
    refused = {
        "one intent only": ([row for row in ROWS if row[1] == "order"], []),
        "No intent has two rows": ([("a", "x"), ("b", "y")], [("a", "x")]),
        "not trained: refund": (ROWS, [*ROWS, ("my money", "refund")]),
    }
    for said, (rows, test) in refused.items():
        with pytest.raises(scripts.utils.InputError, match=said):
            train(scripts, tiny_base, tmp_path, rows=rows, test=test or rows)


def test_a_wrong_argument_is_refused_as_other_input_is(scripts, monkeypatch):
    """Of what argparse says by itself, a job's FailureReason shows nothing."""
    refused = {"--epoch-s=1": "unrecognized", "--epochs=x": "invalid int", "--seed": "one argument"}
    for word, said in (refused | {"--learning-rate=-1": "must be between"}).items():
        monkeypatch.setattr(sys, "argv", ["train.py", "--train", "any.csv", word])
        with pytest.raises(scripts.utils.InputError, match=said):
            scripts.train.arguments()


def test_a_base_model_of_half_precision_learns_and_one_without_words_does_not(
    scripts, tiny_base, tmp_path
):
    import torch
    from transformers import AutoModel, AutoTokenizer

    half = AutoModel.from_pretrained(tiny_base).to(torch.bfloat16)
    half.save_pretrained(tmp_path / "base")
    with pytest.raises(scripts.utils.InputError, match="has no tokenizer"):
        train(scripts, tmp_path / "base", tmp_path)
    AutoTokenizer.from_pretrained(tiny_base).save_pretrained(tmp_path / "base")
    kept = weights(scripts, train(scripts, tmp_path / "base", tmp_path))["model_state_dict"]
    assert {tensor.dtype for tensor in kept.values()} == {torch.float32}


def test_a_single_row_of_an_intent_is_learned_too(scripts, tiny_base, tmp_path):
    model = train(scripts, tiny_base, tmp_path, rows=[*ROWS, ("my money", "refund")])
    assert scripts.inference.model_fn(str(model))["intents"] == ["order", "refund", "track"]


def answer(scripts, loaded, body, content_type="application/json", accept="application/json"):
    inference = scripts.inference
    predictions = inference.predict_fn(inference.input_fn(body, content_type), loaded)
    return inference.output_fn(predictions, accept)


def test_the_handlers_answer_json_and_csv_alike(scripts, trained):
    loaded = scripts.inference.model_fn(str(trained))
    texts = [text for text, _ in ROWS] * 20
    body, content_type = answer(scripts, loaded, json.dumps({"text": texts, "top_k": 9}))
    predictions = json.loads(body)["predictions"]
    assert (content_type, len(predictions)) == ("application/json", len(texts))
    for prediction in predictions:
        ranks = [one["score"] for one in prediction["top"]]
        assert sum(ranks) == pytest.approx(1, abs=1e-3) and ranks == sorted(ranks, reverse=True)
        assert {**prediction["top"][0], "top": prediction["top"]} == prediction
    lines = 'text\n"' + '"\n"'.join(texts) + '"\n'
    table, content_type = answer(scripts, loaded, lines.encode(), "text/csv", "text/csv")
    assert content_type == "text/csv"
    assert [line.split(",")[0] for line in table.splitlines()] == [p["intent"] for p in predictions]
    alone = json.loads(answer(scripts, loaded, json.dumps({"text": texts[1]}))[0])
    assert alone["predictions"][0]["score"] == pytest.approx(predictions[1]["score"], abs=2e-4)


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        ("{", "application/json", "not JSON"),
        ("[" * 100_000, "application/json", "not JSON"),
        ("[1]", "application/json", "needs a text"),
        ('{"text": []}', "application/json", "must be a string"),
        ('{"text": [1]}', "application/json", "must be a string"),
        ('{"text": "a", "top_k": 0}', "application/json", "top_k must be"),
        ('{"text": "a", "top_k": true}', "application/json", "top_k must be"),
        (b"\xff", "application/json", "not text in UTF-8"),
        ("a, b\n", "text/csv", "several columns"),
        ("\n", "text/csv", "in every line"),
        ("a", "image/png", "image/png is not understood"),
    ],
)
def test_a_body_that_cannot_be_read_is_the_callers_fault(scripts, body, content_type, said):
    # Where SageMaker's toolkit is installed, an error of its own.
    with pytest.raises(Exception, match=said) as refused:
        scripts.inference.input_fn(body, content_type)
    assert getattr(refused.value, "status_code", 400) == 400


def test_half_an_emoji_and_any_header_are_read_and_no_other_answer_is_given(scripts):
    assert scripts.inference.input_fn('{"text": "a \\ud83c"}', None)["texts"] == ["a ?"]
    assert scripts.inference.input_fn("ID, Text\n1,a\n", "text/csv")["texts"] == ["a"]
    with pytest.raises(Exception, match="image/png cannot be answered"):
        scripts.inference.output_fn([], "image/png")
    assert scripts.inference.output_fn([], "image/png, text/csv;q=0.5") == ("", "text/csv")


def test_a_model_is_loaded_from_an_archive_and_from_s3_as_from_its_folder(
    scripts, trained, tmp_path, s3, bucket, monkeypatch
):
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(trained, arcname=".")
    monkeypatch.setattr("boto3.client", lambda service: s3)
    scripts.utils.upload(trained, f"s3://{bucket}/model/")
    s3.upload_file(str(archive), bucket, "model.tar.gz")
    expected = answer(scripts, scripts.inference.model_fn(str(trained)), '{"text": "a parcel"}')
    for place in (archive, f"s3://{bucket}/model", f"s3://{bucket}/model.tar.gz"):
        loaded = scripts.inference.load_anywhere(str(place))
        assert answer(scripts, loaded, '{"text": "a parcel"}') == expected
    with pytest.raises(scripts.utils.InputError, match="cannot be used"):
        scripts.inference.load_anywhere(f"s3://{bucket}/absent")


def test_an_archive_cut_off_or_of_a_folder_is_refused(scripts, trained, tmp_path):
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(trained, arcname="model")
    for size, said in ((None, "no model.pth in .*, at the top"), (1000, "cannot be unpacked")):
        archive.write_bytes(archive.read_bytes()[:size])
        with pytest.raises(scripts.utils.InputError, match=said):
            scripts.inference.load_anywhere(str(archive))


def run_script(scripts, name, *arguments, launcher=(), **environ):
    return subprocess.run(
        [sys.executable, *launcher, str(scripts.folder / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environ,
    )


@pytest.mark.slow
def test_a_mistake_is_one_sentence_and_an_exit_code(scripts, tmp_path):
    given = ("--train", tmp_path / "none", "--model-dir", tmp_path / "model")
    for name, arguments in {"train.py": given, "inference.py": ("--text", "a")}.items():
        run = run_script(scripts, name, *arguments)
        assert run.returncode == 1 and len(run.stderr.splitlines()) == 1
        assert run.stderr.startswith("ValueError: There is no ")


@pytest.mark.slow
def test_two_processes_train_one_model(scripts, tiny_base, tmp_path):
    path = write_csv(tmp_path / "train.csv", ROWS)
    arguments = ["--train", path, "--test", path, "--model-dir", tmp_path / "model"]
    arguments += ["--base-model", tiny_base, "--epochs", "3", "--batch-size", "2"]
    arguments += ["--checkpoint-dir", tmp_path / "checkpoints"]
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    run = run_script(scripts, "train.py", *arguments, launcher=torchrun)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("epoch=3 ") == 1 and "processes=2" in run.stdout
    again = run_script(scripts, "train.py", *arguments, launcher=torchrun)
    assert again.returncode == 0 and "going on after epoch 3" in again.stdout
