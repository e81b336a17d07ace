"""The benchmark of training: who takes part, that they train, and what is made of their times."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import training


def test_each_precision_runs_once_with_all_cores_and_as_often_as_there_are_cores():
    members = training.teams(4, ["float32", "mixed_bfloat16"])
    assert [len(jobs) for jobs in members.values()] == [1, 1, 4, 1, 4]
    assert all(sum(job["threads"] for job in jobs) == 4 for jobs in members.values())
    assert [jobs[0]["code"] for jobs in members.values()] == ["plain"] + ["suite"] * 4
    assert len(training.teams(1, ["float32"])) == 2


def test_the_teams_train_in_turn_and_a_ratio_is_taken_within_a_round(monkeypatch, capsys):
    jobs = {
        training.PLAIN: [{"code": "plain", "threads": 1, "precision": "float32"}],
        "suite": [{"code": "suite", "threads": 1, "precision": "float32"}],
    }
    monkeypatch.setattr(training, "teams", lambda cores, precisions: jobs)
    table = training.measure(["float32"], 500, 2)
    assert list(table["teams"]) == list(jobs)
    for team in table["teams"].values():
        assert len(team["seconds"]) == 2
        assert 0 < min(team["seconds"]) < team["start_and_first_epoch"]
    assert table["packages"]["tensorflow"]
    assert "round 2 of 2" in capsys.readouterr().out


def test_a_speedup_is_the_median_of_the_rounds():
    table = {
        "teams": {
            training.PLAIN: {"seconds": [10, 20, 10]},
            "suite": {"seconds": [5, 20, 2]},
        }
    }
    assert training.speedups(table) == {training.PLAIN: 1, "suite": 2}


def test_the_time_of_a_turn_is_the_second_epoch_of_its_last_process_for_each_of_its_runs():
    team = training.Team.__new__(training.Team)
    pipes = [
        [os.fdopen(end, mode) for end, mode in zip(os.pipe(), "rw", strict=True)] for _ in "12"
    ]
    asked = [
        [os.fdopen(end, mode) for end, mode in zip(os.pipe(), "rw", strict=True)] for _ in "12"
    ]

    class Process:
        def __init__(self, answer, ask):
            self.stdout, self.stdin = answer[0], ask[1]

    team.processes = [Process(*both) for both in zip(pipes, asked, strict=True)]

    def answer(requests, pipe, *seconds):
        for each in seconds:
            requests.readline()
            time.sleep(each)
            print("epoch", file=pipe, flush=True)

    for (requests, _), (_, pipe), second in zip(asked, pipes, (0.05, 0.4), strict=True):
        threading.Thread(target=answer, args=(requests, pipe, 0.8, second)).start()
    assert team.turn() == pytest.approx(0.2, abs=0.1)


def test_a_process_that_fails_is_quoted(monkeypatch, capsys):
    jobs = {training.PLAIN: [{"code": "suite", "threads": 1, "precision": "float8"}]}
    monkeypatch.setattr(training, "teams", lambda cores, precisions: jobs)
    with pytest.raises(SystemExit, match="a process of the benchmark ended"):
        training.measure(["float8"], 50, 1)
    assert "precision is 'float8'" in capsys.readouterr().err
