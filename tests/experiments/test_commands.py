"""`results` and `compare`: what they take, what they refuse, and what they go on from."""

import json

import pytest
from calling import TOY, invoke

from kl_lib import experiments
from kl_lib.commands import ELSEWHERE
from kl_lib.experiments import all_configs, find_experiment, select


def test_every_registered_command_is_offered_and_has_help():
    listed = invoke("--help").stdout
    for name in ("diagnose", *ELSEWHERE):
        assert f" {name} " in listed
        assert invoke(name, "--help").exit_code == 0


@pytest.mark.parametrize("name", ["toy", TOY, None])
def test_results_are_listed_by_folder_by_class_and_all(store, name):
    done = invoke("results", *([] if name is None else [name]), "--store", store)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count("toy (version 1)") == 2
    assert done.stdout.count("\n kl ") == done.stdout.count("\n ce ") == 6


@pytest.mark.parametrize("width", [200, 78, 60, 45, 40, 20])
def test_results_can_be_read_in_a_narrow_window(store, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    records = experiments.read_records(store, "toy")
    shown = invoke("results", "--store", store).stdout
    for record in records:
        [line] = [line for line in shown.splitlines() if record.config.id in line]
        assert line.split()[:3] == [
            record.config.arm, str(record.config.seed), f"{record.result['error']:.4g}",
        ]  # fmt: skip
    assert ("seconds" in shown) == (width >= 50)
    assert "…" not in shown


@pytest.mark.parametrize("command", ["results", "compare"])
@pytest.mark.parametrize("name", ["mnist", "../outside", ".scratch", ""])
def test_a_name_of_no_experiment_is_refused_with_those_that_are_there(store, command, name):
    (store.parent / "outside").mkdir(exist_ok=True)
    done = invoke(command, name, "--store", store)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"kl-lib: experiment is '{name}', expected one of: cifar10, ")
    assert done.stderr.endswith(f" ({store} has records of: toy)\n")
    assert "sweep" not in done.output


@pytest.mark.parametrize("command", ["results", "compare"])
def test_a_store_that_is_none_is_refused(store, command):
    (store / "file").write_text("")
    for none in (store / "gone", store / "file"):
        done = invoke(command, "digits", "--store", none)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"kl-lib: there is no store {none}: --store takes the folder")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["--by", "foo"],
            "by has 'foo', expected fields of a config other than the seed: data_sha",
        ),
        (["--by", "loss,foo"], "by has 'foo', expected fields of a config other than the seed"),
        (["--by", "seed"], "by has 'seed', expected fields of a config other than the seed"),
    ],
)
def test_a_comparison_by_what_is_no_choice_is_refused(store, args, message):
    done = invoke("compare", "toy", "--store", store, *args)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"kl-lib: {message}")
    assert done.stderr.count("\n") == 1


def test_arms_may_be_told_apart_by_several_choices(store):
    done = invoke(
        "compare", "toy", "--store", store, "--by", "loss,epochs", "--reference", "ce, 2", "--json"
    )
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.stdout)
    assert set(found["contrasts"]) == {"ce, 3", "kl, 2", "kl, 3"}
    assert found["measure"] == "error"


def test_a_reference_that_is_not_there_is_named_with_the_arms(store):
    done = invoke("compare", "toy", "--store", store, "--reference", "foo")
    assert done.exit_code == 1
    assert done.stderr.count("reference is 'foo', and there is no such run: the arms are ") == 2
    for path in store.glob("toy/*.json"):
        if '"loss": "kl"' in path.read_text():
            path.unlink()
    done = invoke("compare", "toy", "--store", store, "--reference", "foo")
    assert done.stderr.count("reference is 'foo', and there is no such run: the arms are 'ce'") == 2


def test_a_comparison_by_other_fields_says_that_it_needs_a_reference_of_their_values(store):
    done = invoke("compare", "toy", "--store", store, "--by", "epochs")
    assert done.exit_code == 1
    refused = (
        "reference is 'ce', the baseline of toy, and there is no such run: the arms are '2' and '3'"
        ". Give one of them as reference\n"
    )
    assert done.stderr.count(refused) == 2  # one for each loss
    assert "makes runs" not in done.stdout
    done = invoke("compare", "toy", "--store", store, "--by", "epochs", "--reference", "2")
    assert (done.exit_code, done.stderr) == (0, "")


def test_a_comparison_of_some_runs_follows_the_advice_to_leave_seeds_out(store):
    [gone] = select(
        experiments.read_records(store, "toy"), ["loss=kl", "epochs=3", "seed=0"]
    )  # fmt: skip
    (store / "toy" / f"{gone.config.id}.json").unlink()
    done = invoke("compare", "toy", "--store", store, "--where", "epochs=3")
    assert done.exit_code == 1
    assert (
        "seed 0 has a run of ce and none of kl: run what is missing, or leave these seeds out"
        in (done.stderr)
    )
    some = ["--where", "epochs=3", "--where", "seed=1,2"]
    done = invoke("compare", "toy", "--store", store, *some, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    [found] = json.loads(done.stdout)
    assert (found["shared"]["epochs"], found["contrasts"]["kl"]["seeds"]) == (3, [1, 2])
    done = invoke("compare", "toy", "--store", store, "--where", "epochs=7")
    assert done.exit_code == 1
    assert done.stdout.startswith(f"Nothing to compare in {store} of toy with epochs=7. ")


def test_groups_of_runs_stand_in_the_order_of_their_choices(tmp_path):
    toy = find_experiment(TOY).experiment
    choices = {"epochs": [10, 9, 100], "pause": [0.5, 0], "fail_at": [None, 200]}
    for config in all_configs(toy, seeds=[0], loss="kl", **choices):
        result = {"error": 1.0, "distance": [1.0], "seconds": 1.0}
        data = toy.load()
        experiments.write_record(tmp_path, experiments.new_record(config, data, result, {}))
    groups = experiments.comparable(experiments.read_records(tmp_path, "toy"))
    found = [(g[0].config.epochs, g[0].config.pause, g[0].config.fail_at) for g in groups.values()]
    assert found == [(e, p, f) for e in (9, 10, 100) for p in (0.0, 0.5) for f in (None, 200)]


def test_a_comparison_goes_on_without_damaged_and_foreign_files(store):
    first, *_ = sorted(
        path for path in store.glob("toy/*.json") if '"epochs": 2' in path.read_text()
    )
    first.write_text(first.read_text()[:-50])
    (store / "toy" / "notes.json").write_text('{"mine": [1, 2]}')
    done = invoke("compare", "toy", "--store", store, "--json")
    assert done.exit_code == 1
    assert f"{first.name} is not whole JSON" in done.stderr
    assert "notes.json is no record of kl_lib: it is JSON of another kind. Move it elsewhere" in (
        done.stderr
    )
    [found] = json.loads(done.stdout)  # the other epochs, of which none is missing
    assert found["shared"]["epochs"] == 3


def test_a_wrong_loss_is_answered_with_all_that_a_loss_may_be():
    done = invoke("sweep", "digits", "--loss", "mse")
    assert done.stderr == (
        "kl-lib: loss is 'mse', expected one of: kl, ce, kl_logits, ce_logits, module:function, "
        "null\n"
    )


def test_what_is_said_of_a_loss_that_can_not_be_imported_ends_there():
    done = invoke("sweep", "digits", "--loss", "not_there:focal")
    assert done.exit_code == 2
    assert done.stderr.startswith("kl-lib: loss is 'not_there:focal', but there is no module not_")
    assert not done.stderr.endswith(", null\n")


def test_a_reason_that_many_runs_have_is_said_once():
    from kl_lib.experiments.machinery.status import Status, SweepError

    failed = {"a" * 16: "no module", "b" * 16: "nan", "c" * 16: "no module"}
    error = SweepError(
        Status(
            configs=tuple(all_configs(find_experiment(TOY).experiment, seeds=range(4))),
            finished={},
            failed=failed,
        )
    )
    assert str(error) == (
        "3 of 4 runs failed, the others are finished and stored. run aaaaaaaaaaaaaaaa and 1 more: "
        "no module; run bbbbbbbbbbbbbbbb: nan"
    )


def test_an_address_of_no_scheduler_is_refused_before_data_are_loaded():
    done = invoke("sweep", TOY, "--scheduler", "foo")
    assert done.exit_code == 2
    assert done.output == (
        "kl-lib: scheduler is 'foo', expected an address such as tcp://192.0.2.1:8786\n"
    )


def test_the_shape_of_each_array_is_shown_as_one(store):
    [record, *_] = experiments.read_records(store, "toy")
    assert "  shapes             target [5000]\n" in (
        invoke("show", record.config.id, "--store", store).stdout
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--set", "loss"], "--set is 'loss', expected NAME=VALUE or NAME=VALUE,VALUE"),
        (["--set", "dataset=cifar10"], "dataset is decided by the name of the experiment, digits"),
        (["--set", "colour=red"], "convnet has no choice colour, expected one of: dataset, loss"),
        (["--epochs", "1,2"], "there are 2 combinations of these choices, expected one"),
        (["--learning-rate", "-1"], "learning_rate is -1.0, expected a number above 0, or none"),
    ],
)
def test_a_choice_that_can_not_be_made_is_one_line(tmp_path, args, message):
    done = invoke("run", "digits", "--store", tmp_path, *args)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"kl-lib: {message}")
    assert done.stderr.count("\n") == 1


def test_run_and_sweep_mean_the_same_run(tmp_path):
    toy = find_experiment(TOY).experiment
    [config] = all_configs(toy, seeds=[3], loss="ce", epochs=2, pause=0)
    args = [TOY, "--loss", "ce", "--epochs", 2, "--set", "pause=0", "--store", tmp_path]
    assert invoke("run", *args, "--seed", 3).exit_code == 0
    assert "1 of 1 runs are finished already" in invoke("sweep", *args, "--seeds", 3).stdout
    assert [path.stem for path in tmp_path.glob("toy/*.json")] == [config.id]
