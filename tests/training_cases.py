"""Jobs that try the train contract: run by our container, and by AWS's own toolkit."""

import tarfile

from training_folder import PROBE, Job, file_member, link_member

SHELL_PROBE = '#!/bin/sh\nset -e\npython probe.py "$@"\n'
TWO_GROUPS = {
    "current_host": "algo-2",
    "current_instance_type": "ml.c5.xlarge",
    "current_group_name": "workers",
    "hosts": ["algo-1", "algo-2", "algo-3"],
    "instance_groups": [
        {"instance_group_name": "head", "instance_type": "ml.m5.large", "hosts": ["algo-1"]},
        {
            "instance_group_name": "workers",
            "instance_type": "ml.c5.xlarge",
            "hosts": ["algo-2", "algo-3"],
        },
    ],
    "network_interface_name": "ethwe",
}
# As a job with a topology, and without instance groups, would see them.
BARE_CONFIG = {
    "current_host": "algo-2",
    "hosts": ["algo-1", "algo-2"],
    "topology": [{"hostName": "algo-1", "capacityUnitId": "u-1"}],
}
ALL_KINDS = {
    "n_estimators": "100",
    "rate": "0.1",
    "tiny": "1e-30",
    "huge": "123456789012345678901234567890",
    "infinite": "1e400",
    "not-a-number": "NaN",
    "yes": "true",
    "no": "false",
    "nothing": "null",
    "text": "plain text",
    "json-text": '"quoted"',
    "number-text": '"12"',
    "empty": "",
    "json-empty": '""',
    "list": '[1, "two", null, [3.5, true]]',
    "dict": '{"b": 2, "a": [1], "c": {"x": null}}',
    "empty-dict": "{}",
    "unicode": '"h\\u00e9 \u4e16\u754c"',
    "raw unicode": "h\u00e9 \u4e16\u754c",
    "emoji": '"\U0001f600"',
    "with space": "a b  c",
    "with_quote": 'it\'s "so"',
    "with\nnewline": "one\ntwo",
    "dollar": "$HOME `id` \\ ; &",
    "dash": "-1",
    "UPPER": "1",
    "a": "1",
    "B": '"x"',
    "\u00e9": "2",
    "dotted.name": "3",
    "almost json": "{'a': 1}",
    "spaces": " 12 ",
    "_tuning_objective_metric": "validation:accuracy",
    "sagemaker_container_log_level": "20",
    "sagemaker_job_name": '"digits-1"',
    "sagemaker_region": '"eu-west-1"',
    "sagemaker_custom": '{"kept": "for the framework"}',
    "sagemaker_mpi_enabled": "false",
}
CHANNELS = {
    "train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"},
    "Test-2.b": {"ContentType": "text/csv", "RecordWrapperType": "None"},
}
SETUP_PY = """
from setuptools import setup
setup(name="probe-package", version="1.0", py_modules=["train", "extra"])
"""
TINY_SETUP_PY = """
from setuptools import setup
setup(name="tiny", version="1.0", py_modules=["tiny"])
"""


def script(text: str) -> Job:
    return Job(files={"train.py": text})


# What comes out must be the same: exit code, failure and success files, arguments, variables.
SAME = {
    "no hyperparameters": Job(),
    "hyperparameters of all kinds": Job(hyperparameters=ALL_KINDS),
    "channels": Job(channels=CHANNELS),
    "two instance groups": Job(resource_config=TWO_GROUPS, channels=CHANNELS),
    "distributed over a group": Job(
        resource_config=TWO_GROUPS, hyperparameters={"sagemaker_torch_distributed_enabled": "true"}
    ),
    "distributed over named groups": Job(
        resource_config=TWO_GROUPS,
        hyperparameters={"sagemaker_distribution_instance_groups": '["head", "workers"]'},
    ),
    "the least resource configuration": Job(resource_config=BARE_CONFIG),
    "platform variables": Job(
        variables={
            "TRAINING_JOB_NAME": "digits-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "GREETING": "h\u00e9llo",
            "SM_HP_MP_PARAMETERS": '{"partitions": 2}',
        }
    ),
    "the program named by a variable": Job(
        files={"other.py": PROBE}, variables={"SAGEMAKER_PROGRAM": "other.py"}
    ),
    "a quiet log": Job(hyperparameters={"sagemaker_container_log_level": "40"}),
    "a script in a folder": Job(files={"bin/run.it.py": PROBE}, program="bin/run.it.py"),
    "a shell script": Job(
        files={"train.sh": SHELL_PROBE, "probe.py": PROBE},
        program="train.sh",
        hyperparameters=ALL_KINDS,
    ),
    "a program without extension": Job(
        files={"train": SHELL_PROBE, "probe.py": PROBE}, program="train"
    ),
    "a shell script that fails": Job(files={"train.sh": "exit 4\n"}, program="train.sh"),
    "a shell script that is killed": Job(
        files={"train.sh": "#!/bin/sh\nkill -9 $$\n"}, program="train.sh"
    ),
    "a shell script that runs out of memory": Job(
        files={"train.sh": "exit 137\n"}, program="train.sh"
    ),
    "an exit code": script("raise SystemExit(3)"),
    "an exit text": script("raise SystemExit('no data')"),
    "an exception": script("print('before')\nraise ValueError('bad value \u00e9')"),
    "a signal": script("import os; os.kill(os.getpid(), 11)"),
    "a syntax error": script("def"),
    "no such script": Job(program="absent.py"),
    "no such shell script": Job(program="absent.sh"),
    "a failure file of its own": script(
        "import os\n"
        "open(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('my own words')\n"
        "raise SystemExit(2)"
    ),
    "requirements that are met": Job(files={"train.py": PROBE, "requirements.txt": "pip\n"}),
    "requirements that cannot be met": Job(
        files={"train.py": PROBE, "requirements.txt": "./absent-1.0-py3-none-any.whl\n"}
    ),
    "requirements of a shell script": Job(
        files={"train.sh": SHELL_PROBE, "probe.py": PROBE, "requirements.txt": "./absent.whl\n"},
        program="train.sh",
    ),
    "requirements that are in the source code": Job(
        files={
            "train.py": "import tiny\n" + PROBE,
            "requirements.txt": "./library\n",
            "library/setup.py": TINY_SETUP_PY,
            "library/tiny.py": "",
        }
    ),
    "a package": Job(
        files={"train.py": "import extra\n" + PROBE, "extra.py": "", "setup.py": SETUP_PY},
        hyperparameters={"n": "3"},
    ),
    "a package that cannot be installed": Job(
        files={"train.py": PROBE, "setup.py": "raise SystemExit('no')"}
    ),
    "a hyperparameter that no argument can hold": Job(hyperparameters={"x": '"a\\u0000b"'}),
    "a hyperparameter that no variable can hold": Job(hyperparameters={"a=b": "1"}),
    "a log level that is none": Job(hyperparameters={"sagemaker_container_log_level": '"high"'}),
    "no hosts": Job(resource_config={"current_host": "algo-1"}),
    "an archive that leads outside": Job(
        members=[
            file_member("../above.py", "####"),
            file_member("/absolute.py", "####"),
            file_member("a/../../b.py", "####"),
            file_member("./c/./d.py", "####"),
            link_member("link-out", "../.."),
            link_member("link-out/through.py", "train.py"),
            link_member("absolute-link", "/etc/passwd"),
            link_member("link-in.py", "train.py"),
            link_member("hard-in.py", "train.py", tarfile.LNKTYPE),
            link_member("pipe", "", tarfile.FIFOTYPE),
            link_member("device", "", tarfile.CHRTYPE),
        ]
    ),
}
# The toolkit says it in other words: only how it ends must be the same.
SAME_END = {
    "no program": Job(program=None),
    "an empty program": Job(program=""),
    "a program above the code": Job(program="../train.py"),
    "a program elsewhere": Job(program="/bin/true"),
    "a program that is an option": Job(program="-c"),
    "a program with a space": Job(files={"my train.py": PROBE}, program="my train.py"),
    "a program that is a number": Job(program=None, hyperparameters={"sagemaker_program": "12"}),
}
