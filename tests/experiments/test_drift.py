"""How runs of one seed part: traced runs against `train`, gradients against TensorFlow's own."""

import json
import math
import os
import re
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kl_lib.experiments import RecordError, book_results
from kl_lib.experiments.convnet.drift import (
    Counts,
    Trace,
    apart,
    drift_path,
    looks,
    read_drift,
    read_drifts,
    write_drift,
)

RESULTS = Path(__file__).parents[2] / "results"
pytestmark = pytest.mark.thorough

# Training in a process of its own: the number of threads can be set once in each.
TRACING = """
    import json, math, sys
    from dataclasses import replace
    import numpy as np
    from kl_lib.experiments import Config, describe_environment, load_data, train
    from kl_lib.experiments.convnet.drift import vectors as module
    from kl_lib.experiments.machinery.checkpoint import Checkpoint
    from kl_lib.experiments.convnet.drift import apart, study_drift, trace, write_drift
    from kl_lib.experiments.convnet.drift.vectors import true_class

    folder = sys.argv[1]
    digits = load_data("digits")
    ce = Config(dataset="digits", data_sha256=digits.sha256, loss="ce", seed=3, epochs=2,
                batch_size=100, threads=1)
    environment = describe_environment(ce)
    heard = []
    study = study_drift(ce, digits, on_epoch=lambda *news: heard.append(news[:2]))
    write_drift(folder, study)

    # The weights that a real run of the suite ends with.
    def trained(config):
        kept = Checkpoint(f"{folder}/{config.id}.checkpoint", config, environment)
        train(config, digits, checkpoint=kept)
        return kept.load().arrays

    def vector(arrays):
        # Weights are float32 and of any shape; what else there is comes later.
        return np.concatenate([np.ravel(a) for a in arrays]).astype(float)

    ends = {}
    traces = {}
    for name, config in {"ce": ce, "kl": replace(ce, loss="kl"),
                         "kl_logits": replace(ce, loss="kl_logits"),
                         "null": replace(ce, disturbance=1e-7)}.items():
        traces[name] = trace(config, digits)
        arrays = [a for a in trained(config) if a.dtype == np.float32]
        whole = vector(arrays)[: len(traces[name].weights[-1])]
        ends[name] = float(np.abs(whole - traces[name].weights[-1]).max())
    again = apart(trace(ce, digits), traces["ce"])

    # The first gradient, from TensorFlow's tape, in the same order and under the same masks.
    import keras, tensorflow as tf
    from kl_lib.experiments.convnet.batches import batches
    from kl_lib.experiments.convnet.initial import epoch_order, initial_model
    model = initial_model(ce, (8, 8, 1))
    training = batches(digits.x_train[:1149], digits.y_train[:1149], 100)
    training.order = epoch_order(3, 0, 1149)
    x, p = training[0]
    with tf.GradientTape() as tape:
        loss = model.loss(p, model(x, training=True))
    tape_gradient = vector([g.numpy() for g in tape.gradient(loss, model.trainable_variables)])
    gradient = traces["ce"].first_gradient

    # Whole epochs, as fit sums them up; with a clip that many probabilities are below.
    from kl_lib.experiments.convnet.batches import stream
    module.CLIP = 0.1
    counts = trace(ce, digits).counts
    model = initial_model(ce, (8, 8, 1))
    model.compile(optimizer=model.optimizer, loss=model.loss, metrics=[true_class(False)],
                  jit_compile=False)
    data, order = stream(digits.x_train[:1149], digits.y_train[:1149], 100)
    ordered = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: order(epoch_order(3, epoch, 1149)))
    fitted = model.fit(data, epochs=2, shuffle=False, verbose=0, callbacks=[ordered]).history
    module.CLIP = 1e-7

    # The metric, fed by hand.
    p = np.eye(3)[[0, 1, 2, 0]].astype("float32")
    q = np.array([[9e-8, 0.5, 0.5], [0.5, 1.1e-7, 0.5], [0.5, 0.5, 0.0], [0.25, 0.5, 0.25]])
    metric = true_class(False)
    metric.update_state(p, q.astype("float32"))
    first = {k: float(v) for k, v in metric.result().items()}
    metric.update_state(p[3:], q[3:].astype("float32"))
    second = {k: float(v) for k, v in metric.result().items()}
    metric.reset_state()
    metric.update_state(p[3:], q[3:].astype("float32"))
    reset = {k: float(v) for k, v in metric.result().items()}
    metric = true_class(True)
    metric.update_state(p[:1], np.array([[0.0, 20.0, 0.0]], "float32"))
    logits = {k: float(v) for k, v in metric.result().items()}

    def refusal(config, **choices):
        try:
            study_drift(config, digits, **choices)
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    # A study that is stopped in its third arm; one of its checkpoints is then damaged.
    from pathlib import Path
    from kl_lib.experiments import run_drift

    class Stopped(Exception):
        pass

    stopped, went_on, said = [], [], []

    def stop(*news):
        stopped.append(news[:2])
        if stopped[-1] == ("kl", 1):
            raise Stopped

    store = Path(folder, "stopped")
    try:
        run_drift(store, ce, digits, on_epoch=stop)
    except Stopped:
        pass
    (store / "drift" / "digits" / f"{ce.id}-x.part").touch()  # as a write leaves it that is killed
    kept = sorted(store.glob(".scratch/*.trace"))
    assert len(kept) == 3
    damaged = store / ".scratch" / f"{replace(ce, loss='kl').id}.trace"
    damaged.write_bytes(damaged.read_bytes()[:-1000])
    run_drift(store, ce, digits, say=said.append, on_epoch=lambda *news: went_on.append(news[:2]))

    # Its record is damaged, and what it might go on from is of another network.
    from faults import leave_checkpoint_of_another_network
    from kl_lib.experiments.convnet.drift import arm_configs, drift_path

    path = drift_path(store, ce)
    whole = path.read_bytes()
    path.write_bytes(whole[:-50])
    for arm in arm_configs(ce).values():
        leave_checkpoint_of_another_network(store, arm, environment, ".trace")
    unfit = []
    run_drift(store, ce, digits, say=unfit.append)

    print("ANSWER", json.dumps({
        "unfit": unfit,
        "as before": path.read_bytes() == whole,
        "stopped": stopped,
        "went on": went_on,
        "said": [damaged.stem, *said],
        "ends": ends,
        "again": [again.weights, again.predictions, again.labels, again.first_loss,
                  again.first_gradient],
        "first loss": [float(loss), traces["ce"].first_loss],
        "gradient error": float(np.abs(tape_gradient - gradient).max() / np.abs(gradient).max()),
        "gradient size": [float(np.linalg.norm(gradient)), study.first_gradient],
        "sizes": [len(gradient), len(traces["ce"].weights[0])],
        "kernels": sum(math.prod(v.shape) for v in model.trainable_variables if len(v.shape) > 1),
        "initial": [float(np.abs(traces["null"].weights[0] - traces["ce"].weights[0]).std())],
        "sums": [float(np.abs(q.sum(1) - 1).max()) for t in traces.values() for q in t.predictions],
        "metric": [first, second, reset, logits],
        "counts": [counts.below_clip, counts.lowest],
        "fitted": [fitted["below_clip"], fitted["lowest"]],
        "heard": heard,
        "wrong": {loss: [w.loss, w.gradient] for loss, w in study.wrong.items()},
        "text": str(study),
        "disturbed": refusal(replace(ce, disturbance=1e-7)),
        "unknown": refusal(ce, arms=["null", "mse"]),
        "itself": refusal(ce, arms=["ce"]),
    }))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def tracing(folder):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TRACING), str(folder)],
        capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.split("ANSWER ")[1])


@pytest.fixture(scope="module")
def study(tracing, folder):
    [found] = read_drifts(folder, "digits")
    return found


# A traced run is a run of the suite


@pytest.mark.parametrize("arm", ["ce", "kl", "kl_logits", "null"])
def test_a_traced_run_ends_with_the_weights_of_the_run_itself_to_the_last_bit(tracing, arm):
    assert tracing["ends"][arm] == 0


def test_the_same_run_traced_twice_is_nowhere_apart(tracing):
    weights, predictions, labels, first_loss, first_gradient = tracing["again"]
    assert set(weights) | set(predictions) | set(labels) == {0}
    assert first_loss == first_gradient == 0


def test_the_first_loss_and_gradient_are_those_of_tensorflows_tape(tracing):
    taped, traced = tracing["first loss"]
    assert traced == pytest.approx(taped, rel=1e-6)
    assert tracing["gradient error"] < 1e-5
    assert len(set(tracing["sizes"])) == 1
    assert tracing["gradient size"][0] == tracing["gradient size"][1]


def test_predictions_are_distributions_also_for_a_network_without_softmax(tracing):
    assert max(tracing["sums"]) < 1e-6


def test_each_epoch_of_each_run_is_reported(tracing):
    arms = ["ce", "null", "kl", "kl_logits", "other seed"]
    assert tracing["heard"] == [[arm, epoch] for arm in arms for epoch in (1, 2)]


# What the study finds on the digits


def test_kl_begins_at_the_same_weights_and_with_nearly_the_same_gradient(study):
    for arm in ("kl", "kl_logits"):
        assert study.arms[arm].weights[0] == study.arms[arm].predictions[0] == 0
        assert 0 < study.arms[arm].first_gradient < 1e-5
    assert study.arms["other seed"].first_gradient > 0.1


def test_the_first_losses_differ_by_nine_clipped_zeros(study):
    """KL raises each zero of a one-hot label to 1e-7, near uniform predictions: 1e-7·log(1e-6)."""
    expected = 9 * 1e-7 * math.log(1e-7 / 0.1)
    assert study.arms["kl"].first_loss == pytest.approx(expected, rel=0.1)
    assert abs(study.arms["kl_logits"].first_loss) < 1e-6


def test_another_seed_is_further_away_than_any_other_arm_at_every_look(study):
    far = study.arms["other seed"]
    for name in ("null", "kl", "kl_logits"):
        near = study.arms[name]
        assert all(a < b for a, b in zip(near.weights, far.weights, strict=True))


def test_runs_that_begin_close_move_apart(study):
    for arm in ("null", "kl", "kl_logits"):
        weights = study.arms[arm].weights
        assert weights[-1] > weights[1]


def test_the_null_arm_begins_1e_minus_7_away_for_each_weight_of_a_kernel(tracing, study):
    count = tracing["kernels"]
    assert study.arms["null"].weights[0] == pytest.approx(1e-7 * math.sqrt(count), rel=0.01)


def test_the_null_arm_begins_with_nearly_the_same_gradient(study):
    """Not so with noise on the biases: it moves ReLUs off zero wherever an image is black."""
    assert 0 < study.arms["null"].first_gradient < 1e-5


def test_the_reference_travels_from_its_start(study):
    assert study.travelled[0] == 0
    assert all(distance > 0 for distance in study.travelled[1:])


def test_every_series_has_a_value_for_each_look_or_epoch(study):
    steps = len(study.steps)
    assert study.steps[0] == 0
    assert study.steps[-1] == 2 * math.ceil(1149 / 100)
    for arm in study.arms.values():
        assert len(arm.weights) == len(arm.predictions) == len(arm.labels) == steps
    assert all(len(c.lowest) == len(c.below_clip) == 2 for c in study.counts.values())
    assert all(0 < low < 1 for c in study.counts.values() for low in c.lowest)


# The clip


def test_kl_clips_and_the_losses_from_logits_do_not(tracing):
    wrong = tracing["wrong"]
    value, gradient = wrong["kl"]
    assert value == pytest.approx(-math.log(1e-7), abs=1e-4)
    assert gradient == 0
    for loss in ("kl_logits", "ce_logits"):
        assert wrong[loss] == pytest.approx([200, 1])


def test_on_tensorflow_cross_entropy_uses_the_logits_behind_the_softmax(tracing):
    assert tracing["wrong"]["ce"] == pytest.approx([200, 1])


def test_probabilities_are_watched_over_all_batches_of_an_epoch(tracing):
    below, lowest = tracing["counts"]
    assert [below, lowest] == tracing["fitted"]
    assert min(below) > 100  # more than one batch holds


def test_the_metric_counts_true_classes_below_the_clip_and_keeps_the_lowest(tracing):
    first, second, reset, logits = tracing["metric"]
    assert first == {"below_clip": 2, "lowest": 0}
    assert second == {"below_clip": 2, "lowest": 0}
    assert reset == {"below_clip": 0, "lowest": 0.25}
    assert logits["below_clip"] == 1
    assert logits["lowest"] == pytest.approx(math.exp(-20), rel=1e-5)


# Looks and distances


@pytest.mark.parametrize("total", [1, 2, 9, 100, 4000])
def test_looks_rise_from_0_to_the_last_step_and_are_evenly_spaced_on_a_logarithmic_axis(total):
    steps = looks(total)
    assert steps[0] == 0
    assert steps[-1] == total
    assert list(steps) == sorted(set(steps))
    late = np.array([step for step in steps if step > 30])
    assert np.all(late[1:] / late[:-1] < 1.4)


def made(weights, predictions, gradient, steps=(0, 1)):
    return Trace(
        steps=steps,
        weights=[np.array(w, float) for w in weights],
        predictions=[np.array(q, float) for q in predictions],
        first_loss=1.0,
        first_gradient=np.array(gradient, float),
        images=1,
        counts=Counts(below_clip=(0,), lowest=(0.5,)),
    )


def test_distances_by_hand():
    one = made([[0, 0], [3, 4]], [[[1, 0], [0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]]], [3, 0])
    other = made([[0, 0], [0, 0]], [[[1, 0], [0.5, 0.5]], [[0.4, 0.6], [0.2, 0.8]]], [0, 4])
    found = apart(one, replace(other, first_loss=1.5))
    assert found.weights == (0, 5)
    assert found.predictions == pytest.approx((0, 0.25))  # 0.5 for one image, 0 for the other
    assert found.labels == (0, 0.5)
    assert found.first_loss == -0.5
    assert found.first_gradient_largest == 4
    assert found.first_gradient == pytest.approx(5 / 4)


def test_runs_that_were_looked_at_after_other_steps_are_not_compared():
    one = made([[0], [1]], [[[1, 0]], [[1, 0]]], [1])
    with pytest.raises(ValueError, match="trace both with the same epochs, batch size and data"):
        apart(one, replace(one, steps=(0, 2)))


def test_a_study_that_makes_no_sense_is_refused_by_name(tracing):
    assert tracing["disturbed"].startswith("ConfigError: disturbance is 1e-07, expected 0")
    for name in ("unknown", "itself"):
        assert "expected one of: null, other seed, kl, kl_logits, ce_logits" in tracing[name]
    assert tracing["unknown"].startswith("ConfigError: arm is 'mse'")


# The record


def test_a_study_comes_back_from_its_record(study, tmp_path):
    path = write_drift(tmp_path, study)
    assert path == drift_path(tmp_path, study.config)
    assert read_drift(path) == study
    assert path.stat().st_size < 100_000


def test_a_record_cut_anywhere_is_refused(study, tmp_path):
    path = write_drift(tmp_path, study)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 101):
        path.write_bytes(whole[:length])
        with pytest.raises(RecordError, match=f"{path.name} is not whole JSON .*Run it again"):
            read_drift(path)


def test_a_record_that_was_edited_renamed_or_is_none_is_refused(study, tmp_path):
    path = write_drift(tmp_path, study)
    text = path.read_text()
    path.write_text(text.replace('"seed": 3', '"seed": 4'))
    with pytest.raises(RecordError, match="its checksum does not match"):
        read_drift(path)
    path.write_text(text.replace('"schema": 1', '"schema": 99'))
    with pytest.raises(RecordError, match="its checksum does not match"):
        read_drift(path)
    path.write_text(text)
    with pytest.raises(RecordError, match="which is not its file name"):
        read_drift(path.rename(path.with_name("0123456789abcdef.json")))
    path.write_text("[]")
    with pytest.raises(RecordError, match="it is JSON, but not an object"):
        read_drift(path)
    with pytest.raises(RecordError, match="can't be read"):
        read_drift(path.with_name("gone.json"))


COMMITTED = sorted((RESULTS / "drift").rglob("*.json"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_study_is_whole_and_says_what_it_was_measured_on(path):
    found = read_drift(path)
    assert path == drift_path(book_results(), found.config)
    assert found.data["description"]
    assert found.environment["git_dirty"] is False
    assert len(found.environment["git_commit"]) == 40
    text = path.read_text()
    assert not any(f'"/{folder}' in text for folder in ("home", "root", "tmp", "Users", "work"))


def test_the_tables_name_arms_and_steps(tracing):
    text = tracing["text"]
    for words in ("first batch, against ce", "distance of the weights", "other seed", "step 24"):
        assert words in text


# The command


def invoke(store):
    return subprocess.run(
        [sys.executable, "-u", "-m", "kl_lib.cli", "trajectories", "digits", "--epochs", "1",
         "--batch-size", "250", "--threads", "1", "--store", str(store)],
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip


def test_a_study_that_was_stopped_and_damaged_ends_as_if_it_had_not_been(tracing, study, folder):
    """That a process may be killed at any moment is shown for all runs in test_sweeps."""
    assert tracing["stopped"] == [["ce", 1], ["ce", 2], ["null", 1], ["null", 2], ["kl", 1]]
    # Those of a checkpoint are reported again.
    assert tracing["went on"][:4] == [["ce", 1], ["ce", 2], ["null", 1], ["null", 2]]
    damaged, said = tracing["said"]
    assert said == f"run {damaged} begins again: it has a checkpoint, but it is damaged"
    [found] = read_drifts(folder / "stopped", "digits")
    assert found == study
    assert not [*folder.glob("stopped/.scratch/*.trace")]
    assert not [*folder.glob("stopped/drift/digits/*.part")]


def test_a_damaged_record_and_checkpoints_of_another_network_are_named_and_replaced(tracing):
    record, checkpoints = tracing["unfit"]
    assert "is not whole JSON" in record
    assert record.endswith("Run it again: doing that now")
    said = "begins again: it has a checkpoint, but its arrays are those of another network"
    assert re.fullmatch(rf"study \w{{16}} {said}", checkpoints)
    assert tracing["as before"]


def test_the_command_leaves_a_record_and_shows_it_when_called_again(tmp_path):
    first = invoke(tmp_path)
    assert first.returncode == 0, first.stderr[-2000:]
    [path] = (tmp_path / "drift" / "digits").iterdir()
    lines = first.stdout.splitlines()
    assert re.match(r"ce: epoch 1/1  \d+\.\d s, \d+ s left$", lines[0])
    assert lines[1].startswith("null: epoch 1/1 ")
    assert lines[4].endswith(" s, 0 s left")
    assert "first batch, against ce" in first.stdout
    assert str(path) in first.stdout.replace("\n", "")
    kept = path.read_bytes()
    again = invoke(tmp_path)
    assert again.stdout.startswith("This study is finished already; --force runs it again.")
    assert path.read_bytes() == kept
