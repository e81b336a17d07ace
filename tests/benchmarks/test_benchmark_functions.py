"""The benchmark of every function: all that is timed computes the same, and the page follows."""

import copy
import json
import os
import re
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import functions
import functions_page
import numpy as np
import page
import pytest
import tables
from mpmath import mp, mpf

import kl_lib as kl

SCRIPT = Path(functions.__file__)


@pytest.fixture(scope="module")
def stored():
    return json.loads(functions.RESULTS.read_text("utf-8"))


@pytest.fixture(scope="module")
def quick_table(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark") / "deep" / "functions.json"
    command = [sys.executable, SCRIPT, "--quick", "--output", path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert list(path.parent.iterdir()) == [path]
    return json.loads(path.read_text("utf-8"))


# It times what it says

P, Q = [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]
A, B = [0.0, 1.0, -2.0], [3.0, 0.5, 0.5]


def exactly(function):
    """The same by mpmath, of the pair above."""
    with mp.workdps(40):
        p, q = ([mpf(x) for x in row] for row in (P, Q))
        if function == "kl_from_logits":
            p, q = ([mp.exp(x) for x in row] for row in (A, B))
            p, q = ([x / sum(row) for x in row] for row in (p, q))
        terms = [x * mp.log(x / y) for x, y in zip(p, q, strict=True)]
        middle = [(x + y) / 2 for x, y in zip(p, q, strict=True)]
        halves = [
            x * mp.log(x / m) + y * mp.log(y / m) for x, y, m in zip(p, q, middle, strict=True)
        ]
        return {
            "kl_divergence": lambda: sum(terms),
            "entropy": lambda: -sum(x * mp.log(x) for x in p),
            "cross_entropy": lambda: -sum(x * mp.log(y) for x, y in zip(p, q, strict=True)),
            "js_divergence": lambda: sum(halves) / 2,
            "total_variation": lambda: sum(abs(x - y) for x, y in zip(p, q, strict=True)) / 2,
            "kl_terms": lambda: terms,
            "kl_from_logits": lambda: sum(terms),
            "kl_matrix": lambda: sum(terms),
            "kl_gamma": lambda: 0,
        }[function]()


PAIRS = functions.timed()
NAMES = [f"{one.function}, {one.who}" for one in PAIRS]


@pytest.mark.parametrize("one", PAIRS, ids=NAMES)
def test_every_call_computes_its_function_of_each_row(one):
    given = {"pair": (np.array([P, Q]), np.array([Q, Q])), "logits": (np.array([A]), np.array([B]))}
    found = np.asarray(one.bound(given)(), dtype=float)[0]
    expected = np.array(exactly(one.function), dtype=float)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_every_call_of_a_matrix_computes_kl_of_all_pairs():
    given = {"pair": (np.array([Q, P, Q]), np.array([Q, P]))}
    for one in functions.timed_matrix():
        found = one.bound(given)()
        assert found.shape == (3, 2)
        assert found[1, 0] == pytest.approx(float(exactly("kl_divergence")), rel=1e-12)
        assert found[2, 0] == pytest.approx(0, abs=1e-15)


def test_the_closed_forms_are_that_of_an_exponential_where_there_is_one():
    """Gamma of shape 1 is exponential: log(b/d) + d/b − 1."""
    for one in functions.timed_scalars():
        found = one.bound({"gamma": (1.0, 2.0, 1.0, 0.5)})()
        assert found == pytest.approx(np.log(4) + 0.25 - 1, rel=1e-12)


def test_every_function_over_categories_is_timed_with_kl_lib_first():
    names = {
        "kl_divergence", "entropy", "cross_entropy", "js_divergence", "total_variation",
        "kl_terms", "kl_from_logits",
    }  # fmt: skip
    by_function = {}
    for one in PAIRS:
        by_function.setdefault(one.function, []).append(one.who)
    assert set(by_function) == names
    for who in by_function.values():
        assert who[:2] == [functions.KL, functions.NUMPY]


@pytest.mark.parametrize(
    "wrong",
    [lambda p, q: kl.kl_divergence(q, p), lambda p, q: kl.kl_divergence(p, q).mean()],
    ids=["reversed", "mean over rows"],
)
def test_calls_that_differ_are_not_timed(wrong):
    given = {"pair": (np.array([P, Q]), np.array([Q, P]))}
    calls = [PAIRS[0], functions.Timed("kl_divergence", "wrong", wrong)]
    functions.check([PAIRS[0], PAIRS[1]], given)
    with pytest.raises(SystemExit, match="kl_divergence by wrong"):
        functions.check(calls, given)


def numpys_features():
    try:
        return import_module("numpy._core._multiarray_umath").__cpu_features__
    except ImportError:
        return import_module("numpy.core._multiarray_umath").__cpu_features__


def test_the_second_process_has_no_vector_units_left(quick_table):
    units = quick_table["modes"]["all"]["units"]
    assert quick_table["modes"]["baseline"]["units"] == []
    assert all(numpys_features()[name] for name in units)
    assert ("AVX512_SKX" in units) == quick_table["machine"]["avx512"]


# It stores whole tables only


def test_a_quick_run_stores_every_call_in_both_modes(quick_table):
    assert quick_table["quick"] is True
    for mode in functions.MODES:
        part = quick_table["modes"][mode]
        for calls, found in (
            (functions.timed(), part["rows"]),
            (functions.timed_matrix(), part["matrix"]),
            (functions.timed() + functions.timed_scalars(), part["small"]),
        ):
            assert {(f, who) for f, one in found["functions"].items() for who in one} == {
                (one.function, one.who) for one in calls
            }
            times = [t for one in found["functions"].values() for ts in one.values() for t in ts]
            assert min(times) > 0
        assert min(part["rows"]["read"] + part["matrix"]["product"]) > 0
        # 2000 rows: kl_lib works in chunks, so what it holds beside the result is not 0.
        assert all(value > 0 for value in part["rows"]["extra_bytes"].values())


@pytest.mark.skipif(os.name != "posix", reason="sends the signal of Ctrl-C")
def test_ctrl_c_stops_it_and_stores_nothing(tmp_path):
    command = [sys.executable, SCRIPT, "--output", tmp_path / "table.json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert "NumPy with all" in process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaint.strip() == "stopped; nothing stored"
    assert not list(tmp_path.iterdir())


# The page says what was found


def test_the_text_of_the_table_is_its_json(stored):
    assert tables.to_text(stored) == functions.RESULTS.read_text("utf-8")


def test_the_stored_table_is_of_a_whole_run(stored):
    assert stored["quick"] is False


def made(kl_time=2.0, times=None, product=1.0, matrix=2.0, extra=1e6, small=5e-6, gamma=3e-5):
    """A table in which reading takes 1 second, and each line 8 seconds, or one microsecond."""
    own = dict.fromkeys((*functions_page.RATIO_AIMS, "kl_divergence"), kl_time) | (times or {})
    rows = {name: {"kl_lib": [t], "NumPy": [8.0]} for name, t in own.items()}
    pairs = {name: {"kl_lib": [small], "NumPy": [1e-6]} for name in own}
    mode = {
        "units": ["AVX2"],
        "rows": {
            "case": [1000, 10, "float64"],
            "read": [1.0],
            "functions": rows,
            "extra_bytes": dict.fromkeys(own, extra),
        },
        "matrix": {
            "case": [30, 20, 10],
            "product": [product],
            "functions": {"kl_matrix": {"kl_lib": [matrix], "NumPy": [9.0]}},
        },
        "small": {"functions": pairs | {"kl_gamma": {"kl_lib": [gamma], "scipy.special": [6e-6]}}},
    }
    return {"modes": {"all": mode, "baseline": copy.deepcopy(mode) | {"units": []}}}


@pytest.mark.parametrize(
    ("table", "missed"),
    [
        (made(), []),
        (made(kl_time=3.1), ["`kl_divergence`: at most 3"]),
        (made(times={"entropy": 2.1}), ["`entropy`"]),
        (made(times={"cross_entropy": 2.7}), ["`cross_entropy`"]),
        (made(times={"js_divergence": 6.1}), ["`js_divergence`"]),
        (made(times={"total_variation": 2.1}), ["`total_variation`"]),
        (made(times={"kl_terms": 5.1, "kl_from_logits": 5.1}), ["`kl_terms`", "`kl_from_logits`"]),
        (made(matrix=3.1), ["`kl_matrix`"]),
        (made(extra=9e6), ["less than 8 MB"]),
        (made(small=1.01e-5), ["one pair"]),
        (made(gamma=7e-5), ["`kl_gamma`"]),
    ],
)
def test_the_verdicts_follow_from_the_numbers(table, missed):
    for mode in functions.MODES:
        found = [aim for aim, _, met in functions_page.aims(table, mode) if not met]
        assert len(found) == len(missed)
        for aim, start in zip(found, missed, strict=True):
            assert aim.startswith(start)


def test_ratios_are_those_of_the_medians():
    table = made(times={"entropy": 1.5})
    table["modes"]["all"]["rows"]["read"] = [0.5, 0.5, 9.0]
    assert functions_page.times_the_read(table, "all")["entropy"]["kl_lib"] == 3.0
    assert functions_page.times_kl(table, "all")["entropy"]["NumPy"] == 4.0
    assert functions_page.times_the_line(table, "all")["kl_gamma"]["kl_lib"] == pytest.approx(5)
    assert "5.0" in functions_page.small(table)


def test_the_sentence_about_the_lines_beside_is_computed():
    table = made(times={"entropy": 10.0, "kl_terms": 4.0})
    said = functions_page.beside(table)
    assert said.startswith(
        "With NumPy's vector units `kl_lib` takes less time than every other line in 6 of the 7 "
        "functions; the nearest, NumPy for `entropy`, takes 0.80 times as long as `kl_lib`."
    )
    assert "in 7 of the 7" in functions_page.beside(made())


def test_a_busy_machine_and_a_quick_run_are_said_to_be_so(stored):
    busy = {"load_before": [2.0, 2.0, 2.0], "quick": False}
    assert "others were computing too" in functions_page.conditions(stored | busy)
    assert "quick run" not in functions_page.conditions(stored | busy)
    quiet = {"load_before": [0.2, 2.0, 2.0], "quick": True}
    assert "others" not in functions_page.conditions(stored | quiet)
    assert "quick run" in functions_page.conditions(stored | quiet)


def test_the_page_has_a_row_for_each_call(stored):
    text = page.PAGE.read_text("utf-8")
    start = text.index("% from the table: functions\n")
    part = text[start : text.index("% end", start)]
    found = re.findall(r"^\* - `(\w+)`\n  - (.*)$", part, re.MULTILINE)
    assert found == [(one.function, one.who) for one in functions.timed()]
