"""The experiment on human labels: what it measures, what it trains on, what it refuses."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

import kl_lib as kl
from kl_lib import experiments
from kl_lib.experiments import DataError, book_results, read_records
from kl_lib.experiments.soft_labels import measures, targets
from kl_lib.experiments.soft_labels.config import TARGETS, SoftLabels
from kl_lib.experiments.soft_labels.data import load

RNG = np.random.default_rng(3)
P = RNG.multinomial(50, RNG.dirichlet(np.full(10, 0.2), size=400)) / 50
LOGITS = 3 * RNG.normal(size=(400, 10))
LABELS = RNG.integers(10, size=400)
Q = softmax(LOGITS, axis=1)
LOG_Q = measures.log_softmax(LOGITS)


# What is measured


def test_kl_entropy_and_confidence_are_those_of_scipy():
    found = measures.measured(P, LABELS, LOG_Q)
    assert found["kl"] == pytest.approx(entropy(P, Q, axis=1).mean(), rel=1e-12)
    assert found["entropy"] == pytest.approx(entropy(Q, axis=1).mean(), rel=1e-12)
    assert found["confidence"] == pytest.approx(Q.max(axis=1).mean(), rel=1e-12)


def test_likelihood_accuracy_and_brier_score_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    found = measures.measured(P, LABELS, LOG_Q)
    assert found["nll"] == pytest.approx(metrics.log_loss(LABELS, Q, labels=range(10)), rel=1e-12)
    assert found["accuracy"] == metrics.accuracy_score(LABELS, Q.argmax(axis=1))
    one_against_rest = sum(
        metrics.brier_score_loss(each == LABELS, Q[:, each]) for each in range(10)
    )
    assert found["brier"] == pytest.approx(one_against_rest, rel=1e-12)


def test_calibration_error_of_a_case_that_can_be_done_by_hand():
    # Two of three right at 0.7, in the bin from 0.667 to 0.733; and one wrong at 1, in the last.
    confidence, right = np.array([0.7, 0.7, 0.7, 1.0]), np.array([True, True, False, False])
    by_hand = 3 / 4 * abs(2 / 3 - 0.7) + 1 / 4 * abs(0 - 1)
    assert measures.calibration_error(confidence, right) == pytest.approx(by_hand, rel=1e-12)


def test_logits_far_from_zero_stay_finite():
    far = measures.log_softmax(np.array([[0.0, 1000.0, -1000.0]]))
    assert np.allclose(far, [[-1000, 0, -2000]])


def test_the_best_temperature_gives_back_the_one_that_the_answers_were_made_with():
    people = softmax(LOGITS / 2.5, axis=1)
    assert measures.best_temperature(people, LOGITS) == pytest.approx(2.5, rel=1e-4)


@pytest.mark.parametrize("groups", [measures.by_class, measures.by_uncertainty])
def test_groups_make_up_the_whole(groups):
    found, whole = groups(P, LABELS, LOG_Q), measures.measured(P, LABELS, LOG_Q)
    assert sum(found["images"]) == 400
    for name in ("kl", "entropy", "accuracy"):
        mean = np.average(found[name], weights=found["images"])
        assert mean == pytest.approx(whole[name], rel=1e-12)


def test_groups_of_uncertainty_begin_with_the_images_about_which_all_agree():
    found = measures.by_uncertainty(P, LABELS, LOG_Q)
    assert found["images"][0] == (P.max(axis=1) == 1).sum() > 0
    assert found["people_entropy"][0] == 0
    filled = np.array(found["people_entropy"])[np.array(found["images"]) > 0]
    assert len(filled) >= 4
    assert np.all(np.diff(filled) > 0)


def test_agreement_is_one_for_a_network_that_is_unsure_of_the_same_images():
    flattened = 0.5 * np.eye(10)[P.argmax(axis=1)] + 0.5 * P
    with np.errstate(divide="ignore"):
        assert measures.agreement(P, np.log(np.maximum(P, 1e-300))) == pytest.approx(1)
        assert (
            measures.agreement(P, LOG_Q)
            < 0.2
            < measures.agreement(P, np.log(np.maximum(flattened, 1e-300)))
        )


# What is trained on


def test_every_arm_has_distributions_and_the_same_images():
    for name in TARGETS:
        found = targets.targets_for(name, LABELS, P)
        assert found.shape == P.shape
        assert np.allclose(found.sum(axis=1), 1)


def test_smooth_and_class_labels_put_as_much_on_the_label_as_people_do():
    rows = np.arange(400)
    on_label = P[rows, LABELS].mean()
    for name in ("smooth", "class"):
        found = targets.targets_for(name, LABELS, P)
        assert found[rows, LABELS].mean() == pytest.approx(on_label, rel=1e-12)
    smooth = targets.targets_for("smooth", LABELS, P)
    eps = (1 - on_label) / 0.9
    assert np.allclose(smooth, (1 - eps) * np.eye(10)[LABELS] + eps / 10)


def test_class_labels_are_means_over_the_class():
    found = targets.targets_for("class", LABELS, P)
    assert np.allclose(found[LABELS == 4], P[LABELS == 4].mean(axis=0))


def test_halves_depend_on_the_seed_and_on_nothing_else():
    one, other = targets.halves(0, 1001)
    assert len(one) == 500
    assert np.array_equal(np.sort(np.r_[one, other]), np.arange(1001))
    assert np.array_equal(one, targets.halves(0, 1001)[0])
    assert not np.array_equal(one, targets.halves(1, 1001)[0])


# Data


def made(tmp_path, **changes):
    labels = np.arange(20, dtype=np.uint8) % 10
    counts = 2 + 40 * np.eye(10, dtype=np.uint8)[labels]
    images = np.zeros((20, 32, 32, 3), np.uint8)
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    human = changes.pop("human", counts)
    np.savez(tmp_path / "images.npz", **(arrays | changes))
    np.save(tmp_path / "human.npy", human)
    return tmp_path / "images.npz", tmp_path / "human.npy"


def test_human_answers_are_read_as_they_were_published_and_from_npz(tmp_path):
    images, human = made(tmp_path)
    np.savez(tmp_path / "human.npz", human_counts=np.load(human), test_labels=np.arange(20) % 10)
    one, other = load(images, human), load(images, tmp_path / "human.npz")
    assert one.sha256 == other.sha256
    assert one["counts"].sum() == np.load(human).sum()


LABELS_OF_20 = np.arange(20) % 10


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"human": 2 + 40 * np.eye(10)[(LABELS_OF_20 + 1) % 10]}, "same order"),
        ({"human": np.full((20, 10), 0.1)}, "expected counts"),
        ({"human": -np.eye(10)[LABELS_OF_20]}, "expected counts"),
        ({"human": np.zeros((20, 10))}, "at least one"),
        ({"human": np.eye(10)}, "expected (20, 10)"),
        ({"x_test": np.zeros((20, 3, 32, 32), np.uint8)}, "expected uint8 (20, 32, 32, 3)"),
        ({"x_train": np.zeros((20, 32, 32, 3))}, "float64"),
        ({"y_test": LABELS_OF_20 + 1}, "y_test"),
        ({"y_train": LABELS_OF_20 / 1}, "whole numbers from 0 to 9"),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path, changes, said):
    files = made(tmp_path, **changes)
    with pytest.raises(DataError) as refused:
        load(*files)
    assert said in str(refused.value)


def test_what_is_missing_is_named_with_the_way_to_give_it(tmp_path):
    images, human = made(tmp_path)
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "part.npz", x_train=0)
    for files, said in (
        ((None, human), "there are no images"),
        ((images, None), "there are no human answers"),
        ((images, tmp_path / "none.npy"), "there is no file"),
        ((tmp_path / "text.npz", human), "cannot be read"),
        ((tmp_path / "part.npz", human), "lacks y_train, x_test, y_test"),
        ((images, images), "lacks human_counts"),
    ):
        with pytest.raises(DataError) as refused:
            load(*files)
        assert said in str(refused.value)
        assert "--data human=FILE" in str(refused.value)


# Runs: in a process of their own, for the number of threads can be set once in each.

RUNS = """
    import json, sys
    from kl_lib.experiments import all_configs, run
    from kl_lib.experiments.soft_labels import SoftLabels, training
    from kl_lib.experiments.machinery.loading import load as loaded

    images, human, store = sys.argv[1:]
    files = {"images": images, "human": human}
    data = loaded(SoftLabels, {}, files)

    def config(targets):
        [found] = all_configs(SoftLabels, seeds=[0], file=files, targets=targets, epochs=2,
                              tuning_epochs=2, batch_size=50, tuning_rate=0.01)
        return found

    def found(targets, store, **options):
        record = run(store, config(targets), data, **options)
        return {"history": record.history, "result": {
            k: v for k, v in record.result.items() if k not in ("seconds", "peak_memory")}}

    answers = {each: found(each, store) for each in ("hard", "null", "human")}

    class Stop(Exception):
        pass

    for place in (1, 2, 3):
        def progress(step, **numbers):
            if step == place:
                raise KeyboardInterrupt
        training._trained.clear()
        try:
            found("human", f"{store}/stopped", progress=progress, force=True)
        except KeyboardInterrupt:
            training._trained.clear()
        answers[f"stopped after {place}"] = found("human", f"{store}/stopped", force=True)
    print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("soft")
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 200), ("test", 100)):
        y = random.integers(10, size=count).astype(np.uint8)
        x = random.integers(0, 100, size=(count, 32, 32, 3)).astype(np.uint8)
        x[..., 0] += 15 * y[:, None, None]
        arrays |= {f"x_{part}": x, f"y_{part}": y}
    np.savez(folder / "images.npz", **arrays)
    chances = 0.02 + 0.8 * np.eye(10)[arrays["y_test"]]
    np.save(folder / "human.npy", random.multinomial(50, chances))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RUNS), folder / "images.npz", folder / "human.npy",
         folder / "store"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.thorough
def test_arms_of_a_seed_share_their_first_part(runs):
    first = [
        {k: v for k, v in runs[arm]["result"].items() if not k.startswith("heldout")}
        for arm in ("hard", "null", "human")
    ]
    assert first[0] == first[1] == first[2]
    assert runs["hard"]["history"]["training_loss"] == runs["human"]["history"]["training_loss"]


@pytest.mark.thorough
def test_the_null_arm_is_near_the_hard_labels_and_human_labels_are_not(runs):
    hard, null, human = (runs[arm]["result"]["heldout_kl"] for arm in ("hard", "null", "human"))
    assert 0 < abs(null - hard) < 1e-3 * abs(human - hard)


@pytest.mark.thorough
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(runs, place):
    assert runs[f"stopped after {place}"] == runs["human"]


def test_a_run_counts_its_steps_in_both_parts():
    config = SoftLabels(data_sha256="0" * 64, seed=0, epochs=2, tuning_epochs=4)
    assert config.steps == 6
    assert config.arm == "human"


# What is recorded for the book


@pytest.fixture(scope="module")
def records():
    found = read_records(book_results(), "soft_labels")
    return [record for record in found if record.config.tuning_rate == 1e-3]


def test_every_arm_was_run_with_ten_seeds(records):
    found = {(record.config.targets, record.config.seed) for record in records}
    assert found == {(arm, seed) for arm in TARGETS for seed in range(10)}
    assert len(records) == 50


def test_two_arms_were_run_again_with_a_tenth_of_the_rate_and_the_same_first_part(records):
    found = read_records(book_results(), "soft_labels")
    again = [record for record in found if record.config.tuning_rate == 1e-4]
    assert len(found) == len(records) + len(again) == 70
    first = {r.config.seed: r.result["all_kl"] for r in records}
    for record in again:
        assert record.config.targets in ("hard", "human")
        assert record.result["all_kl"] == pytest.approx(first[record.config.seed], rel=1e-6)


def test_records_hold_nothing_of_a_single_image(records):
    for record in records:
        assert max(map(len, record.history.values())) <= 10
        assert min(record.history["all_images_by_uncertainty"]) > 100


def test_what_people_said_is_the_same_in_every_record(records):
    assert len({record.result["people_entropy"] for record in records}) == 1
    assert len({tuple(record.history["all_people_entropy_by_class"]) for record in records}) == 1


def test_recorded_parts_make_up_the_whole(records):
    for record in records:
        images = record.history["all_images_by_class"]
        assert images == [1000] * 10
        for name in ("kl", "entropy", "accuracy"):
            for kind in ("class", "uncertainty"):
                mean = np.average(
                    record.history[f"all_{name}_by_{kind}"],
                    weights=record.history[f"all_images_by_{kind}"],
                )
                assert mean == pytest.approx(record.result[f"all_{name}"], rel=1e-9)


def test_records_are_compared_by_the_rule_that_was_written_down(records):
    comparison = experiments.compare(records)
    assert comparison.reference == SoftLabels.baseline == "hard"
    assert comparison.measure == SoftLabels.measure
    assert comparison["human"].assessment.margins[0].margin == 0.01


def test_the_margin_is_what_fifty_answers_leave():
    # Exact for two answers, one of them with probability 0.9: (2 - 1) / (2 * 50), and a little.
    from scipy.stats import binom

    cats = np.arange(51)
    seen = np.stack([cats, 50 - cats], axis=1) / 50
    mean = binom.pmf(cats, 50, 0.9) @ kl.kl_divergence(seen, np.tile([0.9, 0.1], (51, 1)))
    assert mean == pytest.approx(0.01, rel=0.05)
