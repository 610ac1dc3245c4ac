"""The checks of endpoints look at real ones: as they come up, are called, and are deleted."""

import pytest
from checked_work import LOAD, as_on_aws, assert_is, check, forest, now
from endpoint_case import EndpointMaker
from roles import Role, allow
from training_job import local_session

from maze_helpers import notebooks
from maze_helpers.checks import Done, DoneDifferently, NotBegun, NotYet, OurFault, endpoints
from maze_helpers.checks.chapter_2 import batch, real_time, serverless
from maze_helpers.cleanup import delete_endpoint
from maze_helpers.tasks import find

SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
REAL, LESS = "maze-endpoint-1", "maze-serverless-1"
TWO_ROWS = "0," * 63 + "0\n" + "1," * 63 + "1"


class Story:
    """Somebody's way through tasks 1 and 2, and what the checks said at each point."""

    def __init__(self, cloud, session, folder) -> None:
        self.cloud, self.session, self.folder = cloud, session, folder
        with as_on_aws(cloud) as self.on_aws:
            pass
        self.since = now()
        self.said = {}

    def ask(self, point: str, *tasks: int, on_aws: bool = False) -> None:
        """Keep the verdicts on tasks; on_aws: also those of a session as one has on AWS."""
        for task in tasks:
            self.said[point, task] = check(task, self.session, self.since, self.folder)
            if on_aws:
                with as_on_aws(self.cloud):
                    verdict = check(task, self.on_aws, self.since, self.folder)
                self.said[f"{point}, on AWS", task] = verdict

    def write(self, script: str) -> None:
        """Write src/predict.py."""
        (self.folder / "src").mkdir(exist_ok=True)
        (self.folder / "src" / "predict.py").write_text(script)


@pytest.fixture(scope="module")
def said(local_cloud, tmp_path_factory):
    """The verdicts by point of the story and task."""
    with local_session(local_cloud) as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoints, "BEHIND_LOCALLY_S", 0.5)
        story = Story(local_cloud, session, tmp_path_factory.mktemp("task"))
        write_scripts(story)
        serve(story, EndpointMaker(session))
        yield story.said


def write_scripts(story: Story) -> None:
    story.ask("nothing", 1, 2, 3)
    story.write(LOAD.replace("return joblib", "raise NotImplementedError()  # joblib"))
    story.ask("a skeleton", 1)
    story.write("def model_fn(:")
    story.ask("no Python", 1)
    story.write("def load(model_dir):\n    return None\n")
    story.ask("no model_fn", 1)
    story.write(LOAD)
    story.ask("a script", 1)


def serve(story: Story, maker: EndpointMaker) -> None:
    model = {"model.joblib": forest()}
    environment = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    maker.create(REAL, LOAD, model, wait=False, environment=environment)
    maker.create(LESS, LOAD, model, wait=False, ServerlessConfig=SERVERLESS)
    for name in (REAL, LESS):
        maker.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)
    story.ask("in service", 1, 2, on_aws=True)
    call(story, 100)
    story.ask("left on", 2)
    delete_endpoint(maker.sagemaker, REAL)
    story.ask("deleted", 1, 2, on_aws=True)
    delete_endpoint(maker.sagemaker, LESS)
    story.ask("both deleted", 2)
    maker.sagemaker.delete_endpoint_config(EndpointConfigName=LESS)
    story.ask("and its configuration", 2)


def call(story: Story, count: int) -> None:
    runtime = story.session.client("sagemaker-runtime")
    for _ in range(count):
        runtime.invoke_endpoint(EndpointName=LESS, ContentType="text/csv", Body=TWO_ROWS)


BILLS = "bills 0.115 USD an hour on AWS"
SAID = [
    ("nothing", 1, NotBegun, ["no endpoint yet", "src/predict.py"], None),
    ("nothing", 2, NotBegun, ["no serverless endpoint yet", "ServerlessInferenceConfig"], None),
    ("nothing", 3, NotBegun, ["no batch transform job yet"], None),
    ("a skeleton", 1, NotBegun, ["begin with that"], None),
    ("no Python", 1, NotYet, ["src/predict.py does not parse"], real_time.WRITE_SCRIPT),
    ("no model_fn", 1, NotYet, ["no function model_fn"], real_time.WRITE_SCRIPT),
    ("a script", 1, NotYet, ["begins with maze-endpoint", "deploy()"], real_time.DEPLOY),
    ("in service", 1, Done, ["answers on 1 ml.m5.large", "97.", f"It {BILLS}"], None),
    ("in service", 2, NotYet, ["counted 1 call of", "100 at least"], serverless.FORK),
    ("left on", 2, NotYet, [f"{REAL} still runs and {BILLS}: delete it"], None),
    ("deleted", 1, Done, [f"{REAL} answered 2 calls, and is deleted"], None),
    ("deleted", 2, Done, ["1024 MB", "It bills nothing between calls"], None),
    ("both deleted", 2, Done, ["calls in 1024 MB, and is deleted"], None),
    ("and its configuration", 2, DoneDifferently, ["its memory can no longer be seen"], None),
]


@pytest.mark.parametrize(
    ("point", "task", "kind", "words", "step"), SAID, ids=[f"{s[0]}, task {s[1]}" for s in SAID]
)
def test_each_point_of_the_way_gets_its_verdict(said, point, task, kind, words, step):
    assert_is(said[point, task], kind, *words, step=step)


def test_a_session_as_on_aws_finds_the_same(said):
    there = [(point, task) for point, task in said if point.endswith(", on AWS")]
    assert there
    for point, task in there:
        here = said[point.removesuffix(", on AWS"), task]
        assert type(said[point, task]) is type(here), (point, task)


@pytest.mark.parametrize("task", [1, 2, 3])
def test_a_broken_check_does_not_blame_the_participant(task, tmp_path):
    assert_is(check(task, None, now(), tmp_path), OurFault, "was not judged")


@pytest.mark.parametrize("task", [1, 2, 3])
def test_an_account_that_may_not_look_is_told_which_right_it_lacks(task, local_cloud, tmp_path):
    lacking = "sagemaker:ListTransformJobs" if task == 3 else "sagemaker:ListEndpoints"
    with as_on_aws(local_cloud) as session:
        session.client = Role(local_cloud, allow("logs:DescribeLogGroups")).client
        assert_is(check(task, session, now(), tmp_path), NotYet, lacking)


# What the cell of each step is about.
STEPS = {
    1: {
        real_time.WRITE_SCRIPT: "def model_fn",
        real_time.MAKE_MODEL: "create_model(",
        real_time.DEPLOY: "model.deploy(",
        real_time.PREDICT: "predictor.predict(",
        real_time.DELETE: "delete_endpoint(",
    },
    2: {
        serverless.ORDER: "ServerlessInferenceConfig(",
        serverless.DEPLOY: "model.deploy(",
        serverless.FORK: "run_processes(",
        serverless.COUNT: "returned",
        serverless.OPEN_LOOP: "open_loop(",
    },
    3: {
        batch.UPLOAD: "def upload",
        batch.ORDER: "model.transformer(",
        batch.TRANSFORM_ALL: "transformer.transform(",
        batch.MEND: "mended",
        batch.FILTER: "output_filter",
    },
}


@pytest.mark.parametrize("task", STEPS)
def test_the_steps_of_a_check_are_those_of_its_notebook(task):
    cells = notebooks.steps(notebooks.read_notebook(find(f"chapter_2/task_{task}").solution))
    assert len(cells) == len(STEPS[task])
    for step, word in STEPS[task].items():
        assert word in cells[step - 1].source
