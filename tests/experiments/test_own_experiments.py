"""Experiments of one's own: how they are declared, named, loaded, and what is refused."""

import os
import pickle
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest
from calling import TOY, invoke

from kl_lib import experiments
from kl_lib.experiments import (
    Arrays,
    ConfigError,
    DataError,
    Experiment,
    ExperimentError,
    Measure,
    Range,
    TrainingError,
    WorkerError,
    all_configs,
    find_experiment,
)
from kl_lib.experiments.machinery import jobs, naming
from kl_lib.experiments.machinery.choices import choices_of
from kl_lib.experiments.machinery.loading import load

PAGE = Path(__file__).parents[2] / "book" / "reference_experiments.md"
COMMAND = [sys.executable, "-m", "kl_lib.cli"]


@dataclass(frozen=True, kw_only=True)
class Walk(Experiment):
    name = "walk"
    measure = Measure("distance", margins=(0.1,))

    kind: Literal["short", "long"] = "short"
    steps_taken: Annotated[int, Range(ge=1, le=10)] = 3
    lr: Annotated[float, Range(gt=0)] = 1e-3
    warm: bool = False
    label: str = "none"
    decay: Annotated[float, Range(ge=0, lt=1)] | None = None

    def run(self, data, progress, checkpoint):
        return {"distance": 1.0}


def walk(**choices):
    return Walk(seed=0, data_sha256="0" * 64, **choices)


# Choices


def test_a_run_is_known_by_name_version_and_every_field():
    assert walk().as_dict() == {
        "experiment": "walk", "version": 1, "seed": 0, "data_sha256": "0" * 64, "kind": "short",
        "steps_taken": 3, "lr": 1e-3, "warm": False, "label": "none", "decay": None,
    }  # fmt: skip
    ids = {
        walk(**change).id
        for change in (
            {}, {"kind": "long"}, {"steps_taken": 4}, {"lr": 0.1}, {"warm": True}, {"label": "x"},
            {"decay": 0.0},
        )
    }  # fmt: skip
    assert len(ids) == 7


def test_another_version_is_another_run(monkeypatch):
    before = walk().id
    monkeypatch.setattr(Walk, "version", 2)
    assert walk().id != before


def test_a_choice_that_came_later_leaves_the_ids_as_they_were(own):
    before = find_experiment(str(own(declared(WHOLE)))).experiment
    text = WHOLE.replace("lr:", 'later = {"decay": 0.0}\n    decay: float = 0.0\n    lr:')
    after = find_experiment(str(own(declared(text)))).experiment
    old = before(seed=0, data_sha256="0" * 64)
    assert after(seed=0, data_sha256="0" * 64).id == old.id
    assert after(seed=0, data_sha256="0" * 64, decay=0.5).id != old.id
    assert after.from_dict(old.as_dict()).decay == 0


def test_values_of_numpy_and_whole_floats_are_the_same_run():
    assert walk(steps_taken=np.int64(3), lr=np.float64(1e-3), decay=0) == walk(decay=0.0)
    assert type(walk(decay=0).decay) is float


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "wide"}, "kind is 'wide', expected one of: short, long"),
        ({"steps_taken": 0}, "steps_taken is 0, expected a whole number from 1 to 10"),
        ({"steps_taken": 2.0}, "steps_taken is 2.0, expected a whole number from 1 to 10"),
        ({"steps_taken": True}, "steps_taken is True, expected a whole number from 1 to 10"),
        ({"lr": 0}, "lr is 0, expected a number above 0"),
        ({"lr": float("nan")}, "lr is nan, expected a number above 0"),
        ({"lr": None}, "lr is None, expected a number above 0"),
        ({"warm": 1}, "warm is 1, expected true or false"),
        ({"label": 3}, "label is 3, expected text"),
        ({"decay": 1.0}, "decay is 1.0, expected a number from 0 below 1, or none"),
    ],
)
def test_a_value_of_the_wrong_type_or_out_of_range_is_named_with_what_is_allowed(change, message):
    with pytest.raises(ConfigError) as refusal:
        walk(**change)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("kind", "long", "long"), ("steps_taken", "7", 7), ("lr", "1e-3", 1e-3), ("lr", "2", 2.0),
        ("warm", "true", True), ("warm", "No", False), ("label", "7", "7"), ("decay", "none", None),
        ("decay", "0.5", 0.5),
    ],
)  # fmt: skip
def test_a_text_is_read_by_the_type_of_its_choice(name, text, value):
    read = choices_of(Walk)[name].read(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text"), [("warm", "maybe"), ("steps_taken", "1e3"), ("lr", "fast"), ("lr", "inf")]
)
def test_a_text_that_is_no_value_is_refused_as_it_was_written(name, text):
    with pytest.raises(ConfigError, match=rf"{name} is .*expected"):
        choices_of(Walk)[name].read(text)


def test_a_run_that_is_pickled_is_checked_when_it_comes_back():
    config = walk(lr=0.5)
    assert pickle.loads(pickle.dumps(config)) == config
    forged = object.__new__(Walk)
    for name, value in vars(config).items():
        object.__setattr__(forged, name, value)
    object.__setattr__(forged, "kind", "unknown")
    content = pickle.dumps(forged)
    with pytest.raises(ConfigError, match="kind is 'unknown', expected one of: short, long"):
        pickle.loads(content)


# What an experiment has to have


def declared(body, header="@dataclass(frozen=True, kw_only=True)"):
    return textwrap.dedent(f'''
        """As somebody writes it."""
        from __future__ import annotations
        from dataclasses import dataclass
        from typing import Annotated, Literal
        from kl_lib.experiments import *

        {header}
        class Mine(Experiment):
            {textwrap.indent(textwrap.dedent(body), " " * 12).strip()}
    ''')


WHOLE = """\
    name = "mine"
    measure = Measure("error", margins=(0.1,))
    lr: Annotated[float, Range(gt=0)] = 0.1

    def run(self, data, progress, checkpoint):
        return {"error": self.lr * self.seed}
"""


@pytest.fixture
def own(tmp_path):
    numbers = iter(range(100))

    def write(text, name=None):
        path = tmp_path / (name or f"mine{next(numbers)}.py")
        path.write_text(text)
        return path

    return write


def test_a_file_may_postpone_its_annotations(own):
    found = find_experiment(f"{own(declared(WHOLE))}:Mine")
    assert found.experiment.choices()["lr"].wanted == "a number above 0"
    assert found.folder == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "mine"', "", "Mine.name is '', expected letters and digits, such as name = \"mi"),
        ('name = "mine"', 'name = "a/b"', "Mine.name is 'a/b', expected letters and digits"),
        ('"mine"', '"mine"; version = "new"', "Mine.version is 'new', expected a whole number fr"),
        ("measure = ", "measured_by = ", "Mine has no measure, such as measure = Measure"),
        ("def run", "def walk", r"Mine has no run: def run\(self, data, progress, checkpoint\)"),
        ("name =", 'arms = ("loss",); name =', "Mine.arms has 'loss', expected any of seed, data"),
        ("Annotated[float, Range(gt=0)]", "list[float]", "Mine.lr is declared as list.float., exp"),
        ("Annotated[float, Range(gt=0)]", "Colour", "Mine: name 'Colour' is not defined"),
    ],
)
def test_what_an_experiment_lacks_is_said(own, old, new, message):
    text = declared(WHOLE)
    assert old in text
    with pytest.raises(ExperimentError, match=message):
        find_experiment(f"{own(text.replace(old, new))}:Mine")


def test_a_class_that_is_no_dataclass_is_told_which_line_it_lacks(own):
    with pytest.raises(ExperimentError, match=r"Mine lacks the line @dataclass\(frozen=True, kw"):
        find_experiment(f"{own(declared(WHOLE, header=''))}:Mine")


# Names


def test_a_file_with_one_experiment_needs_no_name_of_it(own):
    path = own(declared(WHOLE))
    assert find_experiment(str(path)).experiment is find_experiment(f"{path}:Mine").experiment


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "mnist",
            "experiment is 'mnist', expected one of: cifar10, digits, .*or FILE.py:NAME or mod",
        ),
        ("gone.py:Mine", r"gone.py can't be read: No such file"),
        ("kl_lib.gone:Mine", "kl_lib.gone can't be imported: ModuleNotFoundError"),
        ("kl_lib.experiments:Mine", "kl_lib.experiments has no Mine"),
        (
            "kl_lib.experiments:Record",
            "is <class .*, expected a class that is derived from Experim",
        ),
    ],
)
def test_a_name_that_stands_for_no_experiment_is_refused(name, message):
    with pytest.raises(ExperimentError, match=message):
        find_experiment(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = z\n", r"broken.py can't be loaded: broken.py, line 2: NameError: name 'z' is"),
        ("x = 1\n\ndef (", r"broken.py can't be loaded: broken.py, line 3: SyntaxError"),
    ],
)
def test_a_file_that_fails_is_named_with_the_line(own, text, message):
    path = own(text, "broken.py")
    for _ in range(2):  # nothing half loaded is left behind
        with pytest.raises(ExperimentError, match=message):
            find_experiment(f"{path}:Mine")


def test_a_file_may_import_what_lies_beside_it(own):
    own("LR = 0.25\n", "beside_mine.py")
    path = own("from beside_mine import LR\n" + declared(WHOLE).replace("= 0.1\n", "= LR\n", 1))
    text = path.read_text().replace("from __future__ import annotations\n", "")
    path.write_text(text)
    assert find_experiment(str(path)).experiment.choices()["lr"].required is False


def test_a_package_offers_experiments_by_an_entry_point(monkeypatch):
    from importlib.metadata import EntryPoint

    point = EntryPoint("offered", f"{__name__}:Walk", naming.GROUP)
    monkeypatch.setattr(naming, "entry_points", lambda group: [point])
    assert find_experiment("offered").experiment is Walk
    with pytest.raises(ExperimentError, match="expected one of: offered, cifar10, digits"):
        find_experiment("other")


def test_an_experiment_that_no_other_process_can_find_is_refused_before_it_is_sent():
    @dataclass(frozen=True, kw_only=True)
    class Local(Walk):
        name = "local"

    with pytest.raises(ExperimentError, match="defined in a function: move it to the top of its f"):
        jobs.packed(Local(seed=0, data_sha256="0" * 64))


def test_an_experiment_of_a_notebook_is_refused_before_it_is_sent(tmp_path):
    code = declared(WHOLE).replace("from __future__ import annotations\n", "") + (
        "try:\n"
        f"    sweep({str(tmp_path)!r}, all_configs(Mine, seeds=[0]))\n"
        "except ExperimentError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == (
        "Mine was defined where no other process can find it: put it into a file\n"
    )


def test_a_script_may_define_its_experiment_and_sweep_it(tmp_path):
    text = Path(TOY.removesuffix(":Toy")).read_text() + textwrap.dedent("""

        if __name__ == "__main__":
            from kl_lib.experiments import all_configs, sweep

            configs = all_configs(Toy, seeds=range(2), epochs=1, pause=0)
            records = sweep("store", configs, workers=2)
            print([record.config for record in records] == configs)
    """)
    (tmp_path / "script.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, timeout=100, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(experiments.__file__).parents[2])},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("True\n", "")


# Workers


def packed_toy():
    [config] = all_configs(find_experiment(TOY).experiment, seeds=[0])
    return config, jobs.packed(config)


def test_a_worker_builds_the_run_that_was_sent():
    config, job = packed_toy()
    assert jobs.unpacked(pickle.loads(pickle.dumps(job))) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kl_lib": "9.9"}, r"the worker has kl_lib .* and the sweep 9\.9: install one version"),
        ({"source": "0" * 64}, "the worker has other source of toy than the sweep"),
        ({"reference": "/gone/toy.py:Toy"}, "the worker can't find the experiment: .* No such fil"),
    ],
)
def test_a_worker_that_would_compute_something_else_refuses(change, message):
    _, job = packed_toy()
    with pytest.raises(WorkerError, match=message):
        jobs.unpacked(replace(job, **change))


def test_a_worker_with_another_version_of_the_experiment_refuses(monkeypatch):
    config, job = packed_toy()
    monkeypatch.setattr(type(config), "version", 2)
    with pytest.raises(
        WorkerError, match="has version 2 of toy and the sweep 1: give both the sam"
    ):
        jobs.unpacked(job)


def test_a_worker_checks_every_choice_it_is_sent():
    _, job = packed_toy()
    with pytest.raises(ConfigError, match="loss is 'mse', expected one of: kl, ce"):
        jobs.unpacked(replace(job, values=job.values | {"loss": "mse"}))
    built_in = experiments.Config(dataset="digits", data_sha256="0" * 64, loss="kl", seed=0)
    job = jobs.packed(built_in)
    with pytest.raises(ConfigError, match="loss is 'mse', expected one of: kl, ce, kl_logits"):
        jobs.unpacked(replace(job, values=job.values | {"loss": "mse"}))


# Grids


def test_every_combination_is_run_with_every_seed():
    configs = all_configs(Walk, seeds=[0, 1], lr=[0.1, 0.2], kind=("short", "long"), warm=True)
    found = [(c.seed, c.lr, c.kind, c.warm) for c in configs]
    assert found == [
        (seed, lr, kind, True) for seed in (0, 1) for lr in (0.1, 0.2) for kind in ("short", "long")
    ]
    assert len({c.data_sha256 for c in configs}) == 1
    with pytest.raises(
        ConfigError, match="walk has no choice speed, expected one of: kind, steps_t"
    ):
        all_configs(Walk, seeds=[0], speed=3)
    with pytest.raises(ConfigError, match="at least one lr and one seed"):
        all_configs(Walk, seeds=[0], lr=[])


# Data


def test_the_checksum_of_arrays_is_over_names_types_shapes_and_values():
    import hashlib

    digest = hashlib.sha256(b"a <f8 (2,)\n" + np.array([1.0, 2.0]).tobytes())
    digest.update(b"b <i8 (1, 2)\n" + np.array([[3, 4]]).tobytes())
    assert Arrays("x", b=[[3, 4]], a=[1.0, 2.0]).sha256 == digest.hexdigest()
    others = [
        Arrays("x", a=[1.0, 2.0]), Arrays("x", c=[1.0, 2.0]), Arrays("x", a=[[1.0, 2.0]]),
        Arrays("x", a=[1.0, 3.0]), Arrays("x", a=np.float32([1.0, 2.0])), Arrays("x", a=["1", "2"]),
    ]  # fmt: skip
    assert len({data.sha256 for data in others}) == len(others)


def test_arrays_cannot_be_changed_and_hold_nothing_that_has_no_checksum():
    given = np.array([1.0, 2.0])
    data = Arrays("x", a=given)
    given[0] = 7
    assert data["a"][0] == 1
    with pytest.raises(ValueError, match="read-only"):
        data["a"][0] = 7
    with pytest.raises(DataError, match="a has type object, expected numbers"):
        Arrays("x", a=[None])


def test_data_files_are_given_to_load_by_name(tmp_path):
    np.save(tmp_path / "target.npy", np.zeros(5000))
    toy = find_experiment(TOY).experiment
    for files in (tmp_path / "target.npy", {"target": tmp_path / "target.npy"}):
        assert load(toy, {}, files)["target"].sum() == 0
    with pytest.raises(DataError, match="data file is called 'human', expected one of: target"):
        load(toy, {}, {"human": tmp_path / "target.npy"})
    with pytest.raises(DataError, match="a data file was given, but walk takes none"):
        load(Walk, {}, tmp_path / "target.npy")
    assert load(toy, {}, None, "a note").description == "a note"


def test_data_that_were_changed_after_they_were_loaded_are_refused(tmp_path):
    digits = experiments.load_data("digits")
    config = experiments.Config(dataset="digits", data_sha256=digits.sha256, loss="kl", seed=0)
    changed = replace(digits, x_train=digits.x_train // 2)
    with pytest.raises(
        ConfigError, match=r"\(they were changed after they were loaded\): make the"
    ):
        experiments.run(tmp_path, config, changed)


# Runs


def test_a_run_that_fails_is_one_line_with_the_place(tmp_path):
    [config] = all_configs(find_experiment(TOY).experiment, seeds=[0], epochs=3, fail_at=2, pause=0)
    with pytest.raises(TrainingError, match=r"^toy.py, line \d+: ValueError: the walk ends here$"):
        experiments.run(tmp_path, config, type(config).load())
    done = invoke("run", TOY, "--epochs", 3, "--set", "fail_at=2", "--store", tmp_path)
    assert done.exit_code == 1
    assert re.fullmatch(r"kl-lib: toy\.py, line \d+: ValueError: the walk ends here\n", done.stderr)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            '{"error": float("nan")}',
            "error in the result is nan: nothing can be compared with that",
        ),
        ('{"loss": 1.0}', "result has no error, of what the run has returned"),
        ('{"error": "small"}', "error in the result is 'small', expected a number or a list of"),
        ('{"error": 1.0, "curve": [1, None]}', "curve in the result is None, expected a number"),
    ],
)
def test_a_result_that_is_no_plain_finite_number_is_refused(own, tmp_path, result, message):
    path = own(declared(WHOLE.replace('{"error": self.lr * self.seed}', result)))
    mine = find_experiment(str(path)).experiment
    [config] = all_configs(mine, seeds=[1])
    with pytest.raises(TrainingError, match=message):
        experiments.run(tmp_path, config, mine.load())
    assert [*tmp_path.glob("mine/*.json")] == []


def test_a_record_is_read_and_compared_without_the_experiment(own, tmp_path):
    path = own(declared(WHOLE.replace("lr:", 'arms = ("lr",)\n    baseline = "0.1"\n    lr:')))
    mine = find_experiment(str(path)).experiment
    for config in all_configs(mine, seeds=range(1, 12), lr=[0.1, 0.2]):
        experiments.run(tmp_path, config, mine.load())
    path.unlink()
    records = experiments.read_records(tmp_path, "mine")
    assert [(r.config.arm, r.config.seed) for r in records[:2]] == [("0.1", 1), ("0.1", 2)]
    found = experiments.compare(records)
    assert found["0.2"].differences == pytest.approx([0.1 * seed for seed in range(1, 12)])
    assert "0.2 against 0.1, margin of 0.1: different" in "".join(found.conclusions())


def test_changed_source_of_the_same_version_is_said_once_and_the_runs_are_kept(own, tmp_path):
    path = own(declared(WHOLE))
    args = ["run", f"{path}:Mine", "--seed", "1", "--store", str(tmp_path / "store")]

    def run(*more):
        return subprocess.run([*COMMAND, *args, *more], capture_output=True, text=True, timeout=60)

    assert run().stderr == ""
    path.write_text(path.read_text() + "# a remark\n")
    again, other = run(), run("--set", "lr=0.5")
    assert "is finished already" in again.stdout
    assert other.returncode == 0
    assert other.stderr == (
        "kl-lib: 1 finished runs of mine are of other source with the same version, 1: raise "
        "version if the change alters numbers\n"
    )
    path.write_text(path.read_text().replace('name = "mine"', 'name = "mine"\n    version = 2'))
    assert run().stderr == ""
    assert len([*(tmp_path / "store" / "mine").glob("*.json")]) == 3


# The one in the reference


def tutorial():
    return re.search(r'```python\n(""".*?)```', PAGE.read_text(), re.S)[1]


def test_the_experiment_of_the_reference_has_at_most_40_lines_of_at_most_100_columns():
    lines = tutorial().splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


@pytest.mark.thorough
def test_the_experiment_of_the_reference_is_swept_and_compared_as_it_is_written_there(tmp_path):
    (tmp_path / "my_experiment.py").write_text(tutorial())

    def kl_lib(*args):
        environment = {"PYTHONPATH": str(Path(experiments.__file__).parents[2])}
        return subprocess.run(
            [*COMMAND, *args], capture_output=True, text=True, timeout=200, cwd=tmp_path,
            env={**environment, "PATH": "/usr/bin:/bin", "COLUMNS": "100"},
        )  # fmt: skip

    sweep, compare, *_ = re.findall(r"^kl-lib (.*my_experiment.*)$", PAGE.read_text(), re.M)
    done = kl_lib(*sweep.replace("0:10", "0:3").split())
    assert (done.returncode, done.stderr) == (0, "")
    records = experiments.read_records(tmp_path / "results", "softmax")
    assert len(records) == 2 * 2 * 2 * 3
    assert {(r.config.lr, r.config.batch_size) for r in records} == {
        (lr, size) for lr in (1e-3, 3e-4) for size in (50, 100)
    }
    assert all(0.7 < r.result["accuracy"] == r.history["curve"][-1] < 0.95 for r in records)
    assert all(len(r.history["curve"]) == 10 for r in records)
    again = kl_lib(*sweep.replace("0:10", "0:3").split())
    assert "24 of 24 runs are finished already" in again.stdout
    shown = kl_lib(*compare.split())
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.count("kl against squared, margin of 1 point: undecided") == 4
