"""The check of the bonus track's first notebook: it recognises intents, and left a pickle."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from maze_helpers import data
from maze_helpers.checks.check import Check, Missing

HERE = Path()
UTTERANCES_PER_INTENT = 3
# A quick run on a few utterances an intent gets there; guessing gets one in 27 right.
SHARE_NEEDED = 0.33
SAVED = (".pkl", ".pickle", ".joblib", ".pt", ".pth")


def _look(predict: Callable[[list[str]], Sequence[str]], folder: Path = HERE) -> str:
    if not callable(predict):
        raise Missing(
            f"The check wants the function that predicts, not {type(predict).__name__}: "
            "checks.bonus.naive_notebook(model.predict)."
        )
    judgement = _judge_answers(predict)
    saved = [path for path in folder.iterdir() if path.suffix in SAVED and path.stat().st_size > 0]
    if not saved:
        raise Missing("No model is saved in this folder: pickle.dump(model, file) does that.")
    newest = max(saved, key=lambda path: path.stat().st_mtime)
    return f"{judgement} {newest.name} is saved."


def _judge_answers(predict: Callable[[list[str]], Sequence[str]]) -> str:
    _, asked = data.intents(UTTERANCES_PER_INTENT)
    texts = asked["text"].tolist()
    try:
        answers = np.asarray(predict(texts))
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise Missing(
            f"Asked for the intents of {len(texts)} texts in a list, predict fails with "
            f"{type(error).__name__}: {reason}"
        ) from error
    if answers.shape != (len(texts),):
        raise Missing(f"predict was asked for {len(texts)} intents in a row: one for each text.")
    unknown = set(answers.tolist()) - set(asked["intent"])
    if unknown:
        raise Missing(f"predict answers {sorted(map(str, unknown))[0]!r}, which is no intent.")
    share = float(np.mean(answers == asked["intent"].to_numpy()))
    if share < SHARE_NEEDED:
        raise Missing(
            f"Of {len(texts)} utterances that training has not seen, {share:.0%} are recognised; "
            f"{SHARE_NEEDED:.0%} are needed."
        )
    return f"Of {len(texts)} utterances that training has not seen, {share:.0%} are recognised."


naive_notebook = Check(
    "chapter 1, bonus 1",
    "A model recognises the intents of utterances it has not seen, and is saved.",
    _look,
)
