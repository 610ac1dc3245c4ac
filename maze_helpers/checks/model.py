"""Judging a saved digits model: by loading it and letting it read digits it has not seen."""

import tarfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.preprocessing import StandardScaler

from maze_helpers import data
from maze_helpers.checks.check import Missing

MODEL_SUFFIXES = (".joblib", ".pkl", ".pickle", ".sav", ".joblib.gz", ".pkl.gz")
PIXEL_COUNT = len(data.PIXELS)
ACCURACY_NEEDED = 0.95


class OtherVersion(Missing):
    """Raised when the model was saved by a scikit-learn that the one here cannot read."""


def find_files(folder: Path) -> dict[Path, int]:
    """Return the files under the folder with their modification times, in ns."""
    found = sorted(folder.rglob("*"))
    return {path: path.stat().st_mtime_ns for path in found if path.is_file()}


def find_models(folder: Path) -> dict[Path, int]:
    """Return the model files under the folder with their modification times, in ns."""
    return {path: at for path, at in find_files(folder).items() if is_model(path)}


def is_model(path: Path) -> bool:
    """Return whether a file is called as saved models are."""
    return path.name.endswith(MODEL_SUFFIXES)


def saves_no_model(script: str, written: Iterable[Path], otherwise: str) -> Missing:
    """Return what to raise for a script that saved no model.

    written: files that it did write. otherwise: what to say, if there are none.
    """
    names = sorted(path.name for path in written if path.suffix not in (".py", ".pyc", ".ipynb"))
    if not names:
        return Missing(otherwise)
    *endings, last = MODEL_SUFFIXES
    return Missing(
        f"{script} saves {', '.join(names)}, where the check finds no model: it reads files "
        f"whose names end in {', '.join(endings)} or {last}."
    )


def load_model(file: Path | BinaryIO, name: str) -> Any:
    """Return the model in the file; only ever the participant's own: a pickle runs code.

    Raises: Missing, if it does not load or cannot predict; OtherVersion, if that is why.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = joblib.load(file)
    except Exception as error:
        for warning in caught:
            if isinstance(warning.message, InconsistentVersionWarning):
                version = warning.message.original_sklearn_version
                raise OtherVersion(
                    f"{name} was saved by scikit-learn {version}, which the one here cannot read."
                ) from error
        raise Missing(f"{name} does not load: {_in_short(error)}.") from error
    if model is None:
        raise Missing(f"{name} holds None: does a function forget to return the model?")
    if not hasattr(model, "predict"):
        raise Missing(f"{name} holds {kind_of(model)}, not a model that can predict.")
    return model


def load_artifact(path: Path) -> Any:
    """Return the model in a job's model.tar.gz, read without unpacking anything.

    Raises: Missing, if there is none in it or it does not load.
    """
    try:
        with tarfile.open(path) as archive:
            members = [member for member in archive if member.isfile()]
            for member in members:
                if member.name.endswith(MODEL_SUFFIXES):
                    return load_model(archive.extractfile(member), Path(member.name).name)
    except tarfile.TarError as error:
        raise Missing(f"model.tar.gz is not a tar archive: {_in_short(error)}.") from error
    names = ", ".join(member.name for member in members) or "nothing"
    raise Missing(
        f"model.tar.gz holds {names} but no model such as model.joblib: "
        "save it in the folder that SM_MODEL_DIR names."
    )


def judge_model(model: Any, own_split: bool = False) -> str:
    """Return one sentence on how well the model reads the held-out digits.

    own_split: whether the script held other digits out, so that the model knows some of these.
    Raises: Missing, if it does not read ten digits from 64 pixels, or too few of them, or if it
    reads all of them, though they were held out from it.
    """
    _judge_features(getattr(model, "n_features_in_", PIXEL_COUNT))
    _judge_classes(getattr(model, "classes_", range(10)))
    _, test = data.digits()
    accuracy = _accuracy(model, test)
    if accuracy < ACCURACY_NEEDED:
        raise Missing(
            f"The model reads {accuracy:.1%} of the held-out digits; "
            f"{ACCURACY_NEEDED:.0%} are needed: has it enough trees, and the right label?"
        )
    if accuracy == 1 and not own_split:
        raise Missing(
            f"The model reads all {len(test)} held-out digits, which only a model can that was "
            "trained on them: train it on the training digits alone."
        )
    return f"it tells ten digits apart and reads {accuracy:.1%} of the {len(test)} held-out ones."


def kind_of(model: Any) -> str:
    """Return the name of the model's class with its article: "an SVC", "a Pipeline"."""
    name = type(model).__name__
    spelled_out = name[:2].isupper()
    return f"{'an' if name[0] in ('AEFHILMNORSX' if spelled_out else 'AEIO') else 'a'} {name}"


def is_forest(model: Any) -> bool:
    """Return whether the model is a random forest, or ends with one: a pipeline, or a search."""
    while hasattr(model, "best_estimator_") or hasattr(model, "steps"):
        search = hasattr(model, "best_estimator_")
        model = model.best_estimator_ if search else model.steps[-1][1]
    return isinstance(model, RandomForestClassifier)


def predict(model: Any, pixels: pd.DataFrame) -> np.ndarray:
    """Return the digits that the model reads in rows of pixels, as numbers.

    Raises: Missing, if it does not.
    """
    # A model that was given column names asks for the same ones.
    names = getattr(model, "feature_names_in_", None)
    features = pixels.to_numpy() if names is None else pixels.set_axis(names, axis=1)
    try:
        read = np.asarray(model.predict(features)).astype(float)
    except Exception as error:
        raise Missing(
            f"The model does not predict from {PIXEL_COUNT} pixels: {_in_short(error)}."
        ) from error
    if read.shape != (len(pixels),):
        raise Missing(f"The model answers {len(pixels)} digits with an array of {read.shape}.")
    return read


def _in_short(error: Exception) -> str:
    """Return an error's kind and the first line of its text, without a full stop."""
    first = (str(error).strip().splitlines() or ["no reason given"])[0]
    return f"{type(error).__name__}: {first.rstrip('.')}"


def _accuracy(model: Any, test: pd.DataFrame) -> float:
    """Return the share of digits that the model reads, by the scale of pixels that it knows."""
    shares = []
    for scale in (_as_they_are, _up_to_one, _standardised):
        read = predict(model, scale(test[data.PIXELS]))
        shares.append(float(np.mean(read == test[data.LABEL].to_numpy())))
        if shares[-1] >= ACCURACY_NEEDED:
            break
    return max(shares)


def _as_they_are(pixels: pd.DataFrame) -> pd.DataFrame:
    return pixels


def _up_to_one(pixels: pd.DataFrame) -> pd.DataFrame:
    return pixels / 16


def _standardised(pixels: pd.DataFrame) -> pd.DataFrame:
    scaler = StandardScaler().fit(data.digits()[0][data.PIXELS])
    return pd.DataFrame(scaler.transform(pixels), columns=pixels.columns)


def _judge_features(count: int) -> None:
    if count == PIXEL_COUNT - 1:
        raise Missing(
            f"The model learned from {count} features, so it takes the last pixel for the label: "
            "append the label to the 64 pixels before you split columns off."
        )
    if count != PIXEL_COUNT:
        raise Missing(
            f"The model learned from {count} features; a digit has {PIXEL_COUNT} pixels: "
            "is the label or an index among the features?"
        )


def _judge_classes(classes: Any) -> None:
    try:
        numbers = sorted({int(float(label)) for label in classes})
    except (TypeError, ValueError) as error:
        raise Missing(f"The model's classes are not digits: {list(classes)[:5]}.") from error
    if numbers != list(range(10)):
        raise Missing(
            f"The model knows {len(numbers)} classes, {numbers[0]} to {numbers[-1]}, "
            "not the ten digits: is the last column of your data the label?"
        )
