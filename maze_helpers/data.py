"""The workshop's data: 1,797 handwritten digits of 8 x 8 pixels, and customers' words to a shop.

Both come as a train.csv and a test.csv, with the label in the last column.
"""

from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).resolve().parent.parent / "data"
DIGITS = DATA / "digits"
TRAIN_CSV = DIGITS / "train.csv"
TEST_CSV = DIGITS / "test.csv"
INTENTS = DATA / "intents"

PIXELS = [f"pixel_{i}" for i in range(64)]
LABEL = "label"
# One image in five of each digit is held out.
TEST_EVERY = 5


def digits() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the training and the held-out digits: 64 pixels of 0 to 16, then the label."""
    return pd.read_csv(TRAIN_CSV), pd.read_csv(TEST_CSV)


def intents(utterances_per_intent: int | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the utterances to train on and those held out: columns text and intent.

    utterances_per_intent: the first so many of each intent; None for all.
    """
    train, test = (pd.read_csv(INTENTS / name) for name in (TRAIN_CSV.name, TEST_CSV.name))
    if utterances_per_intent is None:
        return train, test
    return tuple(rows.groupby("intent").head(utterances_per_intent) for rows in (train, test))


def images(rows: pd.DataFrame) -> np.ndarray:
    """Return the rows as images, shape (n_samples, 8, 8)."""
    return rows[PIXELS].to_numpy().reshape(-1, 8, 8)


def describe() -> str:
    """Return one sentence that says what the two files hold, counted from the files."""
    train, test = digits()
    return (
        f"{len(train):,} digits to train on and {len(test):,} held out: {len(PIXELS)} pixels of "
        f"{train[PIXELS].min(axis=None)} to {train[PIXELS].max(axis=None)}, "
        f"then the label, one of {train[LABEL].nunique()}."
    )


def write_digits(folder: Path) -> None:
    """Write train.csv and test.csv from scikit-learn's digits; the same bytes every time.

    Every fifth image of each digit, from its first on, goes to test.csv; the order is kept.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    rows = pd.DataFrame(digits.data.astype(int), columns=PIXELS).assign(label=digits.target)
    held_out = rows.groupby(LABEL).cumcount() % TEST_EVERY == 0
    folder.mkdir(parents=True, exist_ok=True)
    rows[~held_out].to_csv(folder / TRAIN_CSV.name, index=False, lineterminator="\n")
    rows[held_out].to_csv(folder / TEST_CSV.name, index=False, lineterminator="\n")
