"""Runs that go on where they were, what they say meanwhile, and what they keep."""

import json
import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from calling import TOY, invoke

from kl_lib import experiments
from kl_lib.experiments import (
    RecordError,
    TrainingError,
    all_configs,
    find_experiment,
    kept_file,
    run,
    sweep,
)
from kl_lib.experiments.machinery import progress
from kl_lib.experiments.machinery.status import Status


@pytest.fixture
def config(toy):
    [config] = all_configs(toy, seeds=[0], epochs=6, pause=0)
    return config


def stopped_at(step):
    def progress(number, **numbers):
        if number == step:
            raise KeyboardInterrupt

    return progress


def left(store):
    """What is left of runs, by the ends of its names."""
    return sorted(path.suffix for path in store.glob(f".scratch/{'?' * 16}.*"))


# Forced runs


def test_a_forced_run_that_was_stopped_goes_on_when_it_is_forced_again(tmp_path, config):
    data = type(config).load()
    first = run(tmp_path, config, data)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, config, data, force=True, progress=stopped_at(4))
    assert run(tmp_path, config, data) == first  # what was there is there until there is more
    begun = []
    again = run(tmp_path, config, data, force=True, begun=begun.append)
    assert begun == [4]
    assert again.history == first.history
    assert left(tmp_path) == [".lock"]
    run(tmp_path, config, data, force=True, begun=begun.append)
    assert begun == [4, 0]


def test_a_forced_run_takes_nothing_from_one_that_was_not_forced(tmp_path, config):
    data, begun = type(config).load(), []
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, config, data, progress=stopped_at(4))
    assert left(tmp_path) == [".checkpoint", ".lock"]
    run(tmp_path, config, data, force=True, begun=begun.append)
    assert begun == [0]
    assert left(tmp_path) == [".lock"]


def test_a_forced_study_that_was_stopped_goes_on_when_it_is_forced_again(tmp_path, monkeypatch):
    from kl_lib.experiments import Config, State, load_data, run_drift
    from kl_lib.experiments.convnet.drift import record as module

    digits = load_data("digits")
    config = Config(dataset="digits", data_sha256=digits.sha256, loss="ce", seed=0, threads=1)

    def study(config, data, on_epoch, checkpoints):
        checkpoints[config.id].save(State(epochs=[{}] * 3, arrays=[]))
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "study_drift", study)
    monkeypatch.setattr(module, "describe_environment", lambda config: {})
    begun = []
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_drift(tmp_path, config, digits, force=True, begun=begun.append)
    assert [each["ce"] for each in begun] == [0, 3]
    with pytest.raises(KeyboardInterrupt):
        run_drift(tmp_path, config, digits, begun=begun.append)
    assert begun[-1] == dict.fromkeys(begun[-1], 0)


# What is said of the time


def test_epochs_of_a_checkpoint_say_nothing_of_the_pace(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    with progress.steps_shown(10) as show:
        for step in (1, 2, 3):
            show(step, f"epoch {step}", 100.0, old=True)
        now[0] = 4.0
        show(4, "epoch 4")
        show(5, "epoch 5", 2.0)
        show(6, "epoch 6", 2.0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [
        "epoch 3  done before", "epoch 4  4.0 s, 24 s left", "epoch 5  2.0 s, 15 s left",
        "epoch 6  2.0 s, 8 s left",
    ]  # fmt: skip


def test_the_time_left_counts_from_the_epoch_that_a_run_goes_on_from(tmp_path, toy):
    [config] = all_configs(toy, seeds=[0], epochs=6, pause=0.2)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, config, toy.load(), progress=stopped_at(4))
    done = invoke("run", TOY, "--epochs", 6, "--set", "pause=0.2", "--store", tmp_path)
    assert "Going on after epoch 4 of 6\n" in done.stdout
    assert len(re.findall("epoch [1-4]/6  .*  done before\n", done.stdout)) == 4
    assert re.search(r"epoch 5/6  distance [\d.]+  0\.[2-9] s, [01] s left\n", done.stdout)


def test_without_a_terminal_a_sweep_writes_a_line_a_minute(config, capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    status = Status(configs=(config,), finished={})
    with progress.sweep_shown() as show:
        for second in range(200):
            now[0] = float(second)
            status.move({config.id: second // 50}, {})
            show(status)
    assert capsys.readouterr().out.splitlines() == [
        "1 of 6 epochs, 0 of 1 runs, 1 in progress, time left unknown",
        "2 of 6 epochs, 0 of 1 runs, 1 in progress, 4 min 40 s left",
        "3 of 6 epochs, 0 of 1 runs, 1 in progress, 3 min 15 s left",
    ]


def test_what_is_waited_for_is_said_once_after_three_seconds(config, capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    status = Status(configs=(config,), finished={})
    said = []
    with progress.sweep_shown() as show:
        for tenth in range(0, 100):
            now[0] = tenth / 10
            status.waits_for = "workers" if tenth < 20 else f"run {config.id}"
            show(status)
            said.append(capsys.readouterr().out)
    assert [(n / 10, line) for n, line in enumerate(said) if line] == [
        (5.0, f"Waiting for run {config.id}\n")
    ]


def test_a_sweep_knows_what_it_waits_for(tmp_path, config):
    from kl_lib.experiments.machinery.sweeps import _awaited

    status = Status(configs=(config,), finished={})
    status.move({config.id: 0}, {})
    assert _awaited(".", status, []) == "the first epoch: workers are starting"
    status.move({config.id: 1}, {})
    assert _awaited(".", status, [config]) is None
    status.move({}, {config.id: 1})
    assert _awaited(".", status, [config]) == f"run {config.id}, which another process is doing"
    assert "and 1 more" in _awaited(".", status, [config, config])
    assert _awaited(".", status, []) is None


# What is kept


KEEPING = """
from dataclasses import dataclass
from kl_lib.experiments import Experiment, Measure, State

class Model:
    def save(self, path):
        path.write_text("a model")

@dataclass(frozen=True, kw_only=True)
class Keeping(Experiment):
    name = "keeping"
    measure = Measure("error", margins=(0.1,))
    epochs: int = 3

    def run(self, data, progress, checkpoint):
        state = checkpoint.load() or State(epochs=[], arrays=[])
        for epoch in range(len(state.epochs), self.epochs):
            state.epochs.append({"epoch": epoch})
            checkpoint.save(state)
            progress(epoch + 1)
        keep = {"model": Model(), "predictions": lambda: [[0.25, 0.75]]}
        return {"error": 1.0, "keep": keep}
"""


@pytest.fixture
def keeping(tmp_path):
    path = tmp_path / "keeping.py"
    path.write_text(textwrap.dedent(KEEPING))
    return f"{path}:Keeping"


def files(store):
    return sorted(path.name.partition(".")[2] for path in store.glob("keeping/*"))


def test_what_a_run_offers_is_kept_if_that_is_asked_for(tmp_path, keeping):
    store = tmp_path / "store"
    assert invoke("run", keeping, "--store", store).exit_code == 0
    assert files(store) == ["json"]
    assert not (store / ".gitignore").exists()
    done = invoke("run", keeping, "--keep-model", "--store", store)
    assert done.exit_code == 0, done.output
    assert "is finished, but has kept no model: doing that now" in done.stderr
    assert files(store) == ["json", "model.keras", "predictions.npy"]
    assert (store / ".gitignore").read_text().split() == ["*.keras", "*.npy", ".scratch/"]
    [record] = experiments.read_records(store, "keeping")
    assert kept_file(store, record, "model.keras").read_text() == "a model"
    kept = np.load(kept_file(store, record, "predictions.npy"), allow_pickle=False)
    np.testing.assert_array_equal(kept, [[0.25, 0.75]])
    assert "model.keras" in invoke("show", record.config.id, "--store", store).stdout
    again = invoke("run", keeping, "--keep-model", "--store", store)
    assert "is finished already" in again.stdout
    assert invoke("remove", record.config.id, "--yes", "--store", store).exit_code == 0
    assert files(store) == []


def test_a_sweep_keeps_and_does_again_what_has_lost_its_model(tmp_path, keeping):
    store = tmp_path / "store"
    args = ["sweep", keeping, "--seeds", "0:2", "--keep-model", "--store", store]
    assert invoke(*args).exit_code == 0
    assert files(store) == ["json"] * 2 + ["model.keras"] * 2 + ["predictions.npy"] * 2
    gone, changed = sorted(store.glob("keeping/*.keras"))
    gone.unlink()
    changed.write_text("another model")
    records = experiments.read_records(store, "keeping")
    with pytest.raises(RecordError, match="is not what its run has written: its checksum is"):
        [kept_file(store, r, "model.keras") for r in records if r.config.id in changed.name]
    done = invoke(*args)
    assert done.exit_code == 0, done.output
    assert f"{gone} can't be read: No such file or directory: doing that now" in done.stderr
    assert f"{changed} is not what its run has written" in done.stderr
    assert {path.read_text() for path in (gone, changed)} == {"a model"}


def test_a_run_that_offers_nothing_says_so(tmp_path, config):
    with pytest.raises(TrainingError, match="nothing to keep: leave --keep-model out, or return"):
        run(tmp_path, config, type(config).load(), keep=True)
    record = run(tmp_path, config, type(config).load())
    with pytest.raises(RecordError, match=r"has kept no model\.keras: run it with --keep-model"):
        kept_file(tmp_path, record, "model.keras")


@pytest.mark.thorough
@pytest.mark.parametrize("loss", ["kl", "kl_logits"])
def test_the_trained_network_of_the_book_is_kept_with_its_predictions(tmp_path, loss):
    """In a process of its own, as a user does it, and read back in this one."""
    done = subprocess.run(
        [sys.executable, "-m", "kl_lib.cli", "run", "digits", "--loss", loss, "--epochs", "2",
         "--keep-model", "--store", tmp_path],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    [record] = experiments.read_records(tmp_path, "digits")
    model = experiments.load_model(tmp_path, record)
    digits = experiments.load_data("digits")
    found = model.predict(digits.x_test.astype("float32") / 255, verbose=0)
    kept = np.load(kept_file(tmp_path, record, "predictions.npy"))
    np.testing.assert_allclose(kept, found, rtol=1e-4, atol=1e-5)
    accuracy = (kept.argmax(axis=1) == digits.y_test).mean()
    assert accuracy == pytest.approx(record.result["test_accuracy"], abs=1e-6)
    assert (loss == "kl") == np.allclose(kept.sum(axis=1), 1, atol=1e-5)


# A cluster


def test_on_a_cluster_that_sees_the_store_a_run_goes_on_and_may_keep_its_model(tmp_path, keeping):
    pytest.importorskip("distributed")
    from distributed import Client
    from faults import kill, start_cluster

    from kl_lib.experiments.machinery.cluster import TOPIC

    address, processes = start_cluster(1, tmp_path)
    try:
        store = tmp_path / "store"
        [config] = all_configs(find_experiment(keeping).experiment, seeds=[0], epochs=5)
        with pytest.raises(KeyboardInterrupt):
            run(store, config, type(config).load(), progress=stopped_at(3))
        [record] = sweep(store, [config], scheduler=address, keep=True)
        with Client(address, set_as_default=False) as client:
            assert [news["epochs"] for _, news in client.get_events(TOPIC)] == [4, 5]
        assert kept_file(store, record, "model.keras").read_text() == "a model"
        assert left(store) == [".lock"]
        json.loads((store / "keeping" / f"{config.id}.json").read_text())
    finally:
        for process in processes:
            kill(process)


# TensorBoard


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_without_tensorboard_one_line_says_what_to_install(tmp_path, monkeypatch, command):
    from kl_lib.experiments.machinery import backend

    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: None)
    done = invoke(command, TOY, "--tensorboard", tmp_path, "--store", tmp_path)
    assert done.exit_code == 1
    assert done.stderr == ("kl-lib: --tensorboard needs tensorboard: pip install tensorboard\n")


def test_workers_of_a_cluster_are_told_where_to_write_themselves(tmp_path):
    args = ["--tensorboard", tmp_path, "--scheduler", "tcp://127.0.0.1:9", "--store", tmp_path]
    done = invoke("sweep", TOY, *args)
    assert done.exit_code == 2
    assert "workers of a cluster write where they are: set KL_LIB_TENSORBOARD there" in done.stderr


NOTING = """
import keras
from kl_lib.experiments import Config, load_data, tensorboard, train
from kl_lib.experiments.machinery import backend

made = []

class Noting(keras.callbacks.Callback):
    def __init__(self, folder):
        super().__init__()
        self.folder, self.seen = folder, []
        made.append(self)

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(logs["val_accuracy"])

keras.callbacks.TensorBoard = Noting
backend.check_tensorboard = lambda: None
digits = load_data("digits")
choices = {"dataset": "digits", "data_sha256": digits.sha256, "loss": "kl", "threads": 1}
config = Config(seed=0, epochs=2, **choices)
found = train(config, digits)
[noted] = made
assert noted.folder == f"noted/{config.id}", noted.folder
assert noted.seen == [epoch.val_accuracy for epoch in found.epochs]
"""


@pytest.mark.thorough
def test_the_callback_of_keras_gets_a_folder_for_each_run():
    """With a TensorBoard that only notes: the real one is no part of the environment, see below.

    In a process of its own, because a training sets the threads of TensorFlow.
    """
    done = subprocess.run(
        [sys.executable, "-c", NOTING], capture_output=True, text=True, timeout=120,
        env=os.environ | {"KL_LIB_TENSORBOARD": "noted"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


EVENTS = """
import json, sys
from pathlib import Path
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

found = {}
for file in sorted(Path(sys.argv[1]).rglob("*.tfevents.*.v2")):
    events = EventAccumulator(str(file)).Reload()
    found[str(file.parent.relative_to(sys.argv[1]))] = {
        tag: [(e.step, float(make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]
        for tag in ("epoch_loss", "epoch_accuracy")
    }
print("ANSWER", json.dumps(found))
"""


def test_tensorboard_reads_what_a_sweep_has_recorded(tmp_path):
    pytest.importorskip("tensorboard")  # `tools/compat.sh --tensorboard` has it
    sweep = [sys.executable, "-m", "kl_lib.cli", "sweep", "digits", "--loss", "kl,ce"]
    sweep += ["--seeds", "0", "--epochs", "2", "--workers", "1", "--store", str(tmp_path / "a")]
    board = ["--tensorboard", str(tmp_path / "board")]
    done = subprocess.run([*sweep, *board], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    records = experiments.read_records(tmp_path / "a", "digits")
    read = subprocess.run(
        [sys.executable, "-c", EVENTS, str(tmp_path / "board")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found = json.loads(read.stdout.split("ANSWER ")[1])
    assert len(found) == 2 * len(records) == 4
    for record in records:
        for part, prefix in (("train", ""), ("validation", "val_")):
            for measure in ("loss", "accuracy"):
                steps = found[f"{record.config.id}/{part}"][f"epoch_{measure}"]
                expected = record.history[prefix + measure]
                assert [step for step, _ in steps] == [0, 1]
                assert [value for _, value in steps] == pytest.approx(expected, rel=1e-6)


def test_without_being_asked_for_there_is_no_callback(monkeypatch):
    monkeypatch.delenv("KL_LIB_TENSORBOARD", raising=False)
    assert experiments.tensorboard("0" * 16) == []
