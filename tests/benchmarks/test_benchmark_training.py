"""The benchmark of training: who takes part, that they train, and what is made of their times."""

import json
import os
import threading
import time

import pytest
import training
import training_page

pytestmark = pytest.mark.thorough


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


def test_a_ratio_is_taken_round_by_round():
    found = {training.PLAIN: {"seconds": [10, 20, 10]}, "suite": {"seconds": [5, 20, 2]}}
    assert training.ratios({"teams": found}) == {training.PLAIN: [1, 1, 1], "suite": [2, 1, 5]}


# The page


def table_of(speeds, units=("avx512_bf16",)):
    """A table in which the plain script takes 1 second, with these speeds in three rounds."""
    names = training.teams(2, ["float32", "mixed_bfloat16"])
    teams = {
        name: {"seconds": [1 / speed, 1 / speed, 10], "start_and_first_epoch": 5.0}
        for name, speed in zip(names, [1, *speeds], strict=True)
    }
    teams[training.PLAIN]["seconds"] = [1, 1, 1]
    machine = {"cores": 2, "bfloat16": units and list(units)}
    return {"teams": teams, "machine": machine}


@pytest.mark.parametrize(
    ("speeds", "units", "reached"),
    [
        ([0.98, 1.0, 1.7, 1.5], ("amx_bf16",), [True, True, True]),
        ([0.96, 1.5, 1.5, 1.7], ("avx512_bf16",), [False, False, True]),
        ([1.0, 1.0, 1.5, 1.5], ("avx512_bf16", "amx_bf16"), [True, False, False]),
        ([1.0, 1.0, 0.1, 0.1], (), [True, None, None]),
        ([1.0, 1.0, 0.1, 0.1], None, [True, None, None]),
    ],
    ids=["all", "only the sweep", "none in bfloat16", "no bfloat16", "not known"],
)
def test_the_verdicts_follow_from_the_numbers(speeds, units, reached):
    assert [met for _, _, met in training_page.aims(table_of(speeds, units))] == reached


def test_the_fastest_layout_of_a_sweep_is_named_with_its_range():
    *_, (_, measured, _) = training_page.aims(table_of([1, 3, 1.25, 2]))
    assert (
        measured
        == "2.00 times (0.10 to 2.00 in the rounds), mixed_bfloat16, 2 runs with one thread"
    )


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (["avx512_bf16"], "the processor has AVX512_BF16 and no AMX."),
        (["avx512_bf16", "amx_bf16"], "the processor has AVX512_BF16 and AMX."),
        ([], "the processor has no instructions."),
        (None, "The system does not say what its processor has"),
    ],
)
def test_the_page_says_what_the_processor_has_for_bfloat16(units, said):
    table = json.loads(training.RESULTS.read_text("utf-8"))
    table["machine"]["bfloat16"] = units
    assert said in training_page.conditions(table)


def test_the_stored_table_is_of_a_whole_run():
    table = json.loads(training.RESULTS.read_text("utf-8"))
    assert table["images"] == training.FULL["images"]
    cores = table["machine"]["cores"]
    assert list(table["teams"]) == list(training.teams(cores, ["float32", "mixed_bfloat16"]))
    for team in table["teams"].values():
        assert len(team["seconds"]) == training.FULL["rounds"]


# A turn


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
