"""The train contract: what a container does with a job. Each expectation is observed on
sagemaker-training 5.1.4, unless it says otherwise; tests/contract compares the two."""

import base64
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from roles import Role, allow
from running_container import PYTHON, Running, needs_namespaces
from training_cases import ALL_KINDS, CHANNELS, SAME, SAME_END, TWO_GROUPS
from training_folder import (
    PROBE,
    TRAIN,
    Job,
    file_member,
    link_member,
    run_command,
    run_job,
    source_archive,
)

from maze_helpers.local_cloud.engine.base_environment import base_environment


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "ml"


def wheel(name: str, version: str, source: str) -> bytes:
    """Return a package of one module, as pip installs it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record.append(f"{path},sha256={digest.decode()},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return buffer.getvalue()


def installed() -> list[str]:
    """Return what is in the environment that runs this test."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    return sorted(name for name in os.listdir(packages) if name != "__pycache__")


# Arguments and variables


def test_hyperparameters_become_sorted_arguments(folder):
    arguments = run_job(Job(hyperparameters=ALL_KINDS), folder).probe["arguments"]
    options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    assert arguments[0] == "train.py"
    names = [option.lstrip("-") for option in arguments[1::2]]
    assert names == sorted(names)
    assert options == {
        "--n_estimators": "100",
        "--rate": "0.1",
        "--tiny": "1e-30",
        "--huge": "123456789012345678901234567890",
        "--infinite": "inf",
        "--not-a-number": "nan",
        "--yes": "True",
        "--no": "False",
        "--nothing": "",
        "--text": "plain text",
        "--json-text": "quoted",
        "--number-text": "12",
        "--empty": "",
        "--json-empty": "",
        "--list": "[1, 'two', None, [3.5, True]]",
        "--dict": "a=[1],b=2,c={'x': None}",
        "--empty-dict": "",
        "--unicode": "h\u00e9 \u4e16\u754c",
        "--raw unicode": "h\u00e9 \u4e16\u754c",
        "--emoji": "\U0001f600",
        "--with space": "a b  c",
        "--with_quote": 'it\'s "so"',
        "--with\nnewline": "one\ntwo",
        "--dollar": "$HOME `id` \\ ; &",
        "--dash": "-1",
        "--UPPER": "1",
        "-a": "1",
        "-B": "x",
        "-\u00e9": "2",
        "--dotted.name": "3",
        "--almost json": "{'a': 1}",
        "--spaces": "12",
    }


def test_a_shell_script_gets_the_same_arguments(tmp_path):
    by_shell = run_job(SAME["a shell script"], tmp_path / "shell").probe["arguments"][1:]
    by_python = run_job(Job(hyperparameters=ALL_KINDS), tmp_path / "python").probe["arguments"]
    assert by_shell == by_python[1:]


def test_the_variables_say_all_that_the_job_is(folder):
    job = Job(hyperparameters={"n": "3", "rate": "0.1", "x": "null"}, channels=CHANNELS)
    variables = run_job(job, folder).variables
    # SM_TRAINING_ENV has its own test; SM_INPUT and the like are the image's (documented).
    assert {k: v for k, v in variables.items() if re.match("SM_(?!TRAINING_ENV)", k)} == {
        "SM_HOSTS": '["algo-1"]',
        "SM_NETWORK_INTERFACE_NAME": "eth0",
        "SM_HPS": '{"n":3,"rate":0.1,"x":null}',
        "SM_USER_ENTRY_POINT": "train.py",
        "SM_FRAMEWORK_PARAMS": "{}",
        "SM_RESOURCE_CONFIG": '{"current_group_name":"homogeneousCluster","current_host":"algo-1",'
        '"current_instance_type":"ml.m5.large","hosts":["algo-1"],"instance_groups":'
        '[{"hosts":["algo-1"],"instance_group_name":"homogeneousCluster","instance_type":'
        '"ml.m5.large"}],"network_interface_name":"eth0"}',
        "SM_INPUT_DATA_CONFIG": '{"Test-2.b":{"ContentType":"text/csv","RecordWrapperType":"None"}'
        ',"train":{"S3DistributionType":"FullyReplicated","TrainingInputMode":"File"}}',
        "SM_OUTPUT_DATA_DIR": f"{folder}/output/data",
        "SM_CHANNELS": '["Test-2.b","train"]',
        "SM_CURRENT_HOST": "algo-1",
        "SM_CURRENT_INSTANCE_TYPE": "ml.m5.large",
        "SM_CURRENT_INSTANCE_GROUP": "homogeneousCluster",
        "SM_CURRENT_INSTANCE_GROUP_HOSTS": '["algo-1"]',
        "SM_INSTANCE_GROUPS": '["homogeneousCluster"]',
        "SM_INSTANCE_GROUPS_DICT": '{"homogeneousCluster":{"hosts":["algo-1"],'
        '"instance_group_name":"homogeneousCluster","instance_type":"ml.m5.large"}}',
        "SM_DISTRIBUTION_INSTANCE_GROUPS": "[]",
        "SM_IS_HETERO": "false",
        "SM_MODULE_NAME": "train",
        "SM_LOG_LEVEL": "20",
        "SM_FRAMEWORK_MODULE": "sagemaker_sklearn_container.training:main",
        "SM_INPUT_DIR": f"{folder}/input",
        "SM_INPUT_CONFIG_DIR": f"{folder}/input/config",
        "SM_OUTPUT_DIR": f"{folder}/output",
        "SM_NUM_CPUS": str(os.cpu_count()),
        "SM_NUM_GPUS": variables["SM_NUM_GPUS"],
        "SM_NUM_NEURONS": "0",
        "SM_MODEL_DIR": f"{folder}/model",
        "SM_MODULE_DIR": f"{folder}/sourcedir.tar.gz",
        "SM_USER_ARGS": '["-n","3","--rate","0.1","-x",""]',
        "SM_OUTPUT_INTERMEDIATE_DIR": f"{folder}/output/intermediate",
        "SM_CHANNEL_TRAIN": f"{folder}/input/data/train",
        "SM_CHANNEL_TEST-2.B": f"{folder}/input/data/Test-2.b",
        "SM_HP_N": "3",
        "SM_HP_RATE": "0.1",
        "SM_HP_X": "",
        "SM_INPUT": f"{folder}/input",
        "SM_INPUT_TRAINING_CONFIG_FILE": f"{folder}/input/config/hyperparameters.json",
        "SM_INPUT_DATA_CONFIG_FILE": f"{folder}/input/config/inputdataconfig.json",
        "SM_CHECKPOINT_CONFIG_FILE": f"{folder}/input/config/checkpointconfig.json",
    }


def test_the_training_env_is_the_whole_in_one_variable(folder):
    text = run_job(Job(variables={"TRAINING_JOB_NAME": "digits-1"}), folder).variables
    known = json.loads(text["SM_TRAINING_ENV"])
    assert list(known) == sorted(known)
    assert (known["job_name"], known["is_master"], known["topology"]) == ("digits-1", True, [])
    assert known["master_hostname"] == known["current_host"] == "algo-1"
    assert len(known) == 37


def test_each_host_of_a_group_knows_its_place(folder):
    settings = {"sagemaker_torch_distributed_enabled": "true"}
    job = Job(resource_config=TWO_GROUPS, hyperparameters=settings)
    variables = run_job(job, folder).variables
    known = json.loads(variables["SM_TRAINING_ENV"])
    assert known["distribution_hosts"] == ["algo-2", "algo-3"]
    assert known["is_master"] and known["is_hetero"]
    assert variables["SM_CURRENT_INSTANCE_GROUP"] == "workers"
    assert json.loads(variables["SM_FRAMEWORK_PARAMS"]) == {
        "sagemaker_torch_distributed_enabled": True
    }


def test_the_script_gets_what_the_job_and_the_platform_set(folder):
    given = {"GREETING": "h\u00e9llo", "TRAINING_JOB_NAME": "j", "PYTHONHASHSEED": "7"}
    settings = {"sagemaker_job_name": '"digits-1"', "sagemaker_region": '"eu-west-1"'}
    variables = run_job(Job(variables=given, hyperparameters=settings), folder).variables
    expected = {
        **given,
        "CURRENT_HOST": "algo-1",
        "SAGEMAKER_JOB_NAME": "digits-1",
        "SAGEMAKER_REGION": "eu-west-1",
        "SAGEMAKER_SKLEARN_VERSION": "1.2-1",
    }
    assert {name: variables[name] for name in expected} == expected


# Code


def test_the_script_runs_in_its_folder_beside_its_modules(folder):
    files = {
        "train.py": "import helper, package.part; print(helper.WORD, package.part.WORD)\n" + PROBE,
        "helper.py": "WORD = 'beside'",
        "package/__init__.py": "",
        "package/part.py": "WORD = 'below'",
    }
    outcome = run_job(Job(files=files), folder)
    assert "beside below" in outcome.log
    assert outcome.probe["cwd"] == str(folder / "code")


def test_a_script_in_a_folder_finds_the_modules_at_the_top(folder):
    files = {"bin/train.py": "import helper\n" + PROBE, "helper.py": ""}
    assert run_job(Job(files=files, program="bin/train.py"), folder).succeeded


def test_code_that_is_in_place_is_used(folder):
    job = Job(files={"train.py": "raise SystemExit('from the archive')"})
    job.make(folder)
    (folder / "code").mkdir()
    (folder / "code" / "train.py").write_text("print('in place')")
    assert "in place" in run_command(job, folder).log


@pytest.mark.parametrize("kind", ["folder", "script"])
def test_the_code_may_be_a_folder_or_a_script_of_the_container(folder, tmp_path, kind):
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.py").write_text(PROBE)
    path = source if kind == "folder" else source / "train.py"
    settings = {"sagemaker_submit_directory": json.dumps(str(path))}
    assert run_job(Job(hyperparameters=settings), folder).succeeded


def test_an_archive_never_unpacks_outside_its_folder(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("as it was")
    members = [
        *SAME["an archive that leads outside"].members,
        link_member("out", str(outside)),
        file_member("out/kept", "####"),
        file_member("out/new", "####"),
        file_member(str(outside / "new"), "####"),
    ]
    before = sorted(os.listdir(tmp_path))
    outcome = run_job(Job(members=members), folder)
    assert outcome.succeeded
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "ml", "home-of-ml"])
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"kept": "as it was"}
    assert all(folder in path.resolve().parents for path in (folder / "code").rglob("*"))
    assert "left out: it links to outside" in outcome.log


def test_the_archive_comes_from_s3_by_the_containers_credentials(folder, local_cloud):
    key = "a b/\u00e9 +%~/sourcedir.tar.gz"
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket="sources")
    s3.put_object(Bucket="sources", Key=key, Body=source_archive({"train.py": PROBE}))
    outcome = run_job(s3_job(local_cloud, f"s3://sources/{key}"), folder)
    assert outcome.succeeded, outcome.log
    assert outcome.variables["SM_MODULE_DIR"] == f"s3://sources/{key}"


def test_an_archive_that_is_not_in_s3_is_named(folder, local_cloud):
    local_cloud.client("s3").create_bucket(Bucket="empty")
    outcome = run_job(s3_job(local_cloud, "s3://empty/absent.tar.gz"), folder)
    assert outcome.exit_code == 1
    assert "s3://empty/absent.tar.gz: 404 NoSuchKey" in outcome.failure


def test_credentials_that_are_not_the_clouds_get_nothing(folder, local_cloud):
    job = s3_job(local_cloud, "s3://sources/x", AWS_SECRET_ACCESS_KEY="guessed")
    assert "403 SignatureDoesNotMatch" in run_job(job, folder).failure


def s3_job(local_cloud, uri: str, **variables: str) -> Job:
    """Return a job with its code in S3, and credentials of its role, as a container has them."""
    lent = Role(local_cloud, allow("s3:GetObject", "s3:ListBucket")).assume()
    own = {
        "AWS_ACCESS_KEY_ID": lent["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": lent["SecretAccessKey"],
        "AWS_SESSION_TOKEN": lent["SessionToken"],
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": local_cloud.endpoint_url,
    }
    settings = {"sagemaker_submit_directory": json.dumps(uri)}
    return Job(hyperparameters=settings, variables={**own, **variables})


# Ends


def test_success_is_written_down(folder):
    outcome = run_job(Job(), folder)
    assert (outcome.exit_code, outcome.failure, outcome.succeeded) == (0, None, True)
    assert outcome.log.endswith("Reporting training SUCCESS\n")


def test_an_exit_code_of_the_script_is_a_failure_with_code_1(folder):
    outcome = run_job(SAME["an exit code"], folder)
    assert (outcome.exit_code, outcome.succeeded) == (1, False)
    pattern = r'ExecuteUserScriptError:\nExitCode 3\nErrorMessage ""\nCommand "\S+ -- train.py"'
    assert re.fullmatch(pattern, outcome.failure)
    assert "ERROR    Reporting training FAILURE\n" in outcome.log
    assert outcome.log.endswith("ERROR    Encountered exit_code 1\n")


@pytest.mark.parametrize("name,code", [("a signal", "-11"), ("no such script", "2")])
def test_however_the_script_fails_the_failure_says_how(name, code, folder):
    assert f"\nExitCode {code}\n" in run_job(SAME[name], folder).failure


def test_the_traceback_of_the_script_is_in_the_log(folder):
    log = run_job(SAME["an exception"], folder).log
    assert log.index("before") < log.index("ValueError: bad value \u00e9")
    assert log.index("ValueError") < log.index("Reporting training FAILURE")


def test_a_failure_file_of_the_scripts_own_is_kept(folder):
    assert run_job(SAME["a failure file of its own"], folder).failure == "my own words"


def test_memory_that_ran_out_is_named(folder):
    failure = run_job(SAME["a shell script that runs out of memory"], folder).failure
    assert 'ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"' in failure


@pytest.mark.parametrize("name", SAME_END)
def test_an_entry_point_that_cannot_be_one_is_refused(name, folder):
    outcome = run_job(SAME_END[name], folder)
    assert outcome.exit_code == 1
    assert "entry point" in outcome.failure
    assert "Traceback" not in outcome.failure or name == "a program that is a number"


def test_a_job_without_configuration_fails_with_the_files_name(tmp_path):
    (tmp_path / "output").mkdir()
    outcome = run_command(Job(), tmp_path)
    # The toolkit exits with the error's number: 2, no such file.
    assert outcome.exit_code == 2
    assert outcome.failure.startswith("Framework Error: \nTraceback")
    assert "resourceconfig.json" in outcome.failure


# The log


def test_the_log_shows_environment_and_command(folder):
    log = run_job(Job(hyperparameters={"n": "3", "text": "not json"}), folder).log
    stamp = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} sagemaker-training-toolkit INFO     "
    assert re.search(stamp + "Invoking user script\n\nTraining Env:\n\n{\n", log, re.MULTILINE)
    assert '\n    "hyperparameters": {\n        "n": 3,\n' in log
    assert "\n\nEnvironment variables:\n\nSM_HOSTS=" in log
    command = (
        r"\n\nInvoking script with the following command:\n\n\S+ -- train.py -n 3 --text not json\n"
    )
    assert re.search(command, log)


def test_a_job_can_ask_for_a_quiet_log(folder):
    log = run_job(SAME["a quiet log"], folder).log
    assert " INFO " not in log and " WARNING " not in log


def test_the_log_says_which_version_runs_and_that_it_is_not_the_images(folder):
    log = run_job(Job(), folder).log
    assert (
        f"scikit-learn {version('scikit-learn')} runs here, on Python {sys.version.split()[0]}"
        in log
    )
    assert "WARNING  The image 1.2-1 holds scikit-learn 1.2: " in log


def test_there_is_no_warning_where_the_versions_agree(folder):
    series = ".".join(version("scikit-learn").split(".")[:2])
    log = run_job(Job(), folder, [*TRAIN[:-1], f"{series}-1"]).log
    assert f"scikit-learn {version('scikit-learn')} runs here" in log
    assert "WARNING" not in log


# Requirements


def test_requirements_are_for_the_job_alone(folder, tmp_path):
    (tmp_path / "tiny-1.0-py3-none-any.whl").write_bytes(wheel("tiny", "1.0", "WORD = 'found'"))
    files = {
        "train.py": "import tiny; print('it is', tiny.WORD)",
        "requirements.txt": f"{tmp_path}/tiny-1.0-py3-none-any.whl\n",
    }
    before = installed()
    outcome = run_job(Job(files=files), folder)
    assert "Successfully installed tiny-1.0" in outcome.log
    assert "it is found" in outcome.log
    assert installed() == before


def test_another_version_comes_before_the_one_below_and_leaves_it_alone(folder, tmp_path):
    path = tmp_path / "joblib-99.0-py3-none-any.whl"
    path.write_bytes(wheel("joblib", "99.0", "__version__ = '99.0'"))
    files = {
        "train.py": "import joblib; print('version', joblib.__version__)",
        "requirements.txt": f"{path}\n",
    }
    before = installed()
    outcome = run_job(Job(files=files), folder)
    assert "version 99.0" in outcome.log
    assert installed() == before
    assert version("joblib") != "99.0"


@pytest.mark.parametrize("pip", ["[sys.executable, '-m', 'pip']", "['pip']"])
def test_what_the_script_installs_itself_is_for_the_job_alone_too(pip, folder, tmp_path):
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    path.write_bytes(wheel("tiny", "1.0", "WORD = 'found'"))
    source = f"""
import subprocess, sys
subprocess.run([*{pip}, "install", {str(path)!r}], check=True)
import tiny; print("it is", tiny.WORD)
"""
    before = installed()
    outcome = run_job(Job(files={"train.py": source}), folder)
    assert "it is found" in outcome.log, outcome.log
    assert installed() == before


def test_requirements_that_are_met_need_no_network(folder):
    files = {"train.py": PROBE, "requirements.txt": "numpy\nscikit-learn>=0.20\n"}
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": ""}
    outcome = run_job(Job(files=files, variables=nowhere), folder)
    assert outcome.succeeded, outcome.log
    assert "Requirement already satisfied: numpy" in outcome.log


def test_requirements_that_cannot_be_met_end_the_job_before_its_script(folder):
    outcome = run_job(SAME["requirements that cannot be met"], folder)
    assert outcome.exit_code == 1
    assert re.fullmatch(
        r"InstallRequirementsError:\nExitCode 1\nErrorMessage \"\"\n"
        r"Command \"\S+ -m pip install -r requirements.txt\"",
        outcome.failure,
    )
    assert "absent-1.0-py3-none-any.whl" in outcome.log
    assert "Invoking user script" not in outcome.log


# In a container


def train_container(tmp_path: Path, source: str, isolated: bool = True) -> Running:
    Job(files={}).make(tmp_path / "opt" / "ml")
    (tmp_path / "opt" / "ml" / "code").mkdir()
    (tmp_path / "opt" / "ml" / "code" / "train.py").write_text(source)
    home = tmp_path / "home"
    home.mkdir()
    return Running(tmp_path, TRAIN, isolated, **base_environment(home))


@needs_namespaces
def test_in_a_container_the_paths_are_those_of_sagemaker(tmp_path):
    container = train_container(tmp_path, PROBE + "\nopen('/opt/ml/model/model.txt', 'w')")
    assert container.end() == 0, container.lines
    probe = json.loads((tmp_path / "opt" / "ml" / "model" / "probe.json").read_text())
    assert probe["cwd"] == "/opt/ml/code"
    assert probe["variables"]["SM_MODEL_DIR"] == "/opt/ml/model"
    assert (tmp_path / "opt" / "ml" / "model" / "model.txt").exists()


def test_without_namespaces_the_variables_lead_to_the_folder(tmp_path):
    container = train_container(tmp_path, PROBE + "\nopen('/opt/ml/model/m', 'w')", isolated=False)
    container.end()
    probe = json.loads((tmp_path / "opt" / "ml" / "model" / "probe.json").read_text())
    assert probe["variables"]["SM_MODEL_DIR"] == str(tmp_path / "opt" / "ml" / "model")
    if not os.path.isdir("/opt/ml/model"):
        assert any(line.startswith("Hint: this machine") for line in container.lines)


def test_what_the_script_prints_is_in_the_log_at_once(tmp_path):
    container = train_container(tmp_path, "import time; print('begun'); time.sleep(600)")
    container.wait_for_line("begun")
    container.kill()
    container.end()


def test_a_stop_reaches_the_script_once_and_it_may_finish_well(tmp_path):
    source = """
import os, signal, sys, time
def save(*_):
    os.write(1, b"saving\\n")
    with open(os.environ["SM_MODEL_DIR"] + "/checkpoint", "w"): pass
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("begun"); time.sleep(600)
"""
    container = train_container(tmp_path, source)
    container.wait_for_line("begun")
    assert container.stop(grace_s=60) == 0
    assert container.lines.count("saving") == 1
    assert (tmp_path / "opt" / "ml" / "model" / "checkpoint").exists()


def test_a_script_that_the_stop_ends_is_a_failure_of_signal_15(tmp_path):
    container = train_container(tmp_path, "import time; print('begun'); time.sleep(600)")
    container.wait_for_line("begun")
    assert container.stop(grace_s=60) == 1
    assert "ExitCode -15" in (tmp_path / "opt" / "ml" / "output" / "failure").read_text()


def test_a_home_that_the_job_chooses_is_left_as_it_is(folder, tmp_path):
    home = tmp_path / "chosen"
    home.mkdir()
    variables = {"HOME": str(home), "MAZE_CONTAINER_HOME": str(tmp_path)}
    assert run_job(Job(variables=variables), folder).succeeded
    assert list(home.iterdir()) == []


def test_the_train_command_alone_passes_the_stop_on(folder):
    job = Job(files={"train.py": "import time; print('begun', flush=True); time.sleep(600)"})
    job.make(folder)
    own = {"SAGEMAKER_BASE_DIR": str(folder), "HOME": str(folder)}
    environment = {**own, "PATH": os.environ["PATH"]}
    with subprocess.Popen(TRAIN, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 1


def test_the_container_code_needs_nothing_but_the_standard_library():
    source = "import sys; import maze_helpers.local_cloud.container.train, json; "
    source += "print(json.dumps(sorted(n for n in sys.modules if n.startswith('maze_helpers.'))))"
    run = subprocess.run([PYTHON, "-S", "-c", source], capture_output=True, text=True, check=True)
    assert all(".container" in n or n == "maze_helpers.local_cloud" for n in json.loads(run.stdout))
