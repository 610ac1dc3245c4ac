"""Run a script as `python script.py` does, and write down what scikit-learn's metrics return.

Run by its path, in a process of its own, so that it imports nothing of this package:
python recorded_run.py RECORD SCRIPT [ARGUMENT …]. RECORD becomes a JSON file: a list of calls,
each with its average and the precision, recall and f1 that it returned, or with an accuracy;
count is how many digits were scored, and support how many of each, where it returned that.
"""

import atexit
import functools
import json
import os
import runpy
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.metrics import _classification

Call = dict[str, Any]
CALLS: list[Call] = []


def _record(name: str, as_call: Callable[[Any, dict[str, Any]], Call]) -> None:
    """Keep what every call of a metric returns. as_call: is given that and the call's options."""
    function = getattr(_classification, name)

    @functools.wraps(function)
    def recorded(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        truth = args[0] if args else options["y_true"]
        CALLS.append(as_call(result, options) | {"count": np.shape(truth)[0]})
        return result

    # The other metrics of this module, such as f1_score, call this one by its name in there.
    setattr(_classification, name, recorded)
    setattr(metrics, name, recorded)


def _scores(result: Any, options: dict[str, Any]) -> Call:
    precision, recall, f1, support = result
    call = {"average": str(options.get("average"))}
    call |= {"precision": _numbers(precision), "recall": _numbers(recall)}
    call |= {} if support is None else {"support": _numbers(support)}
    return call | ({"f1": _numbers(f1)} if options.get("beta", 1.0) == 1.0 else {})


def _accuracy(result: Any, options: dict[str, Any]) -> Call:
    return {"average": "accuracy", "accuracy": _numbers(result)}


def _numbers(value: Any) -> list[float]:
    return [float(number) for number in getattr(value, "flat", [value])]


def main() -> None:
    """Run the script of the command line."""
    record, script, *arguments = sys.argv[1:]
    _record("precision_recall_fscore_support", _scores)
    _record("accuracy_score", _accuracy)
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    atexit.register(_write, os.path.abspath(record))
    runpy.run_path(script, run_name="__main__")


def _write(path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(CALLS, file)


if __name__ == "__main__":
    main()
