"""An experiment with several data files: the checksum of each is part of what makes a run."""

import hashlib
import json
import pickle
import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from calling import invoke

from kl_lib import experiments
from kl_lib.experiments import (
    Arrays,
    ComparisonError,
    ConfigError,
    DataError,
    all_configs,
    find_experiment,
)
from kl_lib.experiments.machinery import jobs
from kl_lib.experiments.machinery.loading import load

TWO = '''\
"""Two files."""
from dataclasses import dataclass

import numpy as np

from kl_lib.experiments import Arrays, Experiment, Measure


@dataclass(frozen=True, kw_only=True)
class Two(Experiment):
    name, arms, baseline = "two", ("sign",), "1"
    measure = Measure("sum", margins=(1.0,))
    sign: int = 1

    @staticmethod
    def load(human, images=None):
        first = np.load(human)
        return Arrays("two", human=first, images=first if images is None else np.load(images))

    def run(self, data, progress, checkpoint):
        return {"sum": float(data["human"].sum() + self.sign * data["images"].sum() + self.seed)}
'''


@pytest.fixture
def two(tmp_path):
    (tmp_path / "two.py").write_text(TWO)
    for number in range(3):
        np.save(tmp_path / f"{number}.npy", np.full(4, float(number)))
    return find_experiment(f"{tmp_path / 'two.py'}:Two").experiment


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def config(two, seed=0, **files):
    [found] = all_configs(two, seeds=[seed], file=files)
    return found


def test_the_checksum_of_each_file_is_in_the_identity_by_its_name(two, tmp_path):
    found = config(two, human=tmp_path / "0.npy", images=tmp_path / "1.npy")
    assert found.as_dict()["data_files"] == {
        "human": sha256(tmp_path / "0.npy"), "images": sha256(tmp_path / "1.npy")
    }  # fmt: skip
    text = json.dumps(found.as_dict(), sort_keys=True, separators=(",", ":"))
    assert found.id == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_with_one_file_the_id_is_what_it_was(two, tmp_path):
    found = config(two, human=tmp_path / "0.npy")
    assert found.data_files == ()
    text = json.dumps(
        {"experiment": "two", "version": 1, "seed": 0, "sign": 1, "data_sha256": found.data_sha256},
        sort_keys=True, separators=(",", ":"),
    )  # fmt: skip
    assert found.id == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_another_file_another_name_or_one_more_byte_makes_another_run(two, tmp_path):
    zero, one, other = (tmp_path / f"{number}.npy" for number in range(3))
    longer = tmp_path / "longer.npy"
    longer.write_bytes(one.read_bytes() + b"\0")  # which numpy.load does not read
    found = {
        config(two, human=human, images=images).id
        for human, images in (
            (zero, one), (one, zero), (zero, zero), (other, one), (zero, other), (zero, longer)
        )
    }  # fmt: skip
    assert len(found) == 6
    again = config(two, images=one, human=zero)
    assert again == config(two, human=zero, images=one)
    assert hash(again) == hash(config(two, human=zero, images=one))


def test_a_folder_counts_as_all_that_is_in_it(two, tmp_path):
    from kl_lib.experiments.machinery.several import sums_of

    folder = tmp_path / "images"
    (folder / "b").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "b" / "c.txt").write_text("c")
    listing = subprocess.run(
        ["sha256sum", "a.txt", "b/c.txt"], cwd=folder, capture_output=True, check=True
    ).stdout
    found = dict(sums_of({"human": tmp_path / "0.npy", "images": folder}))
    assert found["images"] == hashlib.sha256(listing).hexdigest()
    (folder / "b" / "c.txt").rename(folder / "b" / "d.txt")
    assert dict(sums_of({"human": tmp_path / "0.npy", "images": folder})) != found


def test_a_file_that_is_not_there_is_named(two, tmp_path):
    with pytest.raises(DataError, match=r"^data file images is .*gone\.npy, which can't be read: "):
        config(two, human=tmp_path / "0.npy", images=tmp_path / "gone.npy")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda given, path: given | {"images": path / "2.npy"},
            r"data_files is of other files: images is {one}, but the file has {two}: make the",
        ),
        (
            lambda given, path: {"human": given["images"], "images": given["human"]},
            r"other files: human is {zero}, but the file has {one}, and images is {one}, but the f",
        ),
    ],
)
def test_data_of_other_files_are_refused_with_the_name_of_the_file(two, tmp_path, change, message):
    given = {"human": tmp_path / "0.npy", "images": tmp_path / "1.npy"}
    made = config(two, **given)
    experiments.run(tmp_path, made, load(two, {}, given))
    sums = {
        name: sha256(tmp_path / f"{n}.npy")[:16] for n, name in enumerate(("zero", "one", "two"))
    }
    with pytest.raises(ConfigError, match=message.format(**sums)):
        experiments.run(tmp_path, made, load(two, {}, change(given, tmp_path)), force=True)


def test_data_of_the_files_that_a_user_has_loaded_are_taken_if_they_have_the_same_numbers(
    two, tmp_path
):
    given = {"human": tmp_path / "0.npy", "images": tmp_path / "1.npy"}
    made = config(two, **given)
    assert experiments.run(tmp_path, made, two.load(**given)).config == made
    with pytest.raises(ConfigError, match="data_sha256 is"):
        experiments.run(tmp_path, made, two.load(tmp_path / "0.npy"), force=True)


def test_a_file_that_changes_during_a_sweep_is_named(two, tmp_path):
    given = {"human": tmp_path / "0.npy", "images": tmp_path / "1.npy"}
    made = config(two, **given)
    np.save(tmp_path / "1.npy", np.full(4, 7.0))
    with pytest.raises(experiments.SweepError, match=r"data_files is of other files: images is"):
        experiments.sweep(tmp_path / "store", [made], file=given, workers=1)


def test_a_run_is_sent_and_read_back_with_its_files(two, tmp_path):
    made = config(two, human=tmp_path / "0.npy", images=tmp_path / "1.npy")
    assert jobs.unpacked(pickle.loads(pickle.dumps(jobs.packed(made)))) == made
    assert pickle.loads(pickle.dumps(made)) == made
    assert two.from_dict(made.as_dict()) == made
    experiments.run(
        tmp_path, made, load(two, {}, {"human": tmp_path / "0.npy", "images": tmp_path / "1.npy"})
    )
    (tmp_path / "two.py").unlink()
    [record] = experiments.read_records(tmp_path, "two")
    assert (record.config.id, record.config.data_files) == (made.id, made.data_files)


@pytest.mark.parametrize("value", ["human", 7, {"human": "abc"}, {"no name": "0" * 64}, [("a",)]])
def test_checksums_that_are_none_are_refused(two, value):
    with pytest.raises(ConfigError, match="expected the SHA-256 of each file"):
        two(seed=0, data_sha256="0" * 64, data_files=value)


def test_runs_of_different_files_are_not_compared_and_the_file_is_named(two, tmp_path):
    for seed in (0, 1):
        for sign, images in ((1, "1.npy"), (2, "2.npy")):
            given = {"human": tmp_path / "0.npy", "images": tmp_path / images}
            [made] = all_configs(two, seeds=[seed], file=given, sign=sign)
            # Else the checksum of the arrays is named first.
            made = replace(made, data_sha256="0" * 64)
            record = experiments.new_record(made, Arrays("x"), {"sum": 1.0, "seconds": 1}, {})
            record = replace(record, data=record.data | {"sha256": "0" * 64})
            experiments.write_record(tmp_path, record)
    records = experiments.read_records(tmp_path, "two")
    with pytest.raises(ComparisonError, match=r"^data_files\.images is not the same in all runs"):
        experiments.compare(records)
    assert len(experiments.comparable(records)) == 2
    with pytest.raises(ComparisonError, match="by has 'data_files', expected fields"):
        experiments.compare(records, by=["data_files"])


def test_commands_show_the_files_and_find_runs_by_them(two, tmp_path):
    store = ["--store", str(tmp_path / "store")]
    place = f"{tmp_path / 'two.py'}:Two"
    sums = {n: sha256(tmp_path / f"{n}.npy") for n in range(3)}
    for images in (1, 2):
        done = invoke("run", place, *store, "--data", f"human={tmp_path / '0.npy'}",
                      "--data", f"images={tmp_path / f'{images}.npy'}")  # fmt: skip
        assert done.exit_code == 0, done.stderr
        assert f", human {sums[0][:16]}, images {sums[images][:16]}\n" in done.stdout
    condition = ["--where", f"data_files.images={sums[2]}"]
    [row] = json.loads(invoke("results", place, *store, "--json", *condition).stdout)
    assert row["data_files.human"] == sums[0]
    shown = invoke("show", row["id"], *store).stdout
    assert re.search(rf"data_files +human {sums[0]}, images {sums[2]}\n", shown)
    table = experiments.runs_table(experiments.read_records(tmp_path / "store", "two"))
    assert set(table["data_files.images"]) == {sums[1], sums[2]}
    assert "data_files" not in table
