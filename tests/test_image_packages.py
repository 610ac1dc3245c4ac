"""What scripts import of the image's own library, where they train as well as where they serve."""

from training_folder import Job, run_job

# As scripts do that train and serve: they import more than they use.
IMPORTS = """
from sagemaker_containers.beta.framework import (
    content_types, encoders, env, modules, transformer, worker)
"""


def test_a_script_that_trains_imports_it_and_finds_its_folders(tmp_path):
    script = IMPORTS + "import os\nassert env.model_dir == os.environ['SM_MODEL_DIR']\n"
    outcome = run_job(Job(files={"train.py": script}), tmp_path / "ml")
    assert outcome.succeeded, outcome.log


def test_the_codes_own_modules_come_before_it(tmp_path):
    files = {
        "train.py": "import sagemaker_containers\nassert sagemaker_containers.mine\n",
        "sagemaker_containers.py": "mine = True",
    }
    outcome = run_job(Job(files=files), tmp_path / "ml")
    assert outcome.succeeded, outcome.log
