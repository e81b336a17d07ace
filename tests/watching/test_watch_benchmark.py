"""The benchmark of `kl_lib.watch`: its turns, its interval, and a ratio known beforehand."""

import time

import numpy as np
import pytest
from watch import Training, interval, measure, with_interval

import kl_lib as kl
from kl_lib.watching.observing.watches import WATCHES


def working(seconds, turns, name):
    """A training whose step works the processor for so long."""

    def step(number):
        turns.append((name, number, len(WATCHES)))
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass

    return Training(step, list)


def test_the_turns_alternate_and_the_watched_steps_alone_are_in_a_block_and_counted_on():
    turns = []
    found = measure(working(0, turns, "plain"), working(0, turns, "watched"), 2, 2)
    assert turns == [
        *[("plain", 0, 0), ("watched", 0, 1)],
        *[("plain", 1, 0), ("plain", 2, 0), ("watched", 1, 1), ("watched", 2, 1)],
        *[("watched", 3, 1), ("watched", 4, 1), ("plain", 3, 0), ("plain", 4, 0)],
    ]
    assert (len(found.times), len(found.entering)) == (2, 2)
    assert (found.seen.first, found.seen.every) == (kl.watch().first, kl.watch().every)


def test_a_step_that_works_twice_as_long_is_found_to():
    found = measure(working(0.002, [], "plain"), working(0.004, [], "watched"), 7, 2)
    assert np.median([watched / plain for plain, watched in found.times]) == pytest.approx(
        2, rel=0.1
    )


@pytest.mark.parametrize("n", [6, 10, 20, 30, 40])
def test_the_interval_is_the_narrowest_of_ranks_that_holds_with_95_percent(n):
    binom = pytest.importorskip("scipy.stats").binom
    low, high = interval(np.random.default_rng(0).permutation(n) + 1)
    assert low + high == n + 1

    def chance(rank):
        """That so many of n values, but not too many, are below the median."""
        return binom.cdf(n - rank, n, 0.5) - binom.cdf(rank - 1, n, 0.5)

    assert chance(low) >= 0.95 > chance(low + 1)


def test_five_rounds_are_too_few_for_an_interval():
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert with_interval([3.0, 1.0, 2.0]) == "2.000 (too few rounds for an interval)"
