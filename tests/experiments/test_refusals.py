"""What no run, sweep or store can be: said in one line, at once, without a traceback."""

import os
import struct
import time
import zipfile
from pathlib import Path

import pytest
from calling import TOY, invoke

from kl_lib import commands, experiments
from kl_lib.experiments import (
    ConfigError,
    DataError,
    RunBusyError,
    all_configs,
    find_experiment,
    grid,
)
from kl_lib.experiments.machinery import files
from kl_lib.experiments.machinery.loading import load
from kl_lib.experiments.machinery.locks import locked_id
from kl_lib.experiments.machinery.store import check_writable

# Numbers


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--threads", 2**31], "threads is 2147483648, expected a whole number from 1 to 1024"),
        (["--threads", 100_000], "threads is 100000, expected a whole number from 1 to 1024"),
        (["--workers", 100_000], "workers is 100000, expected at most 1024"),
        (["--batch-size", 10**20], "batch_size is 100000000000000000000, expected a whole number"),
        (["--seeds", "0:100000000"], "a sweep is of at most 100000 runs, and these would be 3000"),
        (["--seeds", "0:60000"], "a sweep is of at most 100000 runs, and these would be 180000 o"),
        (["--scheduler", "foo"], "scheduler is 'foo', expected an address such as tcp://192.0."),
        (["--scheduler", "http://x"], "scheduler is 'http://x', expected an address such as"),
        (["--scheduler", "tcp://x"], "scheduler is 'tcp://x', expected an address such as"),
        (["--scheduler", "tcp://x:99999"], "scheduler is 'tcp://x:99999', expected an address"),
    ],
)
def test_a_sweep_that_would_hang_or_crash_is_refused_at_once(tmp_path, args, message):
    began = time.monotonic()
    done = invoke("sweep", "digits", "--store", tmp_path, *args)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"kl-lib: {message}")
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - began < 10


def test_every_experiment_has_the_limit_of_threads(tmp_path):
    path = tmp_path / "many.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from kl_lib.experiments import *\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Many(Experiment):\n"
        "    name, measure = 'many', Measure('x', margins=(1,))\n"
        "    threads: int = 1\n"
        "    def run(self, data, progress, checkpoint): return {'x': 1}\n"
    )
    many = find_experiment(str(path)).experiment
    for threads in (0, -1, 1025, 2**31):
        with pytest.raises(ConfigError, match=f"threads is {threads}, expected a whole number fro"):
            all_configs(many, seeds=[0], threads=threads)
    assert all_configs(many, seeds=[0], threads=1024)[0].threads == 1024


def test_a_grid_of_too_many_runs_is_refused_before_it_is_made(toy):
    endless = iter(int, 1)
    with pytest.raises(ConfigError, match="a sweep is of at most 100000 runs"):
        all_configs(toy, seeds=endless)
    with pytest.raises(ConfigError, match="these would be 1000000 or more"):
        all_configs(toy, seeds=[0], epochs=[*range(1, 1001)], pause=[i / 10 for i in range(1000)])
    digits = experiments.load_data("digits")
    with pytest.raises(ConfigError, match="a sweep is of at most 100000 runs"):
        grid(digits, arms=["kl"], seeds=range(10**9))


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "tls://node-1.cluster:1", "ws://[::1]:8786", "inproc://a/1"]
)
def test_an_address_of_a_scheduler_is_taken(address):
    from kl_lib.experiments.machinery.addresses import check_address

    check_address(address)


# Data


def test_a_file_that_claims_more_than_there_is_memory_is_damaged(tmp_path):
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (3255208333, 32, 32, 3), }"
    header = header.ljust(117) + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"123"
    with zipfile.ZipFile(tmp_path / "big.npz", "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", array)
    done = invoke("run", "cifar10", "--data", tmp_path / "big.npz", "--store", tmp_path)
    assert done.exit_code == 1
    assert "big.npz cannot be read (Unable to allocate" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('no columns')", r"^odd\.py, line 8: ValueError: no columns$"),
        ("return None", "load of odd has returned None, expected Arrays"),
        ("return 9 * [1]", r"load of odd has returned \[1, 1, 1, 1, 1, 1, 1, 1, 1\], expected Arr"),
    ],
)
def test_a_load_that_fails_is_one_line(tmp_path, body, message):
    path = tmp_path / "odd.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from kl_lib.experiments import *\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Odd(Experiment):\n"
        "    name, measure = 'odd', Measure('x', margins=(1,))\n"
        "    @staticmethod\n"
        "    def load():\n"
        f"        {body}\n"
        "    def run(self, data, progress, checkpoint): return {'x': 1}\n"
    )
    with pytest.raises(DataError, match=message):
        load(find_experiment(str(path)).experiment, {})
    done = invoke("run", path, "--store", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1


def test_data_files_are_told_apart_by_name(tmp_path, monkeypatch):
    import numpy as np

    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.ones(5000))
    np.save("a=b.npy", np.zeros(5000))
    args = ["run", TOY, "--set", "epochs=1", "--store", tmp_path / "store"]
    two = invoke(*args, "--data", "a.npy", "--data", "target=a.npy")
    assert two.exit_code == 2
    assert "--data has two files for target: give each a name, NAME=FILE" in two.stderr
    wrong = invoke(*args, "--data", "human=a.npy")
    assert "data file is called 'human', expected one of: target" in wrong.stderr
    for given in ("a.npy", "target=a.npy", "a=b.npy", "target=a=b.npy"):
        assert invoke(*args, "--data", given).exit_code == 0
    found = {r.data["sha256"] for r in experiments.read_records(tmp_path / "store", "toy")}
    assert found == {
        experiments.Arrays("", target=values).sha256 for values in (np.ones(5000), np.zeros(5000))
    }


def test_a_record_has_the_checksum_of_each_array_and_any_of_them_makes_another_run(tmp_path, toy):
    import hashlib

    import numpy as np

    np.save(tmp_path / "t.npy", np.zeros(5000))
    data = load(toy, {}, {"target": tmp_path / "t.npy"})
    expected = hashlib.sha256(b"target <f8 (5000,)\n" + np.zeros(5000).tobytes()).hexdigest()
    assert data.facts()["checksums"] == {"target": expected}
    one, two = np.zeros(3), np.ones(3)
    sums = {
        experiments.Arrays("", human=h, images=i).sha256 for h in (one, two) for i in (one, two)
    }
    assert len(sums) == 4


# Files


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_a_file_has_the_mode_that_the_umask_says(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        files.write_whole(tmp_path / "record.json", b"{}")
    finally:
        os.umask(before)
    assert (tmp_path / "record.json").stat().st_mode & 0o777 == mode


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see what is synced")
@pytest.mark.parametrize("make", ["write", "check", "lock"])
def test_new_folders_are_on_the_disk_with_their_names(tmp_path, monkeypatch, make):
    synced = []
    real = os.fsync

    def fsync(handle):
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    if make == "lock":
        with locked_id(tmp_path / "a" / "b", "0" * 16):
            pass
        new = tmp_path / "a" / "b" / ".scratch"
    else:
        new = tmp_path / "a" / "b" / "c"
        {"write": lambda p: files.write_whole(p, b"{}"), "check": check_writable}[make](new / "r")
    assert {str(parent) for parent in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")} <= {*synced}
    assert new.is_dir()


# Locks


def test_a_lock_that_another_host_left_behind_says_how_to_clear_it(tmp_path, toy, monkeypatch):
    import filelock

    # As where the system has no flock.
    monkeypatch.setattr(filelock, "FileLock", filelock.SoftFileLock)
    [config] = all_configs(toy, seeds=[0], epochs=1, pause=0)
    lock = tmp_path / ".scratch" / f"{config.id}.lock"
    lock.parent.mkdir()
    lock.write_text("4711\nnode-7\n")
    with pytest.raises(RunBusyError) as busy:
        experiments.run(tmp_path, config, toy.load())
    assert str(busy.value) == (
        f"run {config.id} is being done by another process (process 4711 on node-7; if there is "
        f"none any more, delete {lock}): call again when that has ended"
    )
    from kl_lib.experiments.machinery.status import Status
    from kl_lib.experiments.machinery.sweeps import _awaited

    status = Status(configs=(config,), finished={})
    assert f"(process 4711 on node-7; if there is none any more, delete {lock})" in _awaited(
        tmp_path, status, [config]
    )
    lock.unlink()  # the remedy, to the letter
    assert experiments.run(tmp_path, config, toy.load()).config == config


# Names


def test_the_old_name_of_a_command_points_to_the_new_one_and_to_what_others_mean_by_it():
    assert "drift" not in invoke("--help").output
    for args in (["drift"], ["drift", "cifar10", "--epochs", "3"], ["drift", "--help"]):
        done = invoke(*args)
        assert done.exit_code == 2
        assert done.stderr == f"kl-lib: {commands.RENAMED['drift']}\n"
    assert "kl-lib trajectories" in commands.RENAMED["drift"]
    assert "PSI" in commands.RENAMED["drift"]


# A scheduler that dies


def test_a_scheduler_that_dies_is_one_line(tmp_path):
    pytest.importorskip("distributed")
    import faults

    address, processes = faults.start_cluster(1, tmp_path)
    store = tmp_path / "store"
    try:
        args = ["--loss", "kl", "--seeds", "0", "--epochs", "10000", "--scheduler", address]
        swept = faults.start(store, *args, grid=[TOY])
        faults.wait_for(lambda: [*store.glob(".scratch/*.checkpoint")], swept)
        processes[0].kill()
        status, _, errors = faults.end(swept)
        assert (status, errors) == (1, f"kl-lib: the scheduler at {address} is gone\n")
    finally:
        for process in processes:
            faults.kill(process)


def test_a_scheduler_that_dies_while_it_is_asked_is_the_same_line(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    import faults

    from kl_lib.experiments.machinery import cluster as module

    monkeypatch.setattr(module, "TIMEOUT", 1)
    address, processes = faults.start_cluster(0, tmp_path)
    cluster = module.Cluster(address, tmp_path / "store", None, None, False, print)
    try:
        for process in processes:
            faults.kill(process)
        with pytest.raises(ConnectionError, match=f"^the scheduler at {address} is gone$"):
            cluster.slots()
    finally:
        cluster.close()
