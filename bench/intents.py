"""How well the bonus track's project recognises intents: `python -m bench.intents [--seeds 3]`.

Its own train.py, once a seed, beside a bag of words in the same run: accuracy, macro F1 and F1 of
each intent on the test set; tokens a second; and the seconds from the start of the process until
the model that it keeps was trained. Where the device has units for bf16, the script uses them, and
one more training in fp32 shows what they are worth. `--train` and `--test` take any CSV with the
columns text and intent. Prints the section of BENCHMARKS.md.
"""

import argparse
import os
import platform
import re
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import psutil
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from maze_helpers import data, project
from maze_helpers.metrics import NUMBER, metric_regex, scrape_metric

INTENT_F1 = re.compile(rf"^test:f1:(\S+)=({NUMBER})")
WORD = re.compile(r"[a-z]{3,}")
# The script takes bf16 wherever the device has units for it; for fp32, it is told that none has.
RUN = """
import runpy, sys
precision = sys.argv.pop(1)
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
if precision == "fp32":
    import model
    model.multiplies_bf16 = lambda device: False
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
HEADER = """
| model | device | test accuracy | macro F1 | tokens/s | seconds |
|---|---|---:|---:|---:|---:|"""
INTENTS_HEADER = """
| intent | F1, bag of words | F1, fine-tuned | its lowest |
|---|---:|---:|---:|"""


@dataclass(frozen=True)
class Result:
    """What one training came to, or the fit of the baseline."""

    accuracy: float
    macro_f1: float
    f1: dict[str, float]
    seconds: float
    tokens_per_s: float = 0.0


def main() -> None:
    """Measure everything and print the section."""
    args = arguments()
    device = device_name(args.device)
    with tempfile.TemporaryDirectory() as name:
        script = project.write(name) / "train.py"
        train, test = read(script, args.train), read(script, args.test)
        baseline = bag_of_words(train, test)
        seeds = (
            {"bf16": args.seeds, "fp32": 1} if has_bf16(script, device) else {"fp32": args.seeds}
        )
        tuned = {
            f"{device} {precision}": [
                fine_tuned(script, args, seed, precision, device) for seed in range(n_seeds)
            ]
            for precision, n_seeds in seeds.items()
        }
    print(f"{machine(device)} {data_sentence(train, test)}")
    print(HEADER, *result_rows(baseline, tuned), sep="\n")
    print(INTENTS_HEADER, *intent_rows(baseline, next(iter(tuned.values()))), sep="\n")


def arguments() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description="Measure the intent classifier.")
    parser.add_argument("--seeds", type=int, default=3, help="how many trainings")
    parser.add_argument("--train", type=Path, default=data.INTENTS / "train.csv")
    parser.add_argument("--test", type=Path, default=data.INTENTS / "test.csv")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    return parser.parse_args()


def device_name(wanted: str) -> str:
    """Return the name of the GPU, or "CPU" where there is none or none is wanted."""
    import torch

    if wanted != "cpu" and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if wanted == "cuda":
        sys.exit("There is no GPU here that torch sees. Leave --device out to measure on the CPU.")
    return "CPU"


def has_bf16(script: Path, device: str) -> bool:
    """Return whether the script would train in bf16 there."""
    import torch

    model = runpy.run_path(str(script.with_name("model.py")))
    return model["multiplies_bf16"](torch.device("cpu" if device == "CPU" else "cuda"))


def read(script: Path, path: Path) -> pd.DataFrame:
    """Return the rows of a CSV, columns text and intent, as the script itself reads them."""
    utils = runpy.run_path(str(script.with_name("utils.py")))
    try:
        texts, intents = utils["read_utterances"](str(path))
    except utils["InputError"] as error:
        sys.exit(str(error))
    # The script's report is a line a metric: no name in it has a space.
    names = [intent.replace(" ", "_") for intent in intents]
    return pd.DataFrame({"text": texts, "intent": names})


def bag_of_words(train: pd.DataFrame, test: pd.DataFrame) -> Result:
    """Return what words and pairs of words alone come to, by logistic regression."""
    began_s = time.monotonic()
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=10, max_iter=2000, class_weight="balanced"),
    ).fit(train["text"], train["intent"])
    seconds = time.monotonic() - began_s
    taken, truth = model.predict(test["text"]), test["intent"]
    labels = sorted(set(truth))
    f1 = f1_score(truth, taken, labels=labels, average=None, zero_division=0)
    macro_f1 = f1_score(truth, taken, average="macro", zero_division=0)
    return Result((taken == truth).mean(), macro_f1, dict(zip(labels, f1, strict=True)), seconds)


def fine_tuned(
    script: Path, args: argparse.Namespace, seed: int, precision: str, device: str
) -> Result:
    """Return what the project's training came to with a seed."""
    print(f"{device} {precision}, seed {seed}", file=sys.stderr, flush=True)
    command = [sys.executable, "-c", RUN, precision, script.as_posix()]
    command += ["--train", str(args.train), "--test", str(args.test), "--seed", str(seed)]
    command += ["--model-dir", str(script.parent.parent / "model")]
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if device == "CPU" else {}
    return result_of(run(command, {**os.environ, **hidden}))


def run(command: list[str], environment: dict[str, str]) -> Iterator[tuple[float, str]]:
    """Yield each line that a command prints, with the seconds since it began; also show it.

    Raises: SystemExit with the last line, if the command fails.
    """
    began_s, line = time.monotonic(), ""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            print(f"  {line}", end="", file=sys.stderr, flush=True)
            yield time.monotonic() - began_s, line
    if process.returncode:
        sys.exit(f"The training failed: {line.strip()}")


def result_of(timed_lines: Iterable[tuple[float, str]]) -> Result:
    """Return what the lines of a training say; its seconds are those of the best epoch's line."""
    lines, epochs = [], []
    for seconds, line in timed_lines:
        lines.append(line)
        accuracy = scrape_metric(metric_regex("validation:accuracy"), [line])
        if line.startswith("epoch=") and accuracy:
            loss = scrape_metric(metric_regex("validation:loss"), [line])
            # The script keeps the epoch of the best accuracy; of several such, the lowest loss.
            epochs.append((*accuracy, -loss[0], -seconds))
    found = filter(None, map(INTENT_F1.match, lines))
    return Result(
        *scrape_metric(metric_regex("test:accuracy"), lines),
        *scrape_metric(metric_regex("test:f1"), lines),
        {match[1]: float(match[2]) for match in found},
        -max(epochs)[2],
        statistics.median(scrape_metric(metric_regex("tokens_per_s"), lines)),
    )


def new_words_share(train: Iterable[str], test: Iterable[str]) -> float:
    """Return the share of the test texts' content words that no training text holds.

    Counts words that occur more than once in the test texts: most of the others are slips.
    """
    known = {word for text in train for word in WORD.findall(text.lower())}
    counts = Counter(word for text in test for word in WORD.findall(text.lower()))
    content = {word for word, n in counts.items() if n > 1} - ENGLISH_STOP_WORDS
    return len(content - known) / len(content) if content else 0.0


def machine(device: str) -> str:
    """Return one sentence about the machine and the libraries."""
    memory_gib = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    return (
        f"{cpu_model()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, "
        f"{'no GPU' if device == 'CPU' else device}; "
        f"Python {platform.python_version()}, {libraries}."
    )


def cpu_model() -> str:
    """Return the processor's name, where the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def data_sentence(train: pd.DataFrame, test: pd.DataFrame) -> str:
    """Return one sentence about what is learned and tested."""
    return (
        f"{len(train):,} utterances to learn from and {len(test):,} to test, of "
        f"{train['intent'].nunique()} intents; of the test's content words (those in it more than "
        f"once) {new_words_share(train['text'], test['text']):.0%} are in no training utterance."
    )


def result_rows(baseline: Result, tuned: dict[str, list[Result]]) -> Iterator[str]:
    """Yield the lines of the table: the baseline, then the mean of each device's seeds."""
    yield (
        f"| bag of words | CPU | {baseline.accuracy:.1%} | {baseline.macro_f1:.3f} "
        f"| | {baseline.seconds:.1f} |"
    )
    for device, results in tuned.items():
        accuracies = [result.accuracy for result in results]
        spread = f" ({min(accuracies):.1%} to {max(accuracies):.1%})" if len(results) > 1 else ""
        yield (
            f"| fine-tuned, seeds: {len(results)} | {device} "
            f"| {statistics.mean(accuracies):.1%}{spread} "
            f"| {statistics.mean(result.macro_f1 for result in results):.3f} "
            f"| {statistics.median(result.tokens_per_s for result in results):,.0f} "
            f"| {statistics.median(result.seconds for result in results):.0f} |"
        )
    if all(device.startswith("CPU") for device in tuned):
        for precision in ("bf16", "fp32"):
            yield f"| fine-tuned | GPU {precision} | not measured yet | | | |"


def intent_rows(baseline: Result, results: list[Result]) -> Iterator[str]:
    """Yield the lines of the table of intents, the hardest first."""
    means = {
        intent: statistics.mean(result.f1[intent] for result in results) for intent in baseline.f1
    }
    for intent, mean in sorted(means.items(), key=lambda item: item[1]):
        lowest = min(result.f1[intent] for result in results)
        yield f"| {intent} | {baseline.f1[intent]:.3f} | {mean:.3f} | {lowest:.3f} |"


if __name__ == "__main__":
    main()
