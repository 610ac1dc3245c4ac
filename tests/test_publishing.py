import dataclasses
import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from maze_helpers import progress, publishing
from maze_helpers.board import board, gather
from maze_helpers.cli import main
from maze_helpers.publishing import PublishingError
from maze_helpers.running import running
from maze_helpers.tags import TAGS
from maze_helpers.tasks import TASKS


@pytest.fixture
def known():
    found = progress.Progress("2026-03-02T13:00:00+00:00")
    one = found.of("chapter_1/task_1")
    one.verdict, one.done_at, one.checks = "Done", "2026-03-02T13:20:00+00:00", 2
    one.sentence = "train.py of /home/ada saves the model."
    one.hints, one.answers = {"step 1": 2, "question 1": 1}, ["question 1"]
    one.notes = {"question 1": "Account 123456789012 is ours."}
    return found


@pytest.fixture
def session(maker):
    return maker.session


@pytest.fixture
def what(known, session):
    return publishing.publication(known, "team blue", "local", session)


def test_what_is_published_comes_back(what, tmp_path, session):
    path = publishing.publish(what, str(tmp_path), session)
    ((name, body),) = gather(str(tmp_path))
    assert path == str(tmp_path / name) and name == "team-blue.maze.json"
    assert publishing.published(body.decode()) == what


def test_it_holds_counts_and_none_of_a_learners_texts(what, tmp_path, session):
    text = Path(publishing.publish(what, str(tmp_path), session)).read_text()
    task = json.loads(text)["tasks"]["chapter_1/task_1"]
    assert (task["hints"], task["answers"], task["checks"]) == (3, 1, 2)
    for private in ("ada", "123456789012", "saves the model"):
        assert private not in text


def test_a_second_time_replaces_the_first_and_others_may_read_it(what, tmp_path, session):
    for _ in range(2):
        path = publishing.publish(what, str(tmp_path), session)
    assert [each.name for each in tmp_path.iterdir()] == ["team-blue.maze.json"]
    assert stat.S_IMODE(tmp_path.joinpath(path).stat().st_mode) == 0o644


@pytest.mark.parametrize("kind", ["folder", "prefix"])
def test_a_name_that_another_pair_has_taken_is_refused(what, tmp_path, session, kind):
    session.client("s3").create_bucket(Bucket="a-full-room")
    place = str(tmp_path) if kind == "folder" else "s3://a-full-room"
    publishing.publish(what, place, session)
    other = dataclasses.replace(what, started_at="2026-03-02T13:00:07+00:00")
    with pytest.raises(PublishingError, match="team-blue.maze.json is of a pair .* with --as"):
        publishing.publish(other, place, session)
    assert board(gather(place, session)).rows[0].name == "team blue"


def test_a_prefix_in_s3_is_a_place_as_well(what, session):
    session.client("s3").create_bucket(Bucket="the-room")
    place = publishing.publish(what, "s3://the-room/maze", session)
    assert place == "s3://the-room/maze/team-blue.maze.json"
    page = board(gather("s3://the-room/maze", session))
    assert [row.name for row in page.rows] == ["team blue"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-", "x" * 41])
def test_a_name_that_is_no_files_is_refused(known, session, name):
    with pytest.raises(PublishingError, match="cannot be the name of a file"):
        publishing.publication(known, name, "local", session)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/nowhere/at/all", "There is no folder /nowhere/at/all"),
        ("s3:///prefix", "names no bucket"),
        ("s3://there-is-no-such-bucket/x", "cannot be written to: .*NoSuchBucket"),
    ],
)
def test_a_place_that_is_none_is_one_sentence(what, session, place, words):
    with pytest.raises(PublishingError, match=words):
        publishing.publish(what, place, session)


def test_nothing_of_the_maze_runs_at_first(session):
    assert running(session) == []


@pytest.mark.slow
def test_an_endpoint_that_runs_is_published_with_its_price(maker, known):
    script = "def model_fn(model_dir):\n    return None\n"
    name = maker.create("maze-endpoint-published", script, tags=list(TAGS))
    (one,) = (each for each in running(maker.session) if each.name == name)
    assert (one.kind, one.instance, one.count, one.usd_per_hour) == (
        "endpoint",
        "ml.m5.large",
        1,
        0.115,
    )
    assert one in publishing.publication(known, "a", "local", maker.session).running


def test_the_commands_publish_and_make_the_page(local_cloud, tmp_path, monkeypatch):
    root, room = tmp_path / "mine", tmp_path / "room"
    (root / TASKS[0].name).mkdir(parents=True)
    room.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("MAZE_HOME", str(local_cloud.home))
    runner = CliRunner()
    told = runner.invoke(main, ["publish", str(room), "--as", "team blue"])
    assert told.exit_code == 0, told.output
    assert told.output == f"Published as {room}/team-blue.maze.json.\n"
    told = runner.invoke(main, ["board", str(room), "--out", str(tmp_path / "board.html")])
    assert told.output.endswith("board.html: 1 pairs, 0 files not read.\n")
    assert "team blue" in (tmp_path / "board.html").read_text()
