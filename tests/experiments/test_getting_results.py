"""Results out of a store: tables, one run, pictures, tags, removal."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from calling import TOY, invoke

from kl_lib import experiments
from kl_lib.experiments import (
    ComparisonError,
    ConfigError,
    RecordError,
    RunBusyError,
    all_configs,
    find_experiment,
    plot_runs,
    read_records,
    runs_table,
    select,
)
from kl_lib.experiments.machinery.locks import locked_id
from kl_lib.experiments.machinery.upkeep import remove, tagged


@pytest.fixture
def first(store):
    return read_records(store, "toy")[0]


# Tables


def test_a_csv_has_a_row_for_each_run_that_meets_the_conditions(store):
    done = invoke("results", "toy", "--csv", "--where", "loss=kl", "--where", "epochs=3",
                  "--store", store)  # fmt: skip
    assert (done.exit_code, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(r["arm"], r["loss"], r["epochs"], r["seed"]) for r in rows] == [
        ("kl", "kl", "3", seed) for seed in "012"
    ]
    for row in rows:
        record = experiments.read_record(store / "toy" / f"{row['id']}.json")
        assert float(row["error"]) == record.result["error"]  # every digit
        assert row["made"] == record.made


def test_json_is_the_same_with_types(store):
    rows = json.loads(invoke("results", "--json", "--store", store).stdout)
    assert len(rows) == 12
    assert {type(row["epochs"]) for row in rows} == {int}
    assert {row["fail_at"] for row in rows} == {None}


def test_a_row_for_each_epoch(store):
    done = invoke("results", "toy", "--epochs", "--json", "--where", "epochs=3", "--store", store)
    rows = json.loads(done.stdout)
    assert [row["epoch"] for row in rows] == [1, 2, 3] * 6
    for row in rows:
        record = experiments.read_record(store / "toy" / f"{row['id']}.json")
        assert row["distance"] == record.history["distance"][row["epoch"] - 1]


def test_tables_of_pandas_are_tidy_and_merge(store):
    records = read_records(store, "toy")
    runs, epochs = runs_table(records), experiments.epochs_table(records)
    assert len(runs) == 12
    assert len(epochs) == 6 * 2 + 6 * 3
    merged = epochs.merge(runs[["id", "epochs", "loss", "error"]], on="id")
    last = merged[merged.epoch == merged.epochs]
    assert sorted(last.error) == sorted(r.result["error"] for r in records)


def test_the_committed_runs_of_the_book_make_a_table():
    table = runs_table(read_records(experiments.book_results(), "cifar10"))
    assert len(table) == table.id.nunique() == 44
    assert table.made.isna().all()  # older than the entry
    assert table.query("arm == 'null'").loss.eq("ce").all()


@pytest.mark.parametrize(
    ("condition", "count"),
    [("loss=kl", 6), ("loss=kl,ce", 12), ("arm=kl", 6), ("seed=1,2", 8), ("fail_at=none", 12),
     ("pause=0.0", 12), ("pause=0", 12), ("fail-at=null", 12), ("tag=best", 0), ("loss=mse", 0),
     ("epochs=many", 0)],
)  # fmt: skip
def test_conditions(store, condition, count):
    assert len(select(read_records(store, "toy"), [condition])) == count


def test_an_id_is_a_condition_and_a_loss_of_ones_own_needs_no_checksum(first):
    assert select([first], [f"id={first.config.id}"]) == [first]
    assert select([first], ["id=0"]) == []
    object.__setattr__(first.config, "loss", "mine:focal#0123456789ab")
    assert select([first], ["loss=mine:focal"]) == [first]
    assert select([first], ["loss=mine"]) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--where", "colour=red"], "--where has 'colour', expected one of: arm, data_sha256, "),
        (["--where", "loss"], "--where is 'loss', expected NAME=VALUE or NAME=VALUE,VALUE"),
        (["--where", "loss="], "--where is 'loss=', expected NAME=VALUE or"),
        (["--csv", "--json"], "--csv and --json were both given"),
        (["--epochs"], "--epochs was given alone: add --csv or --json"),
    ],
)
def test_what_results_can_not_do_is_one_line(store, args, message):
    done = invoke("results", "toy", "--store", store, *args)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"kl-lib: {message}")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_has_enough_is_no_error():
    shown = f"results cifar10 --csv --epochs --store {experiments.book_results()}"
    command = f"{sys.executable} -m kl_lib.cli {shown} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("id,experiment,arm,seed,epoch,loss,")
    assert done.stderr == ""


# One run


def test_a_run_is_shown_by_the_beginning_of_its_id(store, first):
    done = invoke("show", first.config.id[:7], "--store", store)
    assert (done.exit_code, done.stderr) == (0, "")
    for words in (first.config.id, first.made, "loss               ce", "Environment", "numpy 1.",
                  f"error              {first.result['error']}",
                  f"{first.history['distance'][1]:.5g}"):  # fmt: skip
        assert words in done.stdout
    record = json.loads(invoke("show", first.config.id, "--json", "--store", store).stdout)
    assert record == json.loads((store / "toy" / f"{first.config.id}.json").read_text())


def test_the_time_a_run_was_made_is_in_utc(first):
    from datetime import UTC, datetime, timedelta

    made = datetime.fromisoformat(first.made)
    assert made.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - made) < timedelta(hours=1)


@pytest.mark.parametrize("command", ["show", "remove"])
@pytest.mark.parametrize(("id_", "message"), [("zz", "there is no such run"), ("", "no such run")])
def test_an_id_of_no_run_is_refused(store, command, id_, message):
    done = invoke(command, id_, "--store", store)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_id_of_two_runs_is_refused_with_both(store, first):
    other = store / "toy" / f"{first.config.id[:5]}00000000000.json"
    other.write_text("{}")
    done = invoke("show", first.config.id[:5], "--store", store)
    assert done.exit_code == 2
    assert f"there are 2 such runs: {other.stem}, {first.config.id}" in done.stderr or (
        f"there are 2 such runs: {first.config.id}, {other.stem}" in done.stderr
    )


# Tags


def test_tags_are_put_to_new_and_finished_runs_and_are_no_part_of_the_id(store, first):
    args = [TOY, "--epochs", 2, "--set", "pause=0", "--store", store]
    swept = ["--loss", "kl,ce", "--seeds", "0,7", "--tag", "best", "--tag", "paper"]
    assert invoke("sweep", *args, *swept).exit_code == 0
    assert invoke("run", *args, "--loss", "ce", "--tag", "later", "--tag", "best").exit_code == 0
    tags = {r.config.seed: r.tags for r in read_records(store, "toy") if r.config.arm == "ce"
            and r.config.epochs == 2}  # fmt: skip
    assert tags == {0: ("best", "paper", "later"), 1: (), 2: (), 7: ("best", "paper")}
    found = select(read_records(store, "toy"), ["tag=paper"])
    assert [(r.config.arm, r.config.seed) for r in found] == [
        ("ce", 0), ("ce", 7), ("kl", 0), ("kl", 7),
    ]  # fmt: skip
    again = experiments.read_record(store / "toy" / f"{first.config.id}.json")
    assert (again.config, again.result, again.made) == (first.config, first.result, first.made)
    assert "paper" in invoke("show", first.config.id, "--store", store).stdout


TAGGING = """
import sys, time
from kl_lib.experiments import read_record
from kl_lib.experiments.machinery.upkeep import tagged
store, path, name, begin = sys.argv[1:]
record = read_record(path)
time.sleep(max(0, float(begin) - time.time()))
for number in range(20):
    record = tagged(store, record, [f"{name}{number}"])
"""


def test_processes_that_tag_one_record_at_the_same_time_lose_no_tag(store, first):
    path = store / "toy" / f"{first.config.id}.json"
    args = [sys.executable, "-c", TAGGING, str(store), str(path)]
    begin = str(time.time() + 3)
    both = [subprocess.Popen([*args, name, begin]) for name in "ab"]
    assert [each.wait(timeout=100) for each in both] == [0, 0]
    found = experiments.read_record(path).tags
    assert {f"{name}{number}" for name in "ab" for number in range(20)} <= set(found)
    assert len(found) == len(set(found))


def test_a_run_that_is_done_again_keeps_its_tags(tmp_path):
    toy = find_experiment(TOY).experiment
    [config] = all_configs(toy, seeds=[0], epochs=1, pause=0)
    first = experiments.run(tmp_path, config, toy.load(), tags=["paper"])
    assert first.tags == ("paper",)
    assert experiments.run(tmp_path, config, toy.load(), force=True).tags == ("paper",)
    again = experiments.run(tmp_path, config, toy.load(), force=True, tags=["new"])
    assert again.tags == ("paper", "new")
    assert experiments.find_record(tmp_path, config) == again


def test_a_tag_is_put_to_the_record_as_it_is_and_not_as_it_was(tmp_path):
    toy = find_experiment(TOY).experiment
    [config] = all_configs(toy, seeds=[0], epochs=1, pause=0)
    old = experiments.run(tmp_path, config, toy.load())
    new = replace(old, made="2026-12-01T00:00:00+00:00")
    experiments.write_record(tmp_path, new)
    assert tagged(tmp_path, old, ["late"]) == replace(new, tags=("late",))
    path = tmp_path / "toy" / f"{config.id}.json"
    path.unlink()
    with pytest.raises(RecordError, match="can't be read: No such file"):
        tagged(tmp_path, old, ["later"])
    assert not path.exists()


@pytest.mark.parametrize("command", ["run", "sweep"])
@pytest.mark.parametrize("tag", ["", "two words", "a,b"])
def test_a_tag_that_is_no_word_is_refused_before_anything_is_run(tmp_path, command, tag):
    done = invoke(command, TOY, "--tag", tag, "--store", tmp_path)
    assert done.exit_code == 2
    assert done.stderr.endswith(f"tag is {tag!r}, expected a word without spaces and commas\n")
    assert [*tmp_path.rglob("*.json")] == []


# Removal


def test_a_run_that_is_removed_is_gone_with_what_lies_beside_it_and_is_made_again(store, first):
    id_ = first.config.id
    (store / "toy" / f"{id_}.model.keras").write_text("a model")
    (store / ".scratch").mkdir()
    (store / ".scratch" / f"{id_}.checkpoint").write_text("half")
    refused = invoke("remove", id_, "--store", store)
    assert refused.exit_code == 2
    assert "nobody can be asked here whether to delete runs: add --yes" in refused.stderr
    assert len([*store.rglob(f"{id_}*")]) == 3
    done = invoke("remove", id_[:8], "--yes", "--store", store)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count("Deleted ") == 3
    assert [path.suffix for path in store.rglob(f"{id_}*")] == [".lock"]
    assert len(read_records(store, "toy")) == 11


def test_a_damaged_record_can_be_removed_and_a_run_that_is_being_done_can_not(store, first):
    path = store / "toy" / f"{first.config.id}.json"
    path.write_text("{")
    code = (
        "import sys, time\n"
        "from kl_lib.experiments.machinery.locks import locked_id\n"
        "with locked_id(*sys.argv[1:]): print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, store, first.config.id], stdout=subprocess.PIPE, text=True
    ) as holder:
        holder.stdout.readline()
        with pytest.raises(RunBusyError):
            remove(store, path)
        assert path.exists()
        holder.kill()
    with locked_id(store, first.config.id):
        pass
    assert invoke("remove", first.config.id, "-y", "--store", store).exit_code == 0
    assert not path.exists()


# Pictures


def lines_of(ax):
    return {line.get_label(): line for line in ax.get_lines() if line.get_label()[0] != "_"}


def test_curves_are_what_the_records_say(store):
    records = select(read_records(store, "toy"), ["epochs=3"])
    figure = plot_runs(records, "distance")
    [ax] = figure.axes
    lines = lines_of(ax)
    assert list(lines) == ["ce (3 runs)", "kl (3 runs)"]
    for arm in ("ce", "kl"):
        curves = [r.history["distance"] for r in records if r.config.arm == arm]
        np.testing.assert_allclose(lines[f"{arm} (3 runs)"].get_ydata(), np.mean(curves, axis=0))
        thin = [[*line.get_ydata()] for line in ax.get_lines()]
        assert all(curve in thin for curve in curves)
    assert ax.get_xlabel() == "epoch"


def test_differences_are_paired_and_their_shade_is_the_interval_of_student(store):
    records = select(read_records(store, "toy"), ["epochs=3"])
    [ax] = plot_runs(records, "distance", difference=True).axes
    kl, ce = (
        np.array([r.history["distance"] for r in records if r.config.arm == arm])
        for arm in ("kl", "ce")
    )
    mean = lines_of(ax)["kl − ce (3 pairs)"].get_ydata()
    np.testing.assert_allclose(mean, (kl - ce).mean(axis=0))
    [shade] = ax.collections
    corners = shade.get_paths()[0].vertices
    for epoch in (2, 3):
        ends = corners[corners[:, 0] == epoch][:, 1]
        low, high = experiments.t_interval((kl - ce)[:, epoch - 1])
        assert (ends.min(), ends.max()) == pytest.approx((low, high))


def test_runs_that_differ_in_more_are_in_panels_that_say_in_what(store):
    figure = plot_runs(read_records(store, "toy"), "error")
    assert [ax.get_title() for ax in figure.axes] == ["epochs 2", "epochs 3"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["ce", "kl"]


def test_what_can_not_be_drawn_is_said(store):
    records = read_records(store, "toy")
    with pytest.raises(ConfigError, match="measure is 'colour', expected one of: distance, error"):
        plot_runs(records, "colour")
    with pytest.raises(ComparisonError, match="no run has another arm beside it"):
        plot_runs(select(records, ["loss=kl"]), "error", difference=True)
    with pytest.raises(ComparisonError, match="seed 2 has a run of kl and none of ce"):
        plot_runs(records[:-7] + records[-6:], "error", difference=True)
    with pytest.raises(ComparisonError, match="reference is 'foo', and there is no such run"):
        plot_runs(records, "error", difference=True, reference="foo")
    with pytest.raises(ComparisonError, match="there are no runs"):
        plot_runs([], "error")


def test_the_command_draws_a_file(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("plot", "toy", "--store", store, "-o", "curves.svg", "--measure", "distance")
    assert (done.exit_code, done.output) == (0, "Figure: curves.svg (12 runs)\n")
    assert "<svg" in Path("curves.svg").read_text()
    assert invoke("plot", "toy", "--store", store, "--difference").exit_code == 0
    assert Path("toy-error.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-o", "curves.foo"], "--output is 'curves.foo', expected a name that ends in one of: "),
        (["--where", "loss=mse"], "there are no such runs of toy in "),
        (["--measure", "colour"], "measure is 'colour', expected one of: distance, error"),
    ],
)
def test_a_picture_that_can_not_be_is_one_line(store, args, message):
    done = invoke("plot", "toy", "--store", store, *args)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"kl-lib: {message}")
    assert done.stderr.count("\n") == 1


# The shell


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_completes_commands(shell):
    asked = {"COMP_WORDS": "kl-lib re", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "kl-lib re"}
    done = subprocess.run(
        [sys.executable, "-m", "kl_lib.cli"], capture_output=True, text=True, timeout=60,
        env=os.environ | asked | {"_KL_LIB_COMPLETE": f"complete_{shell}"},
    )  # fmt: skip
    assert {*re.findall(r"\b(?:re\w+)\b", done.stdout)} >= {"results", "remove"}
