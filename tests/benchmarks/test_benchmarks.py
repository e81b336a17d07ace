"""The benchmark: it times KL, it stores whole tables only, and the page says what it found."""

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

import kl_lib as kl
from kl_lib.experiments.machinery import backend

mpl.use("agg")

import candidates
import kl_divergence
import matplotlib.pyplot as plt
import page
import tables
import training
import worker

FOLDER = kl_divergence.FOLDER
SCRIPT = FOLDER / "kl_divergence.py"

NEEDS = {
    "scipy.stats.entropy": ["scipy"],
    "scipy.special.rel_entr": ["scipy"],
    "Keras, eager": ["keras", "tensorflow"],
    "TensorFlow, XLA": ["tensorflow"],
    "TFP Categorical": ["tensorflow_probability"],
    "MXNet, hybridized": ["kl_lib.frameworks.mxnet"],
}


def quick(*arguments):
    command = [sys.executable, SCRIPT, "--quick", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def stored():
    return json.loads(kl_divergence.RESULTS.read_text("utf-8"))


@pytest.fixture(scope="module")
def stored_training():
    return json.loads(training.RESULTS.read_text("utf-8"))


@pytest.fixture(scope="module")
def quick_table(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark") / "deep" / "table.json"
    names = ["kl_lib", "NumPy, one line", "scipy.stats.entropy"]
    result = quick("--only", *names, "--output", path)
    assert result.returncode == 0, result.stderr
    assert list(path.parent.iterdir()) == [path]
    return SimpleNamespace(table=json.loads(path.read_text("utf-8")), said=result.stdout)


# It times KL


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", candidates.CANDIDATES)
def test_every_candidate_computes_kl_of_each_row(name, dtype, monkeypatch):
    for module in NEEDS.get(name, []):
        if module == "kl_lib.frameworks.mxnet":
            from kl_lib.frameworks import mxnet

            if not mxnet.available():
                pytest.skip("mxnet is not installed")
        else:
            pytest.importorskip(module)
    # TensorFlow may already run in this process, with other threads; they do not change what is
    # computed.
    monkeypatch.setattr(backend, "use_threads", lambda threads: None)
    p, q = candidates.distributions(40, 7, dtype, seed=1)
    try:
        result = candidates.CANDIDATES[name][1](p, q, 2)()
    finally:
        kl.set_num_threads(None)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, kl.kl_divergence(p, q), rtol=1e-4, atol=1e-6)
    worker.check(name, result, p, q)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda p, q: kl.kl_divergence(q, p),
        lambda p, q: kl.kl_divergence(p, q) / p.shape[1],
        lambda p, q: kl.kl_divergence(p, q).mean(),
        lambda p, q: np.full(len(p), np.nan),
    ],
    ids=["reversed", "mean over categories", "mean over rows", "nan"],
)
def test_something_else_than_kl_is_not_timed(wrong):
    p, q = candidates.distributions(40, 7, "float64", seed=1)
    with pytest.raises(SystemExit):
        worker.check("wrong", wrong(p, q), p, q)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_rows_are_valid_and_the_close_ones_are_close(dtype):
    p, q = candidates.distributions(100, 10, dtype, seed=2)
    assert kl.kl_divergence(p, q).min() > 0.01
    assert q.min() > 1e-6  # above where Keras clips
    near = kl.kl_divergence(p, candidates.close_to(p))
    assert 1e-8 < np.median(near) < 1e-6


def test_the_read_sees_every_byte_of_both_arrays():
    p, q = np.zeros((1001, 10)), np.zeros((1001, 10))
    for array in (p, q):
        for place in (0, 5004, 5005, -1):
            array.flat[place] = np.frombuffer(np.uint64(2**40).tobytes(), float)[0]
            with candidates.reading(p, q, 2) as read:
                assert np.bitwise_or.reduce(read()) == 2**40
            array.flat[place] = 0


def test_calls_take_turns():
    order = []
    calls = {"read": lambda: order.append("r"), "call": lambda: order.append("c")}
    found = worker.alternated(calls, least=3, most=9, budget=0.0)
    assert "".join(order) == "rc" * 4  # the first of each does not count
    assert {name: len(times) for name, times in found.items()} == {"read": 3, "call": 3}
    assert len(worker.alternated(calls, least=3, most=9, budget=60.0)["call"]) == 9
    order.clear()
    worker.alternated(calls, least=1, most=1, budget=0.0, evict=lambda: order.append("e"))
    assert "".join(order) == "rcerec"


def test_what_is_evicted_is_larger_than_the_caches_and_read_whole(monkeypatch):
    evict = worker.evictor(3)
    (other,) = (cell.cell_contents for cell in evict.__closure__)
    assert other.nbytes == 3e6
    assert evict() == other.size


def test_extra_memory_leaves_out_the_result_and_nothing_else():
    def call():
        temporary = np.ones(3_000_000)
        return temporary[:1_000_000] + 1

    assert worker.extra_bytes(call) == pytest.approx(24e6, rel=0.01)


# It stores whole tables only


def test_a_quick_run_stores_times_machine_and_versions(quick_table):
    table = quick_table.table
    assert table["quick"] is True
    assert set(table["machine"]) >= {"cpu", "cores", "avx512"}
    assert len(table["load_before"]) == 3
    for name, library in table["libraries"].items():
        assert [entry["case"] for entry in library["entries"]] == [
            [*shape, dtype]
            for shape in kl_divergence.QUICK_SHAPES
            for dtype in kl_divergence.DTYPES
        ]
        assert "numpy" in library["versions"]
        for entry in library["entries"]:
            assert min(entry["read"] + entry["call"]) > 0
        assert name in quick_table.said
    assert table["libraries"]["kl_lib"]["entries"][0]["extra_bytes"] > 0
    assert set(table["libraries"]["kl_lib"]["pair"]) == {"kl_lib", "scipy.stats.entropy"}


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "table.json"
    tables.store({"a": [1, 2]}, path)
    with pytest.raises(ValueError, match="JSON"):
        tables.store({"a": float("nan")}, path)
    assert list(tmp_path.iterdir()) == [path]
    assert json.loads(path.read_text()) == {"a": [1, 2]}


def test_the_text_of_a_table_is_its_json(stored, stored_training):
    for table, path in ((stored, kl_divergence.RESULTS), (stored_training, training.RESULTS)):
        assert tables.to_text(table) == path.read_text("utf-8")


def test_a_library_that_is_not_installed_is_said_to_be_missing():
    cases = [[10, 10, "float64"]]
    job = {"name": "MXNet, hybridized", "cases": cases, "threads": 2, **kl_divergence.QUICK}
    blocked = (
        "import sys, runpy\n"
        "sys.modules['mxnet'] = None\n"
        f"sys.argv = ['worker.py', {json.dumps(job)!r}]\n"
        f"sys.path.insert(0, {str(FOLDER)!r})\n"
        "runpy.run_module('worker', run_name='__main__')\n"
    )
    result = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True)
    assert "missing" in json.loads(result.stdout.splitlines()[-1]), result.stderr


@pytest.mark.skipif(os.name != "posix", reason="sends the signal of Ctrl-C")
def test_ctrl_c_stops_it_and_stores_nothing(tmp_path):
    path = tmp_path / "table.json"
    command = [sys.executable, SCRIPT, "--only", "scipy.stats.entropy", "--output", path]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert "scipy" in process.stdout.readline()
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaint.strip() == "stopped; nothing stored"
    assert not list(tmp_path.iterdir())


# The page says what was found


def test_the_stored_table_is_of_a_whole_run(stored):
    assert stored["quick"] is False
    assert list(stored["libraries"]) == list(candidates.CANDIDATES)
    for library in stored["libraries"].values():
        assert "missing" not in library
        assert [entry["case"] for entry in library["entries"]] == [
            [*shape, dtype] for shape in kl_divergence.SHAPES for dtype in kl_divergence.DTYPES
        ]


def test_the_page_says_what_the_tables_say():
    text = page.PAGE.read_text("utf-8")
    assert page.filled(text, *page.stored()) == text


TABLES_ON_THE_PAGE = (
    "medians", "bests", "aims", "details", "functions", "functions_matrix", "functions_small",
    "functions_aims", "training", "training_aims",
)  # fmt: skip


def test_a_changed_number_on_the_page_would_be_noticed():
    text = page.PAGE.read_text("utf-8")
    for name in TABLES_ON_THE_PAGE:
        start = text.index(f"% from the table: {name}\n")
        digit = next(i for i in range(text.index("* -", start + 200), len(text)) if text[i] == ".")
        changed = f"{text[: digit + 1]}{(int(text[digit + 1]) + 1) % 10}{text[digit + 2 :]}"
        assert page.filled(changed, *page.stored()) != changed


def test_the_ratios_are_those_of_the_seconds(stored):
    entry = stored["libraries"]["kl_lib"]["entries"][0]
    said = page.ratios(stored)["kl_lib"][(1_000_000, 10, "float64")]
    assert said == pytest.approx(np.median(entry["call"]) / np.median(entry["read"]))
    best = page.ratios(stored, min)["kl_lib"][(1_000_000, 10, "float64")]
    assert best == pytest.approx(min(entry["call"]) / min(entry["read"]))


def table_of(kl_times, others, *, avx512=True, extra=1e6, pair=0.1):
    """A table in which reading takes 1 second, so that seconds are ratios."""
    cases = [[*shape, dtype] for shape in kl_divergence.SHAPES for dtype in kl_divergence.DTYPES]

    def library(times):
        pairs = zip(cases, times, strict=True)
        return {
            "entries": [
                {"case": case, "read": [1.0], "call": [time], "extra_bytes": extra}
                for case, time in pairs
            ]
        }

    libraries = {name: library(times) for name, times in others.items()}
    libraries["kl_lib"] = library(kl_times)
    libraries["kl_lib"]["pair"] = {"kl_lib": [pair], "scipy.stats.entropy": [1.0]}
    return {"libraries": libraries, "machine": {"avx512": avx512}}


SLOW, OTHER = [50.0] * 4, [5.0, 1.0, 5.0, 1.0]


@pytest.mark.parametrize(
    ("table", "reached"),
    [
        (table_of([4.0] * 4, {"scipy.stats.entropy": SLOW, "X": OTHER}), [True] * 5),
        (
            table_of([4.0, 6.1, 4.0, 4.0], {"scipy.stats.entropy": SLOW, "X": OTHER}),
            [False, True, False, True, True],
        ),
        (
            table_of([4.0, 4.0, 5.0, 4.0], {"scipy.stats.entropy": SLOW, "X": OTHER}, extra=9e6),
            [True, False, True, False, True],
        ),
        (
            table_of([4.0] * 4, {"scipy.stats.entropy": SLOW}, avx512=False, pair=0.31),
            [True, True, None, True, False],
        ),
    ],
    ids=["all", "float32 too slow", "no faster, too big", "without AVX-512, slow pair"],
)
def test_the_verdicts_follow_from_the_numbers(table, reached):
    assert [met for _, _, met in page.aims(table)] == reached


def test_a_busy_machine_is_said_to_be_busy(stored):
    assert "busy machine" in page.conditions(stored | {"load_before": [2.0, 2.0, 2.0]})
    assert "busy" not in page.conditions(stored | {"load_before": [0.2, 2.0, 2.0]})


# The figure


def difference(figure, picture, tmp_path):
    """Root mean square over the pixels, of 255, between a figure and a stored picture."""
    figure.savefig(tmp_path / "now.png")
    plt.close(figure)
    now, kept = plt.imread(tmp_path / "now.png"), plt.imread(picture)
    assert now.shape == kept.shape
    return 255 * np.sqrt(np.mean((now - kept) ** 2))


def test_the_figure_is_that_of_the_table(stored, tmp_path):
    assert difference(page.draw(stored), page.PICTURE, tmp_path) < 2


def test_a_figure_of_other_numbers_would_be_noticed(stored, tmp_path):
    changed = json.loads(json.dumps(stored))
    for entry in changed["libraries"]["kl_lib"]["entries"]:
        entry["call"] = [1.3 * seconds for seconds in entry["call"]]
    assert difference(page.draw(changed), page.PICTURE, tmp_path) > 2
