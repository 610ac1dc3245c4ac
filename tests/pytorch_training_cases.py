"""Jobs that try what PyTorch's image adds to the train contract."""

from training_cases import SETUP_PY, SHELL_PROBE, TWO_GROUPS, script
from training_folder import ONE_HOST, PROBE, Job

# Names and an interface that every machine knows.
LOCAL_HOST = {
    **ONE_HOST,
    "current_host": "localhost",
    "hosts": ["localhost"],
    "instance_groups": [{**ONE_HOST["instance_groups"][0], "hosts": ["localhost"]}],
    "network_interface_name": "lo",
}
BY_TORCHRUN = {"sagemaker_torch_distributed_enabled": "true"}
CHAINED = """
def load():
    return {}["absent"]

print("before")
try:
    load()
except KeyError as error:
    raise RuntimeError("cannot load:\\nsee above\\n") from error
"""
# Lines of the output that are errors or not, whatever the exit code.
OUTPUT = """
import sys
print("epoch 1: loss 0.5")
print("no exceptions so far", file=sys.stderr)
print("caught ValueError in batch 3")
print("epoch 2:  loss 0.4  ")
sys.stdout.flush()
print("  IndexError: again", file=sys.stderr)
print("epoch 2:  loss 0.4  ", file=sys.stderr)
print("twice", file=sys.stderr)
print("twice", file=sys.stderr)
"""
BYTES = r"""
import sys
sys.stderr.buffer.write("OSError: h\u00e9 \u4e16\n".encode() + b"\xff\xfe bad\n")
sys.exit(9)
"""
GLOO = """
import sys
print("RuntimeError: connection closed", file=sys.stderr)
print("terminate called after throwing an instance of 'gloo::EnforceNotMet'", file=sys.stderr)
sys.exit(6)
"""
# What comes out must be the same, as for SAME in training_cases.
PYTORCH_SAME = {
    "chained exceptions": script(CHAINED),
    "errors of which the script got over": script(OUTPUT),
    "errors before an exit code": script(OUTPUT + "sys.exit(5)"),
    "an exit code without an error": script("import sys; print('bye'); sys.exit(5)"),
    "an error that is not text": script(BYTES),
    "a last line without an end": script(
        "import sys; sys.stderr.write('MemoryError: full'); sys.exit(1)"
    ),
    "an error of a shell script": Job(
        files={"train.sh": "echo 'TypeError: a b:' >&2\nexit 3\n"}, program="train.sh"
    ),
    "a hung up gloo": script(GLOO),
    "a launcher of its own": Job(
        files={"train.py": CHAINED},
        hyperparameters={"sagemaker_toolkit_native_launcher_enabled": "true"},
    ),
    "a failing import of requirements": Job(
        files={"train.py": PROBE, "requirements.txt": "./absent-1.0-py3-none-any.whl\n"}
    ),
    "an argument that is too long": Job(hyperparameters={"x": "y" * 200_000}),
    "a switch for other hosts": Job(
        resource_config=TWO_GROUPS,
        hyperparameters={
            "sagemaker_mpi_enabled": "true",
            "sagemaker_distribution_instance_groups": '["head"]',
        },
    ),
    "a parameter server, which PyTorch has not": Job(
        hyperparameters={"sagemaker_parameter_server_enabled": "true"}
    ),
}
# By the torch that is installed, under both.
TORCHRUN_SAME = {
    "torchrun": Job(
        resource_config=LOCAL_HOST,
        hyperparameters={**BY_TORCHRUN, "lr": "0.1", "name": '"a b"', "e": "2"},
    ),
    "torchrun with two processes": Job(
        files={"train.py": "import os\nif os.environ['RANK'] == '1':\n" + "".join(
            f"    {line}\n" for line in PROBE.strip().splitlines()
        )},
        resource_config=LOCAL_HOST,
        hyperparameters={**BY_TORCHRUN, "sagemaker_mpi_num_of_processes_per_host": "2"},
    ),
    "an exit code under torchrun": Job(
        files={"train.py": "raise SystemExit(3)"},
        resource_config=LOCAL_HOST,
        hyperparameters=BY_TORCHRUN,
    ),
}  # fmt: skip
# The toolkit says it in other words.
TORCHRUN_SAME_END = {
    "a shell script under torchrun": Job(
        files={"train.sh": SHELL_PROBE, "probe.py": PROBE},
        program="train.sh",
        resource_config=LOCAL_HOST,
        hyperparameters=BY_TORCHRUN,
    ),
    "a package under torchrun": Job(
        files={"train.py": PROBE, "extra.py": "", "setup.py": SETUP_PY},
        resource_config=LOCAL_HOST,
        hyperparameters=BY_TORCHRUN,
    ),
    "a launcher that is not there": Job(hyperparameters={"sagemaker_mpi_enabled": "true"}),
}
