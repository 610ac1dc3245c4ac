"""Training jobs for the tests of chapter 1's checks: small scripts that copy a prepared model."""

import io
import json
from functools import cache

import boto3
import joblib
from checked_work import forest
from sklearn.ensemble import RandomForestClassifier
from trainer import channel
from training_job import IMAGE, start_job

from maze_helpers import data, metrics
from maze_helpers.checks.scores import REPORTED, scores_of

BUCKET = "checks"
CHANNELS = ("train", "test", "model")
OURS = metrics.metric_definitions()
# No library is imported, so that the job takes no time; the model comes by a channel of its own.
SCRIPT = """
import argparse, os, shutil

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR"))
    args, _ = parser.parse_known_args()
    assert os.listdir(args.train)
    for i in range(4):
        print(f"round={{i}} train:accuracy=1.0 validation:accuracy={{0.9 + i / 100}}")
    for line in {lines!r}:
        print(line)
    shutil.copy(os.path.join(os.environ["SM_INPUT_DIR"], "data/model/{model}"), args.model_dir)

if __name__ == "__main__":
    main()
"""
MODELS = {
    "model.joblib": {},
    "label.joblib": {"features": 63},
    "leak.joblib": {"features": 65},
    "nine.joblib": {"classes": 9},
}


@cache
def own_scores(of: str = "test") -> dict[str, float]:
    """Return the macro averages and the accuracy of the prepared model: on test or train digits."""
    model = joblib.load(io.BytesIO(forest()))
    digits = dict(zip(("train", "test"), data.digits(), strict=True))[of]
    read = model.predict(digits[data.PIXELS].to_numpy())
    scores = scores_of(digits[data.LABEL], read, ("macro",))
    return {name: score[0] for name, score in scores.items()}


def small_forest() -> bytes:
    """Return a forest of one tree with two levels as joblib saves it."""
    train, _ = data.digits()
    model = RandomForestClassifier(1, max_depth=2, random_state=0)
    content = io.BytesIO()
    joblib.dump(model.fit(train[data.PIXELS].to_numpy(), train[data.LABEL]), content)
    return content.getvalue()


def script(
    model: str = "model.joblib",
    form: str = "{name}={score:.4f}",
    of: str = "test",
    **printed: str,
) -> str:
    """Return a script that leaves a prepared model and prints its scores.

    of: the digits of the scores, test or train. printed: the name of the score to print in the
    place of another, such as f1="precision".
    """
    scores = own_scores(of)
    lines = [
        form.format(name=name, score=scores[printed.get(name, name)])
        for name in ("accuracy", *REPORTED)
    ]
    return SCRIPT.format(lines=lines, model=model)


def prepare(session: boto3.Session) -> None:
    """Put the digits and the prepared models into a bucket."""
    s3 = session.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    train, _ = data.digits()
    s3.upload_file(str(data.TRAIN_CSV), BUCKET, "data/train/train.csv")
    s3.upload_file(str(data.TEST_CSV), BUCKET, "data/test/test.csv")
    pixels = train[data.PIXELS].to_csv(index=False).encode()
    s3.put_object(Bucket=BUCKET, Key="data/pixels/train.csv", Body=pixels)
    s3.upload_file(str(data.TRAIN_CSV), BUCKET, "data/nested/train/train.csv")
    s3.put_object(Bucket=BUCKET, Key="data/model/small.joblib", Body=small_forest())
    for name, kind in MODELS.items():
        s3.put_object(Bucket=BUCKET, Key=f"data/model/{name}", Body=forest(**kind))


def start(
    session: boto3.Session,
    name: str,
    source: str,
    definitions: list[dict[str, str]] = OURS,
    channels: dict[str, str] | None = None,
    hyperparameters: dict[str, int] | None = None,
    **request,
) -> None:
    """Start a job. channels: the folder of each, where it is not one of the same name."""
    folders = {name: name for name in CHANNELS} if channels is None else channels
    algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File"}
    if definitions:
        algorithm["MetricDefinitions"] = definitions
    uris = {name: f"s3://{BUCKET}/data/{folder}/" for name, folder in folders.items()}
    if hyperparameters:
        code = f"s3://{BUCKET}/{name}/source/sourcedir.tar.gz"
        sent = {"sagemaker_program": "train.py", "sagemaker_submit_directory": code}
        sent |= hyperparameters
        request["HyperParameters"] = {key: json.dumps(value) for key, value in sent.items()}
    if uris:
        request["InputDataConfig"] = [channel(*item) for item in uris.items()]
    start_job(session, name, source, BUCKET, AlgorithmSpecification=algorithm, **request)


def only(words: str) -> boto3.Session:
    """Return a session of the environment's that lists no jobs but those with words in the name."""
    session = boto3.Session()

    def narrow(params: dict, **_: object) -> dict:
        return {**params, "NameContains": words}

    session.events.register("provide-client-params.sagemaker.ListTrainingJobs", narrow)
    return session
