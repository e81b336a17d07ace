"""Sweeps that are killed, interrupted, damaged, cut off from the disk, and called twice at once."""

import csv
import os
import re
import shutil
import time
from collections import Counter

import faults
import psutil
import pytest
from calling import TOY, invoke
from faults import (
    CHOICES,
    EPOCHS,
    FAULTS,
    HEAD,
    RECORD,
    RUNS,
    end,
    interrupt,
    kill,
    leave_checkpoint_of_another_network,
    numbers,
    progress,
    records,
    start_cluster,
    wait_for,
    workers,
)

from kl_lib import experiments
from kl_lib.experiments import ConfigError, Epoch, Result, SweepError, all_configs, grid, sweep
from kl_lib.experiments.machinery import sweeps as module
from kl_lib.experiments.machinery.cluster import TOPIC
from kl_lib.experiments.machinery.locks import locked
from kl_lib.experiments.machinery.pools import RunLostError
from kl_lib.experiments.machinery.store import comparable

# What has nothing to do with networks is seen on an experiment that takes a second and is named by
# its file.
PAUSE = 0.1
GRID = [TOY, *CHOICES, "--set", f"pause={PAUSE}"]


def start(store, *args, grid=GRID, limit=None):
    return faults.start(store, *args, grid=grid, limit=limit)


def toys(pause=PAUSE):
    """The configs that `GRID` stands for."""
    toy = experiments.find_experiment(TOY).experiment
    lists = {"loss": ["kl", "ce"], "epochs": EPOCHS, "pause": pause}
    return all_configs(toy, seeds=range(2), **lists)


@pytest.fixture(scope="module")
def digits():
    return experiments.load_data("digits")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The store of a sweep that nothing happened to, and what it printed."""
    store = tmp_path_factory.mktemp("undisturbed")
    status, output, errors = end(start(store, "--workers", 1))
    assert status == 0, errors
    return store, output, errors


# What a sweep does when nothing happens


@pytest.mark.thorough
def test_a_sweep_leaves_a_record_of_each_run_and_prints_a_line_and_a_row_for_each(tmp_path):
    digits = ["digits", "--seeds", "0:2", "--loss", "kl,ce", "--epochs", "2", "--batch-size", "250"]
    status, output, errors = end(start(tmp_path, "--workers", 2, grid=digits))
    assert (status, errors) == (0, "")
    found = numbers(tmp_path)
    assert len(found) == RUNS
    assert {(c.loss, c.seed) for c, *_ in found.values()} == {
        (loss, seed) for loss in ("kl", "ce") for seed in (0, 1)
    }
    lines = re.findall(
        r"^(\w+), seed (\d): accuracy 0\.\d{4}, loss \d\.\d{4}, [\w ]+ s  "
        r"\((\d) of 4 runs, (time left unknown|[\w ]+ left)\)$",
        output,
        re.M,
    )
    assert [line[2] for line in lines] == list("1234")
    assert lines[-1][3] == "0 s left"
    assert all(re.search(rf"^ *\w+ +\d .* {name[:16]} *$", output, re.M) for name in found)


def test_an_experiment_in_a_file_leaves_records_and_lines_and_rows(undisturbed):
    store, output, errors = undisturbed
    assert errors == ""
    found = numbers(store)
    assert len(found) == RUNS
    assert {path.parent.name for path in records(store)} == {"toy"}
    lines = re.findall(r"^(\w+), seed (\d): error [\d.]+, \d s  \((\d) of 4 runs", output, re.M)
    assert [line[2] for line in lines] == list("1234")
    assert all(re.search(rf"^ *\w+ +\d .* {name[:16]} *$", output, re.M) for name in found)


def test_what_is_finished_is_not_run_again(undisturbed):
    store, *_ = undisturbed
    before = {path: path.stat() for path in records(store)}
    status, output, _ = end(start(store))
    assert status == 0
    assert "4 of 4 runs are finished already" in output
    assert {path: path.stat() for path in records(store)} == before


# Faults


def test_a_sweep_that_is_killed_interrupted_and_doubled_ends_as_if_nothing_had_happened(
    tmp_path, undisturbed
):
    # A worker is killed in the middle of a run: the sweep gives the run to another.
    sweep = start(tmp_path, "--workers", 2)
    wait_for(lambda: progress(tmp_path) >= 2, sweep)
    first, *_ = workers(sweep)
    before = {path.name for path in records(tmp_path)}
    first.kill()
    reached = progress(tmp_path) + 4
    wait_for(lambda: progress(tmp_path) >= reached, sweep)

    # Ctrl-C
    trained_by = workers(sweep)
    interrupt(sweep)
    status, output, errors = end(sweep)
    assert status == 130
    assert "kl-lib: interrupted. Finished runs are stored" in errors
    assert "Traceback" not in output + errors
    psutil.wait_procs(trained_by, timeout=5)
    assert not any(worker.is_running() for worker in trained_by)
    assert progress(tmp_path) >= reached
    assert before <= {path.name for path in records(tmp_path)}

    # The sweep itself is killed: its workers end with it.
    sweep = start(tmp_path, "--workers", 2)
    reached = progress(tmp_path) + 2
    wait_for(lambda: progress(tmp_path) >= reached, sweep)
    trained_by = workers(sweep)
    assert trained_by
    sweep.kill()
    end(sweep)
    psutil.wait_procs(trained_by, timeout=30)
    assert not any(worker.is_running() for worker in trained_by)
    kept = {path: path.stat() for path in records(tmp_path)}

    # Two at once: both end well, and what one has written the other leaves alone.
    both = [start(tmp_path, "--workers", 1) for _ in range(2)]
    written = Counter()
    while any(sweep.poll() is None for sweep in both):
        written.update({(path, path.stat().st_ino) for path in records(tmp_path)})
        time.sleep(0.02)
    for sweep in both:
        status, output, errors = end(sweep)
        assert status == 0, errors
        assert errors == ""
    assert len({path for path, _ in written}) == len(written)
    assert {path: path.stat() for path in kept} == kept

    assert numbers(tmp_path) == numbers(undisturbed[0])
    assert {path.suffix for path in tmp_path.glob(".scratch/*")} == {".lock"}


def test_a_full_disk_is_named_and_a_damaged_record_is_run_again(tmp_path, undisturbed):
    shutil.copytree(undisturbed[0] / "toy", tmp_path / "toy")
    damaged, *others = records(tmp_path)
    damaged.write_bytes(damaged.read_bytes()[:-200])
    before = {path: path.read_bytes() for path in others}

    # No file may be longer than a record: the first epoch can't be saved.
    status, output, errors = end(start(tmp_path, limit=10_000))
    assert status == 1
    assert re.search(rf"kl-lib: \S*{damaged.stem}\.checkpoint: File too large$", errors, re.M)
    assert "Traceback" not in errors
    assert {path: path.read_bytes() for path in others} == before
    assert list(tmp_path.rglob("*.part")) == []

    (tmp_path / ".scratch" / f"{damaged.stem}-killed.part").write_bytes(b"half of an epoch")
    (tmp_path / ".scratch" / f"{damaged.stem}.checkpoint").write_bytes(b"{}\nnot an epoch")
    status, output, errors = end(start(tmp_path))
    assert status == 0, errors
    assert "3 of 4 runs are finished already" in output
    assert f"{damaged.name} is not whole JSON" in errors
    assert f"run {damaged.stem} begins again: it has a checkpoint, but it is damaged" in errors
    assert errors.count("\n") == 2
    assert numbers(tmp_path) == numbers(undisturbed[0])
    assert {path: path.read_bytes() for path in others} == before
    assert [path.suffix for path in tmp_path.glob(f".scratch/{damaged.stem}*")] == [".lock"]


def test_a_run_begins_again_where_its_checkpoint_is_of_another_network(tmp_path, undisturbed):
    shutil.copytree(undisturbed[0] / "toy", tmp_path / "toy")
    missing = records(tmp_path)[0]
    record = experiments.read_record(missing)
    missing.unlink()
    leave_checkpoint_of_another_network(tmp_path, record.config, record.environment, ".checkpoint")

    status, _, errors = end(start(tmp_path))
    assert status == 0, errors
    said = "begins again: it has a checkpoint, but its arrays are those of another network"
    assert errors == f"kl-lib: run {record.config.id} {said}\n"
    assert numbers(tmp_path) == numbers(undisturbed[0])
    assert [path.suffix for path in tmp_path.glob(".scratch/*")] == [".lock"]


# What a sweep decides, with workers that only pretend


def outcome(config, accuracy=0.75):
    epoch = Epoch(number=1, loss=1, accuracy=0.5, val_loss=1, val_accuracy=0.5, seconds=2)
    return Result(
        epochs=(epoch,) * config.epochs,
        test_loss=1.5,
        test_accuracy=accuracy,
        parameters=9,
        seconds=90,
        peak_memory=2 * 10**9,
    )


class Pretence:
    """A pool whose runs end at once, as `script` says: a list for each seed, "done" after it."""

    script: dict[int, list]
    epochs: dict[int, list]

    def __init__(self, workers, store, file, note, keep, say):
        self.store, self.workers, self.asked = store, workers, Counter()

    def slots(self):
        return self.workers

    def submit(self, config):
        future = module.Future()
        future.set_result(None)
        return future

    def result(self, future, config):
        what = self.script.get(config.seed, [])
        ending = what.pop(0) if what else "done"
        if isinstance(ending, Exception):
            raise ending
        if ending is None:
            return None
        data = experiments.load_data("digits")
        record = experiments.new_record(config, data, outcome(config), {})
        experiments.write_record(self.store, record)
        return record

    def epochs_done(self, config):
        ahead = self.epochs.get(config.seed, [])
        return ahead.pop(0) if ahead else 0

    def lacks(self):
        return None

    def close(self):
        pass


@pytest.fixture
def pretend(monkeypatch):
    def prepare(script, epochs=None):
        monkeypatch.setattr(Pretence, "script", script, raising=False)
        monkeypatch.setattr(Pretence, "epochs", epochs or {}, raising=False)
        monkeypatch.setattr(module, "ProcessPool", Pretence)
        monkeypatch.setattr(module, "POLL", 0.001)
        monkeypatch.setattr(module, "PATIENCE", 0.001)

    return prepare


def test_a_run_that_another_process_is_doing_is_left_alone_and_asked_for_again(
    tmp_path, digits, pretend
):
    pretend({0: [None, None]})
    configs = grid(digits, arms=["kl"], seeds=range(3), epochs=1)
    seen = []
    found = sweep(tmp_path, configs, workers=1, watch=lambda s: seen.append(dict(s.elsewhere)))
    assert [record.config for record in found] == configs
    assert seen[1] == {configs[0].id: 0}
    assert seen[-1] == {}


def test_a_run_that_fails_is_named_after_the_others_are_done(tmp_path, digits, pretend):
    pretend({1: [experiments.TrainingError("the loss is nan in epoch 2")]})
    configs = grid(digits, arms=["kl"], seeds=range(3), epochs=1)
    with pytest.raises(SweepError) as failed:
        sweep(tmp_path, configs, workers=2)
    assert str(failed.value) == (
        "1 of 3 runs failed, the others are finished and stored. "
        f"run {configs[1].id}: the loss is nan in epoch 2"
    )
    assert {path.stem for path in records(tmp_path)} == {configs[0].id, configs[2].id}
    assert failed.value.status.epochs_done == failed.value.status.epochs == 3


def test_a_run_that_loses_its_worker_three_times_in_an_epoch_is_given_up(tmp_path, digits, pretend):
    lost = [RunLostError("its worker died")] * 3
    configs = grid(digits, arms=["kl"], seeds=range(2), epochs=9)
    pretend({0: [*lost]}, {0: [4, 4, 4]})
    with pytest.raises(SweepError, match=r"its worker died 3 times in epoch 5"):
        sweep(tmp_path / "a", configs, workers=1)
    # Unless it gets on in between.
    pretend({0: [*lost]}, {0: [4, 4, 5]})
    said = []
    assert len(sweep(tmp_path / "b", configs, workers=1, say=said.append)) == 2
    died = f"run {configs[0].id}: its worker died in epoch {{}}, and it is given to another"
    assert said == [died.format(5), died.format(6)]  # no line twice


def test_an_error_that_all_runs_would_have_ends_the_sweep(tmp_path, digits, pretend):
    pretend({0: [OSError(28, "No space left on device", "x")]})
    with pytest.raises(OSError, match="No space left"):
        sweep(tmp_path, grid(digits, arms=["kl"], seeds=range(2), epochs=1), workers=1)


def test_the_time_left_is_the_pace_since_the_first_epoch_for_as_much_as_is_left(
    digits, monkeypatch
):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    configs = tuple(grid(digits, arms=["kl"], seeds=range(4), epochs=10))
    ids = [config.id for config in configs]
    # One run was finished before the sweep began, and two were stopped.
    status = module.Status(configs=configs, finished={ids[0]: None}, resumed={ids[1]: 5, ids[3]: 2})
    assert (status.epochs, status.epochs_done, status.seconds_left) == (40, 17, None)
    now[0] = 160.0  # the workers have started, and gone on from the checkpoints
    status.move({ids[1]: 5, ids[2]: 0}, {})
    assert (status.epochs_done, status.seconds_left) == (17, None)
    now[0] = 200.0
    status.move({ids[1]: 6, ids[2]: 1}, {})
    assert (status.epochs_done, status.seconds_left) == (19, None)
    now[0] = 215.0
    status.move({ids[1]: 6, ids[2]: 2}, {})  # one more is little beside the two before
    assert (status.epochs_done, status.seconds_left) == (20, None)
    now[0] = 230.0
    status.move({ids[1]: 9}, {ids[2]: 3})
    assert status.epochs_done == 24
    assert status.seconds_left == 30 / 5 * 16
    # The checkpoint of the last was of no use.
    status.move({ids[1]: 9, ids[3]: 0}, {ids[2]: 3})
    assert (status.epochs_done, status.epochs_done_now) == (22, 7)
    status.finished |= dict.fromkeys(ids)
    assert status.seconds_left == 0


def test_a_grid_is_each_arm_with_each_seed_once(digits):
    configs = grid(digits, arms=["kl", "ce", "null"], seeds=[0, 1, 0], epochs=3, threads=1)
    assert [(c.arm, c.seed) for c in configs] == [
        ("kl", 0), ("ce", 0), ("null", 0), ("kl", 1), ("ce", 1), ("null", 1),
    ]  # fmt: skip
    assert {(c.epochs, c.threads, c.data_sha256) for c in configs} == {(3, 1, digits.sha256)}
    assert configs[2].disturbance == 1e-7
    with pytest.raises(ConfigError, match="at least one loss and one seed"):
        grid(digits, arms=["kl"], seeds=[])
    with pytest.raises(ConfigError, match="loss is 'mse'"):
        grid(digits, arms=["mse"], seeds=[0])


# The commands


def stored(store, config, digits, accuracy):
    record = experiments.new_record(config, digits, outcome(config, accuracy), {})
    return experiments.write_record(store, record)


def test_results_lists_what_is_there_and_names_what_is_damaged(tmp_path, digits):
    paths = [
        stored(tmp_path, config, digits, 0.7)
        for threads in (1, 2)
        for config in grid(digits, arms=["kl", "ce"], seeds=[10, 9], epochs=2, threads=threads)
    ]
    done = invoke("results", "--store", tmp_path)
    assert done.exit_code == 0
    assert re.findall(r"threads (\d)", done.stdout) == ["1", "2"]
    rows = re.findall(
        r"^ *(\w+) +(\d+) +0\.7000 +1\.5000 +2\.0 +1\.5 +2\.00 +(\w+)", done.stdout, re.M
    )
    assert [row[:2] for row in rows] == [("ce", "9"), ("ce", "10"), ("kl", "9"), ("kl", "10")] * 2
    assert {row[2] for row in rows} == {path.stem for path in paths}

    paths[0].write_text("{")
    done = invoke("results", "digits", "--store", tmp_path)
    assert done.exit_code == 1
    assert paths[0].name in done.stderr
    assert done.stdout.count("0.7000") == 7

    done = invoke("results", "cifar10", "--store", tmp_path)
    assert (done.exit_code, done.stdout) == (0, f"No records in {tmp_path} of cifar10.\n")


def test_runs_are_comparable_if_they_differ_in_arm_and_seed_only(digits):
    one, *more = grid(digits, arms=["kl", "ce", "null", "kl_logits"], seeds=[0, 1], epochs=2)
    other = grid(digits, arms=["kl"], seeds=[0], epochs=2, precision="mixed_bfloat16")
    made = [
        experiments.new_record(config, digits, outcome(config), {})
        for config in [*other, one, *more]
    ]
    groups = comparable(made)
    assert sorted(map(len, groups.values())) == [1, 8]
    for heading, group in groups.items():
        assert group[0].config.precision in heading


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--seeds", "0-9"], "seeds is '0-9', expected a range such as 0:10, numbers such as"),
        (["--seeds", "1:x"], "seeds is '1:x', expected a range"),
        (["--seeds", "3:3"], "a sweep needs at least one loss and one seed"),
        (["--loss", ","], "a sweep needs at least one loss and one seed"),
        (["--loss", "kl,mse"], "loss is 'mse', expected one of"),
        (["--workers", 0], "workers is 0, expected a whole number from 1"),
        (
            ["--workers", 2, "--scheduler", "tcp://127.0.0.1:1"],
            "workers is 2, but the scheduler has workers of its own",
        ),
    ],
)
def test_a_sweep_that_can_not_be_is_refused_in_one_line(tmp_path, args, message):
    done = invoke("sweep", "digits", "--store", tmp_path, *args)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"kl-lib: {message}")
    assert done.stderr.count("\n") == 1


def test_seeds_are_ranges_and_numbers(tmp_path, pretend):
    pretend({})
    done = invoke("sweep", "digits", "--store", tmp_path, "--seeds", "0:2, 7", "--loss", "null")
    assert done.exit_code == 0, done.output
    found = experiments.read_records(tmp_path, "digits")
    assert [(r.config.arm, r.config.seed) for r in found] == [("null", 0), ("null", 1), ("null", 7)]


# A cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Address of a scheduler, and the processes of its two workers."""
    pytest.importorskip("distributed")
    address, processes = start_cluster(2, tmp_path_factory.mktemp("cluster"))
    yield address, processes[1:]
    for process in processes:
        kill(process)


@pytest.mark.thorough
def test_a_cluster_gives_the_same_results_also_if_a_worker_is_killed_in_the_middle_of_a_run(
    tmp_path, cluster, undisturbed
):
    from distributed import Client

    address, (first, second) = cluster
    reached = 3

    def halt():
        """Make runs of this worker wait for ever after some epochs: there it is to be killed."""
        import threading

        from kl_lib.experiments.machinery import runs

        compute = runs.compute

        def compute_and_wait(config, data, environment, progress, checkpoint, keep):
            def report(step, **numbers):
                progress(step, **numbers)
                if step == reached:
                    threading.Event().wait()

            return compute(config, data, environment, report, checkpoint, keep)

        runs.compute = compute_and_wait

    def watch(status):
        # The other worker has done all that is left to do.
        if len(status.finished) == RUNS - 1 and [*status.running.values()] == [reached]:
            first.kill()

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2)
        of = {pid: worker for worker, pid in client.run(os.getpid).items()}
        client.run(halt, workers=[of[first.pid]])
        said = []
        found = sweep(tmp_path, toys(), scheduler=address, watch=watch, say=said.append)
        heard = [news for _, news in client.get_events(TOPIC)]
    assert said == [f"a worker of {address} is gone, workers left: 1"]
    assert first.wait(timeout=10) != 0, "no worker was killed in the middle of a run"
    assert second.poll() is None
    whole, part = [*range(1, EPOCHS + 1)], [*range(1, reached + 1)]
    epochs = [[n["epochs"] for n in heard if n["run"] == record.config.id] for record in found]
    assert sorted(epochs, key=len) == [whole] * (RUNS - 1) + [part + whole]
    assert numbers(tmp_path) == numbers(undisturbed[0])


def test_a_sweep_that_is_stopped_leaves_the_cluster_and_the_locks_free(tmp_path, cluster):
    from distributed import Client

    address, (_, second) = cluster
    toy = experiments.find_experiment(TOY).experiment
    [config] = all_configs(toy, seeds=[0], epochs=10_000)

    def watch(status):
        if status.running.get(config.id, 0) >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path, [config], scheduler=address, watch=watch)
    assert records(tmp_path) == []
    with locked(tmp_path, config):
        pass
    with Client(address, set_as_default=False) as client:
        for worker in client.nthreads():
            answer = client.submit(len, [1, 2, 3], pure=False, workers=[worker])
            assert answer.result(timeout=20) == 3
    assert second.poll() is None


@pytest.mark.thorough
def test_a_run_that_fails_on_a_cluster_says_why(tmp_path, cluster, digits):
    address, _ = cluster
    [config] = grid(digits, arms=["kl"], seeds=[0], epochs=1, threads=1, validation_split=1 - 1e-9)
    with pytest.raises(SweepError, match="leaves 0 of 1437 images to train on"):
        sweep(tmp_path, [config], scheduler=address)


def test_a_scheduler_that_is_not_there_is_named(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    from kl_lib.experiments.machinery import cluster as module

    monkeypatch.setattr(module, "TIMEOUT", 1)
    nowhere = "tcp://127.0.0.1:9"
    done = invoke("sweep", "digits", "--store", tmp_path, "--scheduler", nowhere)
    assert done.exit_code == 1
    assert f"kl-lib: no scheduler answers at {nowhere} (" in done.stderr
    assert "Traceback" not in done.output


# What the book says was lost


def test_the_campaign_that_the_book_shows_did_all_faults_and_lost_nothing():
    with open(RECORD, encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert tuple(head) == HEAD
    assert [what for what, *_ in rows] == [fault.__doc__ for fault in FAULTS]
    for what, sweeps, times, lost in rows:
        if not lost.startswith("not tried"):
            assert (lost, int(sweeps) >= 3, int(times) > 0) == ("nothing", True, True), what
