"""A short run of tools/fuzz.py; `make fuzz` does a hundred thousand inputs."""

import random
from itertools import islice

import fuzz
import numpy as np
import scipy.stats

import kl_lib as kl


def test_three_thousand_inputs_of_all_kinds_agree_with_the_oracle():
    for p, q, options in islice(fuzz.inputs(random.Random(1)), 3000):
        problem = fuzz.disagreement(p, q, options)
        assert problem is None, f"{problem}: {fuzz.describe(p, q, options)}"


def found(divergence):
    """How many of 1000 inputs show that a divergence is not kl_lib's."""
    stream = islice(fuzz.inputs(random.Random(2)), 1000)
    return sum(fuzz.disagreement(*given, divergence) is not None for given in stream)


def test_the_oracle_notices_one_that_normalises_silently():
    def silent(p, q, **options):
        return np.asarray(scipy.stats.entropy(p, q, axis=options.get("axis", -1)))

    assert found(silent) > 100


def test_the_oracle_notices_a_last_digit():
    def wrong(p, q, **options):
        return kl.kl_divergence(p, q, **options) * (1 + 1e-4)

    assert found(wrong) > 100


def test_the_oracle_notices_a_refusal_too_many():
    def strict(p, q, **options):
        if isinstance(p, tuple):
            raise kl.DistributionError("no tuples")
        return kl.kl_divergence(p, q, **options)

    assert found(strict) > 5
