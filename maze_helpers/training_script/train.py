"""Train a random forest on a channel of digits: what a model to serve is made by, where none is."""

import argparse
import os

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier


def fit(folder: str, n_estimators: int, max_depth: int) -> RandomForestClassifier:
    """Return a random forest that has learned the digits of a folder's train.csv."""
    rows = pd.read_csv(os.path.join(folder, "train.csv"))
    model = RandomForestClassifier(n_estimators=n_estimators, max_depth=max_depth, random_state=42)
    return model.fit(rows.iloc[:, :-1].to_numpy(), rows.iloc[:, -1].to_numpy())


def main() -> None:
    """Train by the command line and the job's environment, and save the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-estimators", type=int, default=150)
    parser.add_argument("--max-depth", type=int, default=12)
    args = parser.parse_args()
    model = fit(os.environ["SM_CHANNEL_TRAIN"], args.n_estimators, args.max_depth)
    joblib.dump(model, os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))


if __name__ == "__main__":
    main()
