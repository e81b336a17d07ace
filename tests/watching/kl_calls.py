"""What the tests of `kl_lib.watch` share: distributions, and the plain sum as the truth."""

from __future__ import annotations

import numpy as np

import kl_lib as kl

RANDOM = np.random.default_rng(7)
LOGITS = RANDOM.normal(size=(8, 5))


def softmax(z, axis=-1):
    e = np.exp(z)
    return e / e.sum(axis=axis, keepdims=True)


P = softmax(2 * RANDOM.normal(size=(8, 5)))
Q = softmax(LOGITS)
KL = float((P * np.log(P / Q)).sum(axis=-1).mean())


def watched(function, *args, **options):
    """The only site of one call, recorded, and what the call gave."""
    with kl.watch(on="record", **options) as seen:
        value = function(*args)
    assert seen.unseen == ()
    [site] = seen.sites
    return site, value
