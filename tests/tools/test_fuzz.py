"""A short run of tools/fuzz.py; `make fuzz` does a hundred thousand inputs."""

import functools
from dataclasses import replace
from itertools import islice

import fuzz
import numpy as np
import oracles
import pytest
from fuzz_inputs import INPUTS

import kl_lib as kl
from kl_lib.sampling import Estimate

#: What kl_lib has beside functions of numbers.
NO_NUMBERS = {
    "DistributionError", "GradientWarning", "NoClosedFormError",
    "get_num_threads", "set_num_threads",
    "diagnose",  # tests/diagnosis/test_diagnose.py holds it against kl_divergence, on these inputs
    "kl_mvn",  # the short name of kl_multivariate_normal
    "register_kl",  # takes classes and a function
    "watch",  # a block; tests/watching holds what it finds against the plain sums
}  # fmt: skip

NAMES = sorted(INPUTS)
#: The functions of p and q that take tables with labels.
OF_TABLES = [
    "cross_entropy", "js_divergence", "js_from_counts", "kl_conditional", "kl_divergence",
    "kl_from_counts", "kl_from_logits", "kl_matrix", "kl_terms", "total_variation",
]  # fmt: skip


@functools.cache
def asked(name, seed, number):
    """An input of a function with what the oracle says."""
    given = fuzz.case(name, seed, number)
    return given, fuzz.expected_of(given)


def some(name, seed, share=1.0):
    """As many inputs of a function as its part of a run says."""
    return (asked(name, seed, i) for i in range(int(share * (40 + 10 * INPUTS[name][1]))))


def test_every_public_function_has_inputs_and_an_oracle():
    assert set(INPUTS) == set(oracles.ORACLES) == set(kl.__all__) - NO_NUMBERS


@pytest.mark.parametrize("name", NAMES)
def test_inputs_of_all_kinds_agree_with_the_oracle(name):
    for given, expected in some(name, 1, 2.0 if name == "kl_divergence" else 1.0):
        problem = fuzz.disagreement(given, expected=expected)
        assert problem is None, f"{problem}: {fuzz.describe(given)}"


def shown(inputs, function, times):
    """Do as many of the inputs show that a function is not kl_lib's?"""
    showing = (x for x, told in inputs if fuzz.disagreement(x, function, told) is not None)
    return len(list(islice(showing, times))) == times


def other_digit(result):
    """The same with a change in the seventh digit."""
    if isinstance(result, Estimate):
        return replace(result, value=result.value * (1 + 1e-6))
    if isinstance(result, tuple):
        return tuple(other_digit(part) for part in result)
    if isinstance(result, dict):
        return {label: other_digit(part) for label, part in result.items()}
    # float32 has no such digit.
    return (
        result * (1 + 1e-3) if getattr(result, "dtype", None) == np.float32 else result * (1 + 1e-6)
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_notices_another_digit(name):
    function = getattr(kl, name)
    assert shown(some(name, 1), lambda **given: other_digit(function(**given)), 11)


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_notices_a_refusal_too_many(name):
    def strict(**given):
        raise kl.DistributionError("nothing is good enough")

    assert shown(some(name, 1), strict, 11)


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_notices_a_number_where_none_can_be(name):
    function = getattr(kl, name)

    def lenient(**given):
        try:
            return function(**given)
        except kl.DistributionError:
            return 0.0

    assert shown(some(name, 1), lenient, 3)


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_notices_an_error_of_another_kind(name):
    function = getattr(kl, name)

    def raw(**given):
        try:
            return function(**given)
        except kl.DistributionError as error:
            raise TypeError from error

    assert shown(some(name, 1), raw, 3)


@pytest.mark.parametrize("name", OF_TABLES)
def test_the_oracle_notices_labels_that_are_ignored(name):
    """Values by position: what is in another order then gives another number."""
    function = getattr(kl, name)

    def by_position(**given):
        for argument in list(given)[:2]:
            value = given[argument]
            if isinstance(value, dict):
                given[argument] = np.stack([np.asarray(x) for x in value.values()], axis=-1)
            elif hasattr(value, "columns") or hasattr(value, "column_names"):
                given[argument] = np.asarray(value)
            elif hasattr(value, "index") or hasattr(value, "coords"):
                given[argument] = value if isinstance(value, (list, tuple)) else np.asarray(value)
        return function(**given)

    numbers = (
        i
        for i in range(500)
        if all(x.labels for x in list(fuzz.case(name, 2, i).arguments.values())[:2])
    )
    assert shown((asked(name, 2, i) for i in numbers), by_position, 6)


@pytest.mark.parametrize("name", ["kl_divergence", "kl_matrix", "kl_from_logits", "kl_normal"])
def test_the_oracle_notices_p_and_q_in_the_wrong_order(name):
    function = getattr(kl, name)

    def turned(**given):
        names = [one for one in given if one[:1] in "pq" or one[-2:] in ("_p", "_q")]
        first, second = names[: len(names) // 2], names[len(names) // 2 :]
        swapped = dict(zip([*second, *first], [given[one] for one in names], strict=True))
        return function(**{**given, **swapped})

    assert shown(some(name, 1), turned, 11)


@pytest.mark.parametrize("name", ["entropy", "kl_terms", "mutual_information", "kl_poisson"])
def test_the_oracle_notices_another_shape(name):
    function = getattr(kl, name)
    assert shown(some(name, 1), lambda **given: np.asarray(function(**given))[None], 11)


@pytest.mark.parametrize("option", ["where", "keepdims", "axis"])
@pytest.mark.parametrize("name", ["entropy", "kl_divergence", "kl_from_logits"])
def test_the_oracle_notices_an_option_that_is_ignored(name, option):
    function = getattr(kl, name)

    def without(**given):
        given.pop(option, None)
        return function(**given)

    assert shown(some(name, 1), without, 3)


def test_a_case_is_the_same_whenever_it_is_made():
    for name in NAMES:
        first, again = (fuzz.describe(fuzz.case(name, 3, 5)) for _ in range(2))
        if "object at 0x" not in first:
            assert first == again


def test_a_run_counts_what_is_wrong_and_shows_how_to_make_it_again(monkeypatch, capsys):
    monkeypatch.setattr(kl, "entropy", lambda p, **options: 0.5)
    monkeypatch.setattr(fuzz.sys, "argv", ["fuzz.py", "--only", "entropy", "--count", "40"])
    assert fuzz.main() == 1
    told = capsys.readouterr().out
    assert told.count("python tools/fuzz.py --only entropy --seed 0 --at ") == fuzz.MOST
    number = told.split("--at ")[1].split()[0]
    argv = ["fuzz.py", "--only", "entropy", "--seed", "0", "--at", number]
    monkeypatch.setattr(fuzz.sys, "argv", argv)
    assert fuzz.main() == 1
    assert "0.5" in capsys.readouterr().out


def test_a_run_without_a_disagreement_says_so(monkeypatch, capsys):
    argv = ["fuzz.py", "--only", "total_variation", "--count", "50", "--seed", "4"]
    monkeypatch.setattr(fuzz.sys, "argv", argv)
    assert fuzz.main() == 0
    assert "0 wrong" in capsys.readouterr().out
