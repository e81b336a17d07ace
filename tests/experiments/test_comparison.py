"""Recorded runs compared: which are paired, which are refused, and what is printed."""

import json
import re
from dataclasses import fields, replace

import numpy as np
import pytest
from calling import invoke
from scipy import stats

from kl_lib import experiments
from kl_lib.experiments import RULE, ComparisonError, assess, compare
from kl_lib.experiments.analysis.pairing import arm_name

# One of the source's four runs; everything but arm, seed and accuracy is kept of it.
MODEL = next(
    run
    for run in experiments.read_records(experiments.book_results(), "cifar10")
    if run.config.recipe == 1
)
CE = [7070, 7011, 7042, 7099, 6987, 7030, 7051, 7023, 7008, 7066]
KL = [7061, 7030, 7040, 7105, 6999, 7011, 7049, 7040, 6990, 7071]
NULL = [7075, 7002, 7061, 7080, 7001, 7022, 7060, 7015, 7020, 7049]


def record(arm, seed, correct, environment=None, **changes):
    """A record of 10,000 test images of which `correct` were right, counted in float32."""
    loss, disturbance = ("ce", 1e-7) if arm == "null" else (arm, 0.0)
    config = replace(MODEL.config, loss=loss, disturbance=disturbance, seed=seed, **changes)
    accuracy = float(np.float32(correct) / np.float32(10_000))
    return replace(
        MODEL,
        config=config,
        environment=MODEL.environment | (environment or {}),
        result=MODEL.result | {"test_accuracy": accuracy},
    )


def arm_records(arm, counts, **changes):
    return [record(arm, seed, correct, **changes) for seed, correct in enumerate(counts)]


@pytest.fixture
def three():
    return [*arm_records("kl", KL), *arm_records("ce", CE), *arm_records("null", NULL)]


# Pairing


def test_differences_are_taken_seed_by_seed_in_whole_images(three):
    found = compare(three)
    exact = [(kl - ce) / 10_000 for kl, ce in zip(KL, CE, strict=True)]
    assert found["kl"].differences == pytest.approx(exact, abs=1e-15)
    assert found["kl"].seeds == tuple(range(10))
    assert found["null"].differences[0] == pytest.approx(5e-4, abs=1e-15)


def test_the_order_of_the_records_does_not_matter(three):
    shuffled = [three[i] for i in np.random.default_rng(0).permutation(len(three))]
    assert compare(shuffled)["kl"] == compare(three)["kl"]


def test_seeds_are_paired_by_their_number_and_not_by_their_place():
    kl = [record("kl", seed, correct) for seed, correct in ((5, 7000), (9, 7100))]
    ce = [record("ce", seed, correct) for seed, correct in ((9, 7099), (5, 6999))]
    assert compare(kl + ce)["kl"].differences == pytest.approx((1e-4, 1e-4), abs=1e-15)


def test_the_assessment_is_that_of_the_differences(three):
    exact = np.subtract(KL, CE) / 10_000
    assert compare(three)["kl"].assessment.mean == pytest.approx(exact.mean(), abs=1e-15)
    assert compare(three)["kl"].assessment.margins[1].p == pytest.approx(assess(exact).margins[1].p)


def test_arms_have_their_means_and_unpaired_spreads(three):
    ce, kl, null = sorted(compare(three).arms, key=lambda arm: arm.name)
    assert (ce.name, kl.name, null.name) == ("ce", "kl", "null")
    assert ce.mean == pytest.approx(np.mean(CE) / 10_000)
    assert kl.spread == pytest.approx(np.std(KL, ddof=1) / 10_000)
    assert compare(three).arms[0].name == "ce"  # the reference is first


def test_the_unpaired_interval_is_welchs_and_wider_where_pairs_agree(three):
    found = compare(three)["kl"]
    a, b = np.array(KL) / 1e4, np.array(CE) / 1e4
    error = np.sqrt(a.var(ddof=1) / 10 + b.var(ddof=1) / 10)
    assert np.mean(found.unpaired) == pytest.approx(a.mean() - b.mean())
    # Student's factor lies between those for 9 and for 18 degrees of freedom.
    assert 2.1009 < (found.unpaired[1] - found.unpaired[0]) / (2 * error) < 2.2622
    assert found.correlation > 0.8
    assert np.ptp(found.unpaired) > np.ptp(found.assessment.interval)


def test_the_unpaired_interval_does_not_assume_equal_spreads():
    """Welch and Satterthwaite, with degrees of freedom near those of the arm that spreads."""
    wide, narrow = [7000, 7100, 6900, 7050], [7000, 7001, 6999, 7000]
    found = compare([*arm_records("kl", wide), *arm_records("ce", narrow)])["kl"]
    va, vb = (np.var(x, ddof=1) / 4 for x in (wide, narrow))
    freedom = (va + vb) ** 2 / (va**2 / 3 + vb**2 / 3)
    assert freedom == pytest.approx(3, abs=0.01)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(va + vb) / 1e4
    mean = (np.mean(wide) - np.mean(narrow)) / 1e4
    assert found.unpaired == pytest.approx((mean - half, mean + half))


def test_runs_with_equal_accuracies_have_no_correlation_and_no_unpaired_interval():
    found = compare([*arm_records("kl", [7000] * 10), *arm_records("ce", [7000] * 10)])["kl"]
    assert found.correlation is None
    assert found.unpaired is None
    assert found.assessment.verdict == "undecided"


def test_an_arm_whose_runs_are_all_alike_is_compared_without_a_warning():
    found = compare([*arm_records("kl", KL), *arm_records("ce", [7000] * 10)])["kl"]
    low, high = found.unpaired
    assert (low, high) == pytest.approx(found.assessment.interval)  # one variance is 0
    assert low < high


def test_two_pairs_have_no_correlation_because_two_points_are_always_on_a_line():
    assert (
        compare([*arm_records("kl", KL[:2]), *arm_records("ce", CE[:2])])["kl"].correlation is None
    )


# By another field than the loss


def test_precisions_of_one_loss_are_compared_when_asked_for(three):
    mixed = arm_records("ce", KL, precision="mixed_bfloat16")
    found = compare([*three[10:20], *mixed], by=["precision"], reference="float32")
    assert found["mixed_bfloat16"].assessment.mean == pytest.approx(
        np.mean(KL) / 1e4 - np.mean(CE) / 1e4
    )
    assert "precision" not in found.shared
    assert found.shared["loss"] == "ce"


def test_an_arm_is_called_by_loss_or_null_or_by_the_fields_asked_for():
    null = record("null", 0, 7000).config
    assert arm_name(null) == "null"
    assert arm_name(null, ["precision", "threads"]) == "float32, 2"


# What is refused


def test_a_seed_without_a_partner_is_named(three):
    with pytest.raises(ComparisonError, match=r"seed 9 has a run of ce and none of null: run what"):
        compare(three[:-1])
    with pytest.raises(ComparisonError, match=r"seed 0, 3 and 4 has a run of kl and none of ce"):
        compare([r for r in three if r.config.arm != "ce" or r.config.seed not in (0, 3, 4)])


def test_seeds_that_are_missing_on_both_sides_are_all_named():
    records = [*arm_records("kl", KL[:3]), record("ce", 0, 1), record("ce", 7, 1)]
    with pytest.raises(
        ComparisonError, match="seed 1 and 2 has a run of kl and none of ce; seed 7 "
    ):
        compare(records)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("precision", "mixed_bfloat16", "'mixed_bfloat16'"),
        ("backend", "jax", "'jax'"),
        ("data_sha256", "0" * 64, "'0000"),
        ("threads", 1, "1"),
        ("epochs", 26, "26"),
        ("batch_size", 100, "100"),
        ("validation_split", 0.3, "0.3"),
        ("recipe", 2, "2"),
        ("dataset", "digits", "'digits'"),
        ("optimizer", "keras.optimizers:SGD", "'keras.optimizers:SGD#"),
        ("network", "keras.applications:MobileNet", "'keras.applications:MobileNet#"),
        ("learning_rate", 0.01, "0.01"),
    ],
)
def test_runs_that_differ_in_more_than_arm_and_seed_are_refused_with_the_field_and_the_run(
    three, field, value, text
):
    other = record("null", 9, 7000, **{field: value})
    with pytest.raises(ComparisonError) as refusal:
        compare([*three[:-1], other])
    message = str(refusal.value)
    assert message.startswith(f"{field} is not the same in all runs: it is ")
    assert f"and {text}" in message
    assert f" in {other.config.id} (null, seed 9)" in message
    assert "in 29 runs such as" in message


def test_every_field_of_a_config_is_in_that_list_or_makes_an_arm(three):
    tried = {
        "precision", "backend", "data_sha256", "threads", "epochs", "batch_size",
        "validation_split", "recipe", "dataset", "network", "optimizer", "learning_rate",
    }  # fmt: skip
    tried |= {"data_files"}  # test_data_files has it
    assert {field.name for field in fields(MODEL.config)} == tried | {"loss", "disturbance", "seed"}


def test_the_same_run_twice_is_refused(three):
    with pytest.raises(
        ComparisonError, match="there are two runs of kl with seed 3: leave one out"
    ):
        compare([*three, three[3]])


def test_too_few_runs_or_arms_are_refused(three):
    with pytest.raises(
        ComparisonError, match=r"there is one pair of kl and ce, seed 0: .* at least 2"
    ):
        compare([three[0], three[10]])
    with pytest.raises(ComparisonError, match="all 10 runs are of ce: there is nothing to compare"):
        compare(three[10:20])
    with pytest.raises(
        ComparisonError, match=r"reference is 'hinge', .* arms are 'kl', 'ce' and 'null'"
    ):
        compare(three, reference="hinge")
    with pytest.raises(ComparisonError, match="there are no runs: nothing can be compared"):
        compare([])


@pytest.mark.parametrize("by", [["seed"], ["loss", "colour"]])
def test_only_fields_of_a_config_make_arms(three, by):
    with pytest.raises(ComparisonError, match=f"by has '{by[-1]}', expected fields of a config"):
        compare(three, by=by)


def test_a_contrast_that_is_not_there_is_named(three):
    with pytest.raises(KeyError, match="'kl_logits'; there are 'kl' and 'null'"):
        compare(three)["kl_logits"]


# What is reported


def test_what_differs_and_is_no_choice_is_listed(three):
    packages = MODEL.environment["packages"] | {"keras": "9.9"}
    three[0] = record("kl", 0, KL[0], {"packages": packages, "cpu": "another", "git_dirty": True})
    found = compare(three)
    assert found.mixed["keras"] == tuple(sorted(("9.9", MODEL.environment["packages"]["keras"])))
    assert "another" in found.mixed["cpu"]
    assert "numpy" not in found.mixed
    assert "Not the same in all runs: keras (3.15.1 and 9.9)" in str(found)
    assert compare(three[1:10] + three[11:20]).mixed == {}


def test_the_dict_is_plain_json_with_every_number(three):
    found = compare(three)
    content = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert content["contrasts"]["kl"]["differences"] == list(found["kl"].differences)
    assert content["contrasts"]["null"]["verdict"] == "equivalent"
    assert content["arms"]["ce"]["values"][0] == 0.707
    assert content["shared"]["epochs"] == 25
    assert "seed" not in content["shared"]
    assert "loss" not in content["shared"]


def test_the_table_shows_points_with_signs_and_a_column_for_each_arm(three):
    rows = compare(three).rows()
    assert list(rows) == ["kl − ce", "null − ce"]
    mean = 100 * np.mean(np.subtract(KL, CE)) / 10_000
    assert rows["kl − ce"]["mean difference"] == f"{mean:+.2f}".replace("-", "−")
    assert rows["kl − ce"]["margin ±1: verdict"] == "equivalent"
    assert rows["kl − ce"]["pairs"] == "10"
    text = str(compare(three))
    assert "kl − ce" in text
    assert "70.39" in text  # the mean of CE
    assert "-" not in "".join(rows["kl − ce"].values())


@pytest.mark.parametrize(
    ("shift", "sentence"),
    [
        (0, "margin of 1 point: equivalent, because the 90 % interval, .* lies inside the margin; "
            "the 95 % interval, .* includes 0"),
        (30, "margin of 1 point: equivalent, because .* lies inside the margin; "
             "the 95 % .* excludes 0"),
        (60, "margin of 0.5 points: different, because the 90 % interval, .* reaches beyond the "
             "margin and the 95 % interval, .* excludes 0"),
    ],
)  # fmt: skip
def test_a_conclusion_gives_its_reason(shift, sentence):
    found = compare([*arm_records("kl", np.add(KL, shift)), *arm_records("ce", CE)])
    assert any(re.search(sentence, line) for line in found.conclusions()), found.conclusions()


def test_a_conclusion_that_can_not_be_drawn_says_why():
    few = compare([*arm_records("kl", KL[:9]), *arm_records("ce", CE[:9])])
    assert few.conclusions()[0].endswith("undecided, because 9 pairs are fewer than 10")
    same = compare([*arm_records("kl", np.add(CE, 3)), *arm_records("ce", CE)])
    assert "undecided, because all differences are the same" in same.conclusions()[0]
    wide = compare(
        [*arm_records("kl", np.add(CE, np.multiply(250, [1, -1] * 5))), *arm_records("ce", CE)]
    )
    assert "undecided, because the 90 % interval" in wide.conclusions()[0]
    assert wide.conclusions()[0].endswith("includes 0")


# The command


@pytest.fixture
def store(three, tmp_path):
    for each in three:
        experiments.write_record(tmp_path, each)
    return tmp_path


def test_compare_prints_the_rule_the_tables_and_what_cross_entropy_is(store):
    done = invoke("compare", "cifar10", "--store", store)
    assert done.exit_code == 0
    assert RULE in done.stdout
    assert "kl against ce, margin of 1 point: equivalent" in " ".join(done.stdout.split())
    assert "Cross-entropy on tensorflow uses the logits behind the softmax" in done.stdout


def test_compare_as_json_holds_the_same(store, three):
    done = invoke("compare", "cifar10", "--store", store, "--json")
    assert json.loads(done.stdout) == [json.loads(json.dumps(compare(three).as_dict()))]


def test_compare_keeps_runs_apart_that_are_no_partners_and_says_what_is_missing(store):
    for arm in ("kl", "null"):
        experiments.write_record(store, record(arm, 0, 7000, threads=1))
    done = invoke("compare", "cifar10", "--store", store, "--json")
    assert done.exit_code == 1
    assert len(json.loads(done.stdout)) == 1
    assert "threads 1, tensorflow" in done.stderr
    assert (
        "reference is 'ce', the baseline of convnet, and there is no such run: the arms are 'kl' "
        "and 'null'" in done.stderr
    )


def test_compare_names_runs_without_another_arm_and_compares_the_others(store):
    experiments.write_record(store, record("ce", 0, 7000, precision="mixed_bfloat16"))
    done = invoke("compare", "cifar10", "--store", store, "--json")
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)) == 1
    assert "mixed_bfloat16, recipe 1: all runs are of ce, so nothing is compared" in done.stderr


def test_compare_by_precision_takes_one_loss_at_a_time(tmp_path):
    for each in (
        *arm_records("ce", CE),
        *arm_records("ce", KL, precision="mixed_bfloat16"),
        *arm_records("kl", KL),
        *arm_records("kl", CE, precision="mixed_bfloat16"),
    ):
        experiments.write_record(tmp_path, each)
    done = invoke("compare", "cifar10", "--store", tmp_path, "--by", "precision",
                  "--reference", "float32", "--json")  # fmt: skip
    found = json.loads(done.stdout)
    assert {each["shared"]["loss"] for each in found} == {"ce", "kl"}
    assert all(list(each["contrasts"]) == ["mixed_bfloat16"] for each in found)


def test_compare_with_nothing_to_compare_says_so(tmp_path):
    done = invoke("compare", "digits", "--store", tmp_path)
    assert done.exit_code == 1
    assert done.stdout == (
        f"Nothing to compare in {tmp_path} of digits. `kl-lib sweep digits` makes runs.\n"
    )


def test_a_damaged_record_is_one_line_on_stderr(store):
    path = next((store / "cifar10").glob("*.json"))
    path.write_text(path.read_text()[:-20])
    done = invoke("compare", "cifar10", "--store", store)
    assert done.exit_code == 1
    assert f"{path.name} is not whole JSON" in done.stderr
