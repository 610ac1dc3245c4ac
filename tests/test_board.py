import json
import os
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers.board import SILENT_MINUTES, THROUGH, board, gather
from maze_helpers.publishing import SUFFIX, PublishingError
from maze_helpers.tasks import TASKS

AT = datetime(2026, 3, 2, 14, 0, tzinfo=timezone.utc)
NAMES = [task.name for task in TASKS]


def ago(minutes):
    return (AT - timedelta(minutes=minutes)).isoformat(timespec="seconds")


def task(**marks):
    return {
        "verdict": "Not begun",
        "step": None,
        "checks": 0,
        "first_check_at": None,
        "done_at": None,
        "caught_up_at": None,
        "hints": 0,
        "answers": 0,
    } | marks


def file(name="blue", started=60, done=(), silent=0, running=(), usd=0.0, begun=True, **more):
    tasks = {each: task() for each in NAMES}
    for number, minutes in enumerate(done):
        tasks[NAMES[number]] = task(verdict="Done", done_at=ago(minutes), checks=1, hints=1)
    if begun and len(done) < len(NAMES):
        first = ago(min(started, *done) if done else started)
        tasks[NAMES[len(done)]] = task(verdict="Not yet", first_check_at=first)
    known = {
        "name": name,
        "published_at": ago(silent),
        "started_at": ago(started),
        "tasks": tasks,
        "running": list(running),
        "usd": usd,
        "mode": "aws",
    } | more
    return f"{name}{SUFFIX}", json.dumps(known).encode()


def endpoint(price=0.115):
    return {
        "kind": "endpoint",
        "name": "maze-endpoint-1",
        "instance": "ml.m5.large",
        "count": 1,
        "since": ago(12),
        "usd_per_hour": price,
    }


def test_a_pair_is_at_the_first_task_that_is_not_done_since_the_last_was():
    (row,) = board([file(done=(50, 33))], AT).rows
    assert row.where == "3 a training job"
    assert row.minutes == 33 and row.pace == "stuck"
    assert [tile.state for tile in row.tiles] == ["done", "done", "here", *["ahead"] * 4]
    assert row.hints == 2


def test_the_talk_before_a_task_is_nobodys_slowness():
    early, late = file("early", done=(35,), begun=False), file("late", done=(10,))
    waiting = board([early, file("other", done=(20,), begun=False)], AT).rows
    assert {row.name: (row.minutes, row.pace) for row in waiting} == {
        "early": (35, "fine"),
        "other": (20, "fine"),
    }
    at_work = board([early, late], AT).rows
    assert {row.name: row.minutes for row in at_work} == {"early": 10, "late": 10}


def test_a_task_that_was_caught_up_with_is_behind_a_pair_and_looks_so():
    name, body = file(started=100)
    known = json.loads(body)
    known["tasks"][NAMES[0]] = task(caught_up_at=ago(5))
    known["tasks"][NAMES[1]] = task(first_check_at=ago(4))
    (row,) = board([(name, json.dumps(known).encode())], AT).rows
    assert (row.where, row.minutes, row.tiles[0].state) == (
        "2 a script with arguments",
        4,
        "caught-up",
    )


def test_who_is_through_is_stuck_nowhere_and_comes_last():
    rows = board([file("a", done=range(70, 0, -10)), file("b", started=5)], AT).rows
    assert [row.name for row in rows] == ["b", "a"]
    assert (rows[1].where, rows[1].minutes, rows[1].pace) == (THROUGH, None, "fine")


def test_who_has_been_longest_at_a_task_comes_first():
    rows = board([file("new", 3), file("slow", 25), file("stuck", 45)], AT).rows
    assert [(row.name, row.pace) for row in rows] == [
        ("stuck", "stuck"),
        ("slow", "slow"),
        ("new", "fine"),
    ]


def test_what_runs_is_shown_and_added_up():
    page = board(
        [file("a", running=[endpoint()], usd=0.5), file("b", running=[endpoint(None)])], AT
    )
    assert (page.usd_per_hour, page.usd) == (0.115, 0.5)
    assert "endpoint, 1 × ml.m5.large, 0.115 USD an hour" in page.html
    assert "maze-endpoint-1" in page.html and "price unknown" in page.html


def test_who_has_not_published_for_long_is_said_to_be_silent():
    rows = board([file("a", silent=SILENT_MINUTES + 1), file("b", silent=1)], AT).rows
    assert {row.name: row.is_silent for row in rows} == {"a": True, "b": False}
    assert f"silent for {SILENT_MINUTES + 1} min" in board([file("a", silent=16)], AT).html


def test_of_two_files_of_a_pair_the_newer_counts():
    old, new = file("a", silent=10), file("a", silent=1, done=(5,))
    for files in ([old, ("copy", new[1])], [("copy", new[1]), old]):
        (row,) = board(files, AT).rows
        assert row.tiles[0].state == "done"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", b'{"tasks": {}}', file(usd="much")[1], file(published_at="x")[1]],
    ids=["empty", "list", "object", "bytes", "half", "text for a number", "no time"],
)
def test_a_file_that_is_none_of_ours_is_named_and_the_others_are_shown(body):
    page = board([("stray.maze.json", body), file("a")], AT)
    assert len(page.rows) == 1
    assert len(page.unread) == 1 and page.unread[0].startswith("stray.maze.json: ")
    assert "stray.maze.json" in page.html


def test_whatever_one_value_becomes_the_others_are_shown():
    whole = json.loads(file("a", done=(5,), running=[endpoint()])[1])
    hostile = [None, True, -1, 10**400, 1e309, float("nan"), "\ud800", [1], {"a": 1}, "x" * 10**5]
    hostile += ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "<script>", "\x1b[2J"]
    files = [file("b"), ("deep.maze.json", b"[" * 10**5)]
    for parent in (whole, whole["running"][0], whole["tasks"][NAMES[0]]):
        for name, value in list(parent.items()):
            for each in hostile:
                parent[name] = each
                files.append((f"{name}.maze.json", json.dumps(whole).encode()))
            parent[name] = value
    page = board(files, AT)
    assert "b" in {row.name for row in page.rows} and "deep" in page.unread[0]
    html = page.html.encode().decode()
    assert "<script>" not in html and max(map(len, page.unread)) < 700
    assert not {"nan", "inf"} & set(html.split())


@settings(max_examples=30)
@given(st.text(min_size=1))
def test_whatever_a_pair_calls_itself_is_text_on_the_page(name):
    html = board([("x", file(f"<script>{name}")[1])], AT).html
    assert "<script>" not in html


def test_an_empty_room_has_a_page():
    page = board([], AT)
    assert "Nobody has published yet" in page.html
    assert sum(count for _, count in page.counts) == 0


def test_a_folder_gives_what_was_published_and_nothing_else(tmp_path):
    name, body = file("a")
    (tmp_path / name).write_bytes(body)
    (tmp_path / "notes.txt").write_text("not ours")
    assert gather(str(tmp_path)) == [(name, body)]


def test_what_cannot_be_opened_is_named_with_the_reason(tmp_path):
    os.mkfifo(tmp_path / f"pipe{SUFFIX}")
    (tmp_path / f"link{SUFFIX}").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("aws_secret_access_key = x")
    page = board(gather(str(tmp_path)), AT)
    assert page.unread == ("link.maze.json: it is a link",)


def test_what_is_no_progress_is_named_and_not_shown(tmp_path):
    page = board([("a.maze.json", b"aws_secret_access_key = x")], AT)
    assert page.unread == ("a.maze.json: it is no JSON",) and "aws_secret" not in page.html


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(PublishingError, match="There is no folder"):
        gather(str(tmp_path / "nowhere"))
