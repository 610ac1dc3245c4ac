"""Run every benchmark, one after another: `python -m bench`.

Each compares the local cloud with a peer and with the floor in the same run, and prints a table.
The last, which trains for minutes, compares the bonus track's model with a bag of words.
"""

import runpy

BENCHMARKS = (
    "bench.fit",
    "bench.deploy",
    "bench.s3",
    "bench.invoke",
    "bench.load_test",
    "bench.transform",
    "bench.intents",
)

if __name__ == "__main__":
    for benchmark in BENCHMARKS:
        runpy.run_module(benchmark, run_name="__main__")
