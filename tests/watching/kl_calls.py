"""What the tests of `kl_lib.watch` share: distributions, and the plain sum as the truth."""

from __future__ import annotations

import numpy as np

import kl_lib as kl
from kl_lib.watching.observing import fetching

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


def assert_a_gpu_gives_the_same(monkeypatch, values):
    """There is no GPU here: its way, one transfer for all, is taken on the processor."""
    memory = fetching.fetch(*values)
    monkeypatch.setattr(fetching, "_on_gpu", lambda value: True)
    for one, other in zip(memory, fetching.fetch(*values), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        assert list(one.parts) == list(other.parts)
        assert all(map(np.array_equal, one.parts.values(), other.parts.values()))
