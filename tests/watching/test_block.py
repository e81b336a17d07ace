"""The block: what it says, counts and restores, with SciPy's functions as the example."""

import json
import math
import pickle
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from kl_calls import KL, P, Q, watched

import kl_lib as kl
from kl_lib.watching import CODES, WatchError, WatchWarning
from kl_lib.watching.observing.watches import WATCHES

stats = pytest.importorskip("scipy.stats")
from scipy.spatial.distance import jensenshannon  # noqa: E402
from scipy.special import kl_div, rel_entr  # noqa: E402
from scipy.stats import entropy  # noqa: E402

BODY = entropy.__code__


@pytest.fixture(autouse=True)
def restored():
    """After every test all is as it was."""
    yield
    assert WATCHES == []
    assert entropy.__code__ is BODY
    assert type(rel_entr) is np.ufunc
    assert not any(type(finder).__module__.startswith("kl_lib") for finder in sys.meta_path)


# SciPy's functions


def test_entropy_over_the_rows_is_clean_and_over_the_columns_found():
    site, values = watched(entropy, P, Q)
    assert np.array_equal(values, entropy(P, Q))
    assert site.codes == (201,)
    assert site.call == "scipy.stats.entropy"
    assert math.isclose(site.kl, KL, rel_tol=1e-9)
    right, _ = watched(lambda: entropy(P, Q, axis=1))
    assert right.codes == ()
    assert math.isclose(right.gave, KL, rel_tol=1e-9)


def test_entropy_of_one_distribution_is_no_kl():
    with kl.watch() as seen:
        entropy(P[0])
    assert seen.sites == ()


def test_entropy_of_counts_is_clean_in_bits_too():
    site, value = watched(lambda: entropy([2, 5, 1], [3, 4, 2], base=2))
    assert site.codes == ()
    p, q = np.array([2, 5, 1]) / 8, np.array([3, 4, 2]) / 9
    nats = (p * np.log(p / q)).sum()
    assert math.isclose(site.kl, nats, rel_tol=1e-9)
    assert math.isclose(value, nats / math.log(2), rel_tol=1e-9)


def test_entropy_of_logarithms_is_found():
    site, _ = watched(lambda: entropy(np.log(P[0]), Q[0]))
    assert 302 in site.codes


@pytest.mark.parametrize("function", [rel_entr, kl_div])
def test_a_universal_function_is_seen_although_it_was_imported_before(function):
    held = {"it": function}
    with kl.watch("record") as seen:
        values = held["it"](P, Q)
    [site] = seen.sites
    assert np.array_equal(values, function(P, Q))
    assert site.codes == ()
    assert math.isclose(site.gave, KL, rel_tol=1e-9)


def test_a_universal_function_of_logarithms_is_found():
    with kl.watch("record") as seen:
        rel_entr(np.log(P), Q)
    assert {302, 313} <= set(seen.sites[0].codes)


def test_jensen_shannon_over_columns_is_found():
    assert watched(lambda: jensenshannon(P, Q))[0].codes == (201,)
    assert watched(lambda: jensenshannon(P, Q, axis=1))[0].codes == ()


def test_what_one_function_calls_inside_another_is_not_a_call_of_its_own():
    with kl.watch() as seen:
        jensenshannon(P[0], Q[0])
        entropy(P[0], Q[0])
    assert [site.call.rpartition(".")[2] for site in seen.sites] == ["jensenshannon", "entropy"]


# Where and how often


def test_two_calls_on_a_line_are_two_sites_and_a_loop_is_one():
    with kl.watch("record") as seen:
        for _ in range(5):
            entropy(P[0], Q[0]), entropy(P, Q)
    right, wrong = seen.sites
    assert (right.calls, wrong.calls) == (5, 5)
    assert (right.codes, wrong.codes) == ((), (201,))
    assert right.file == __file__
    assert right.line == wrong.line
    assert right.column < wrong.column
    assert f"{right.line}:{right.column}" in str(right)


def test_the_first_calls_are_looked_at_and_then_one_in_so_many():
    with kl.watch("record", first=2, every=10) as seen:
        for number in range(1, 33):
            entropy(P, Q) if number == 22 else entropy(P[0], Q[0])
    sites = {site.codes: site for site in seen.sites}
    assert sites[()].calls == 31
    assert sites[()].looked_at == 2 + 2  # calls 12 and 22 of that place
    assert sites[(201,)].looked_at == 1


def test_a_mistake_that_comes_later_keeps_its_own_numbers():
    with kl.watch("record", first=9) as seen:
        for q in (Q[0], Q[0], -Q[0]):
            entropy(P[0], q)
    [site] = seen.sites
    assert site.codes == (301,)
    assert site.times[301] == 1
    assert "KLD301" in str(site)
    assert "(1 of 3)" in str(site)


def test_what_kl_lib_asks_a_library_is_not_the_program_s_call():
    with kl.watch("raise") as seen:
        kl.diagnose([2, 5], [3, 4], libraries="scipy")
    assert seen.sites == ()


# What it does about it


def test_a_warning_stands_at_the_line_once():
    def program():
        with kl.watch():
            for _ in range(3):
                entropy(P, Q)

    with pytest.warns(WatchWarning, match="KLD201") as caught:
        program()
    assert [w.filename for w in caught] == [__file__]


def test_a_note_is_reported_and_never_warned_of():
    assert CODES[309][0] == "note"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with kl.watch("warn") as seen:
            entropy(P[0], Q[0])
    assert seen.mistakes == ()


def test_raising_stops_at_the_call_with_the_site():
    went_on = []

    def program():
        with kl.watch(on="raise"):
            went_on.append(entropy(P, Q))

    with pytest.raises(WatchError, match=r"entropy: KLD201 .*; pass axis=-1") as error:
        program()
    assert went_on == []
    assert error.value.site.codes == (201,)


def test_a_warning_made_an_error_by_its_filter_is_one():
    with warnings.catch_warnings():
        warnings.simplefilter("error", WatchWarning)
        with pytest.raises(WatchWarning), kl.watch("warn"):
            entropy(P, Q)


def test_an_exception_in_the_block_is_the_program_s_and_all_is_restored():
    with pytest.raises(KeyError, match="mine"), kl.watch("raise"):
        raise KeyError("mine")


def test_what_can_not_be_understood_is_named_and_stops_nothing(monkeypatch):
    def broken(*_):
        raise RuntimeError("not thought of")

    monkeypatch.setattr("kl_lib.watching.judging.of_arrays", broken)
    with kl.watch("raise") as seen:
        value = entropy(P[0], Q[0])
    assert value == entropy(P[0], Q[0])
    [unseen] = seen.unseen
    assert "RuntimeError: not thought of" in unseen.why


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on": "shout"}, "on is 'shout'; pass 'warn', 'raise' or 'record'"),
        ({"first": 0}, "first is 0; pass a whole number of calls, at least 1"),
        ({"every": 2.5}, "every is 2.5; pass a whole number of calls, at least 1"),
    ],
)
def test_an_option_that_is_none_is_refused(options, message):
    with pytest.raises(kl.DistributionError) as error:
        kl.watch(**options)
    assert str(error.value) == message
    assert error.value.argument == next(iter(options))


# Blocks in blocks, threads, processes


def test_nested_blocks_both_see_and_end_in_any_order():
    outer, inner = kl.watch("record"), kl.watch("record")
    with outer:
        inner.__enter__()
        entropy(P, Q)
    entropy(P, Q)
    inner.__exit__(None, None, None)
    entropy(P, Q)
    assert outer.sites[0].calls == 1
    assert [site.calls for site in inner.sites] == [1, 1]


def test_a_block_can_be_entered_again():
    seen = kl.watch("record")
    for _ in range(2):
        with seen:
            entropy(P, Q)
    assert seen.sites[0].calls == 2


def test_calls_of_all_threads_are_counted():
    def work():
        for _ in range(200):
            entropy(P[0], Q[0])

    with kl.watch("record", every=50) as seen:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    [site] = seen.sites
    assert site.calls == 800
    assert site.looked_at == 3 + 15


def test_functions_are_pickled_inside_a_block_as_outside():
    before = [pickle.dumps(entropy), pickle.dumps(special_home())]
    with kl.watch():
        inside = [pickle.dumps(entropy), pickle.dumps(rel_entr)]
    assert inside[0] == before[0]
    assert pickle.loads(inside[1]) is rel_entr


def special_home():
    return rel_entr


def test_nothing_is_imported_for_a_block_and_what_comes_in_is_watched():
    code = (
        "import sys, kl_lib as kl\n"
        "before = {*sys.modules}\n"
        "with kl.watch('record') as seen:\n"
        "    loaded = {name.split('.')[0] for name in {*sys.modules} - before}\n"
        "    assert loaded <= {*sys.stdlib_module_names, 'kl_lib'}, loaded\n"
        "    from scipy.stats import entropy\n"
        "    from scipy.special import rel_entr\n"
        "    entropy([[.5, .5], [.1, .9]], [[.4, .6], [.2, .8]], 2)\n"
        "    rel_entr(.5, -.5)\n"
        "print([site.codes for site in seen.sites])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[(201,), (301, 313)]\n", done.stderr


# The report


def test_the_report_says_where_what_why_and_the_number_that_was_meant():
    with kl.watch("record") as seen:
        entropy(P, Q)
        entropy(P[0], Q[0])
    text = str(seen)
    assert text.startswith("kl_lib.watch: 2 call sites, 1 with a mistake\n")
    assert "KLD201 the rows of pk and qk sum to 1, the call sums over axis 0" in text
    assert "-> pass axis=-1" in text
    assert f"KL(p‖q) in nats is {KL:.4g}, the mean of 8 rows" in text
    assert "kl_lib.diagnose: KL(p‖q) from" in text
    assert "nothing wrong; it gave" in text
    assert all(len(line) <= 100 for line in text.splitlines() if "test_block" not in line)
    assert repr(seen) == "<kl_lib.watch: 2 call sites, 1 with a mistake>"


def test_a_block_without_a_call_is_not_said_to_be_free_of_mistakes():
    with kl.watch() as seen:
        (P * np.log(P / Q)).sum()
    first, *rest = str(seen).splitlines()
    assert first == "kl_lib.watch: no call of a watched function was looked at"
    assert "one that it writes out itself, which kl-lib audit looks for" in " ".join(rest)
    assert max(map(len, rest)) <= 96


def test_the_report_as_dictionaries_is_json():
    with kl.watch("record") as seen:
        entropy(P, Q)
        rel_entr(0.5, 0.0)
    read = json.loads(json.dumps(seen.to_dict()))
    assert [site["calls"] for site in read["sites"]] == [1, 1]
    assert read["sites"][0]["findings"][0]["code"] == 201
    assert read["unseen"] == []


def test_each_message_is_short_with_one_remedy():
    with kl.watch("record") as seen:
        entropy(P, Q), entropy(np.log(P), Q, axis=1), rel_entr(P[0][:, None], Q[0])
    for site in seen.sites:
        for finding in site.findings:
            assert str(finding).count("; ") == 1
            assert len(str(finding)) <= 240
