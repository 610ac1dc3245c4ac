"""The train contract of PyTorch's and Hugging Face's images, by scripts that need no torch.

Expectations are observed on sagemaker-training 5.1.4 and sagemaker-pytorch-training 3.0.0, unless
they say otherwise; tests/contract compares the two.
"""

import errno
import re
import sys
from importlib.metadata import version

import pytest
from pytorch_training_cases import LOCAL_HOST, PYTORCH_SAME, TORCHRUN_SAME_END
from running_container import Running
from training_cases import SAME
from training_folder import TRAIN_HUGGING_FACE, TRAIN_PYTORCH, Job, run_job


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "ml"


def test_the_failure_says_what_the_script_wrote_from_the_first_error_on(folder):
    outcome = run_job(PYTORCH_SAME["chained exceptions"], folder, TRAIN_PYTORCH)
    assert (outcome.exit_code, outcome.succeeded) == (1, False)
    head, *message, command = outcome.failure.partition("\nErrorMessage ")[2].splitlines()
    assert head == "\"KeyError: 'absent'"
    assert " The above exception was the direct cause of the following exception" in message
    assert re.fullmatch(r'Command "\S+ -- train.py"', command)
    assert outcome.failure.startswith("ExecuteUserScriptError:\nExitCode 1\n")


def test_an_exit_code_without_an_error_has_an_empty_message(folder):
    outcome = run_job(PYTORCH_SAME["an exit code without an error"], folder, TRAIN_PYTORCH)
    assert '\nExitCode 5\nErrorMessage ""\n' in outcome.failure


def test_all_output_is_in_the_log_whatever_is_kept_of_it(folder):
    log = run_job(PYTORCH_SAME["chained exceptions"], folder, TRAIN_PYTORCH).log
    assert log.index("\nbefore\n") < log.index("\nTraceback (most recent call last):\n  File ")
    assert "    raise RuntimeError(" in log


def test_a_hung_up_gloo_is_forgiven(folder):
    outcome = run_job(PYTORCH_SAME["a hung up gloo"], folder, TRAIN_PYTORCH)
    assert (outcome.exit_code, outcome.failure, outcome.succeeded) == (0, None, True)
    assert "WARNING  Known exception: ExecuteUserScriptError" in outcome.log


def test_a_script_that_launches_its_own_processes_is_not_listened_to(folder):
    outcome = run_job(PYTORCH_SAME["a launcher of its own"], folder, TRAIN_PYTORCH)
    assert 'ErrorMessage ""' in outcome.failure


def test_a_command_that_cannot_be_started_gives_the_systems_error(folder):
    outcome = run_job(PYTORCH_SAME["an argument that is too long"], folder, TRAIN_PYTORCH)
    assert outcome.exit_code == errno.E2BIG
    assert outcome.failure.startswith("Framework Error: ")


def test_script_mode_runs_shell_scripts(folder):
    outcome = run_job(SAME["a shell script"], folder, TRAIN_HUGGING_FACE)
    assert outcome.succeeded, outcome.log
    assert outcome.variables["SM_FRAMEWORK_MODULE"] == "sagemaker_pytorch_container.training:main"


def test_the_variables_for_distributed_training_are_set_on_one_host_too(folder):
    job = Job(resource_config=LOCAL_HOST, variables={"MASTER_PORT": "1", "NCCL_DEBUG": "INFO"})
    variables = run_job(job, folder, TRAIN_PYTORCH).variables
    assert (variables["MASTER_ADDR"], variables["NCCL_DEBUG"]) == ("localhost", "WARN")
    assert variables["NCCL_IB_DISABLE"] == "1"
    # Differs from AWS: the port is free, and so are the interfaces of this machine.
    assert int(variables["MASTER_PORT"]) > 1024
    assert {variables["NCCL_SOCKET_IFNAME"], variables["GLOO_SOCKET_IFNAME"]} <= {"lo", "lo0"}


def test_scikit_learns_image_knows_nothing_of_that(folder):
    assert "MASTER_ADDR" not in run_job(Job(), folder).variables


@pytest.mark.parametrize("name", ["a shell script under torchrun", "a launcher that is not there"])
def test_what_cannot_be_launched_is_refused_by_name(name, folder):
    outcome = run_job(TORCHRUN_SAME_END[name], folder, TRAIN_PYTORCH)
    assert outcome.exit_code == 1
    assert "torch_distributed" in outcome.failure
    assert "Framework Error" not in outcome.failure


def test_the_log_says_which_libraries_run_and_on_what(folder):
    log = run_job(Job(), folder, TRAIN_HUGGING_FACE).log
    for library, series in (("torch", "2.5"), ("transformers", "4.49")):
        assert f"{library} {version(library)} runs here, on Python {sys.version.split()[0]}" in log
        assert f" holds {library} {series}: on AWS" in log
    assert "The image is made for GPUs." in log


def test_a_stop_reaches_a_script_that_is_listened_to_once(tmp_path):
    source = """
import signal, sys, time
def save(number, frame):
    print("saving", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("begun", flush=True); time.sleep(600)
"""
    Job(files={"train.py": source}).make(tmp_path / "opt" / "ml")
    container = Running(tmp_path, TRAIN_PYTORCH)
    container.wait_for_line("begun")
    assert container.stop(grace_s=60) == 0
    assert container.lines.count("saving") == 1


TRAINER = """
import os, torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
sizes = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
model = BertForSequenceClassification(BertConfig(vocab_size=9, **sizes))
rows = [{"input_ids": torch.tensor([1, 2]), "labels": torch.tensor(n % 2)} for n in range(4)]
arguments = TrainingArguments("checkpoints", num_train_epochs=1, use_cpu=True, report_to=[])
trainer = Trainer(model=model, args=arguments, train_dataset=rows)
trainer.train()
trainer.save_model(os.environ["SM_MODEL_DIR"])
"""


@pytest.mark.slow
def test_hugging_faces_trainer_trains(folder):
    outcome = run_job(Job(files={"train.py": TRAINER}), folder, TRAIN_HUGGING_FACE)
    assert outcome.succeeded, outcome.log
    assert (folder / "model" / "config.json").is_file()
