"""Chapter 2 serves the newest digits job whose model is still there, and trains one else."""

import subprocess
import sys

import pytest
from training_job import IMAGE, local_session, start_job, wait_for_job

from maze_helpers.session import Connection
from maze_helpers.trained import OWN_PREFIX, trained_job

BUCKET = "trained"
SAVE = "import os; open(os.path.join(os.environ['SM_MODEL_DIR'], 'model.joblib'), 'w').write('x')"


@pytest.fixture
def maze(new_cloud):
    """A connection to a new local cloud, in this process."""
    with local_session(new_cloud) as session:
        session.client("s3").create_bucket(Bucket=BUCKET)
        role = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"
        yield Connection("local", session.region_name, session, given_role=role)


def finish_job(maze: Connection, name: str, script: str = SAVE) -> None:
    algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File"}
    start_job(maze.boto_session, name, script, BUCKET, [], AlgorithmSpecification=algorithm)
    wait_for_job(maze.boto_session, name)


def test_the_newest_job_of_chapter_1_that_left_a_model_is_found(maze):
    finish_job(maze, "maze-task-3-1")
    finish_job(maze, "maze-task-4-1")
    finish_job(maze, "maze-task-4-2-without-a-model", "print('nothing saved')")
    finish_job(maze, "somebody-elses")
    finish_job(maze, "maze-intent-classifier")
    assert trained_job(maze) == "maze-task-4-1"


def test_a_job_whose_model_was_deleted_is_passed_over(maze):
    finish_job(maze, "maze-task-3-1")
    finish_job(maze, "maze-task-3-2")
    s3 = maze.boto_session.client("s3")
    [model] = s3.list_objects_v2(Bucket=BUCKET, Prefix="maze-task-3-2/output/")["Contents"]
    s3.delete_object(Bucket=BUCKET, Key=model["Key"])
    assert trained_job(maze) == "maze-task-3-1"


@pytest.mark.slow
def test_where_there_is_no_model_one_is_trained_once(new_cloud, tmp_path):
    code = (
        "from maze_helpers.session import connect; from maze_helpers.trained import trained_job; "
        "maze = connect('local'); print(trained_job(maze)); print(trained_job(maze))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=new_cloud.env,
        capture_output=True,
        text=True,
    )
    first, second = done.stdout.split()
    assert first == second
    assert first.startswith(f"{OWN_PREFIX}-")
