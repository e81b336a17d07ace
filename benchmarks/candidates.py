"""What is timed: KL(p‖q) of every row, by each library, given arrays in the library's own form.

A candidate takes p and q as NumPy arrays, makes of them what its library computes on (a tensor,
say), and returns a function without arguments whose result is the array of divergences. Only that
function is timed, so no library pays for a conversion. None is asked for a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Call = Callable[[], Any]
Candidate = Callable[[Array, Array, int], Call]

TENSORFLOW = ("tensorflow", "keras")


def numpy_one_line(p: Array, q: Array, threads: int) -> Call:
    return lambda: (p * np.log(p / q)).sum(axis=-1)


def scipy_entropy(p: Array, q: Array, threads: int) -> Call:
    from scipy.stats import entropy

    return lambda: entropy(p, q, axis=-1)


def scipy_rel_entr(p: Array, q: Array, threads: int) -> Call:
    from scipy.special import rel_entr

    return lambda: rel_entr(p, q).sum(axis=-1)


def keras_eager(p: Array, q: Array, threads: int) -> Call:
    from kl_lib.experiments.machinery.backend import import_keras

    kl_divergence = import_keras("tensorflow").losses.kl_divergence
    a, b = _tensors(p, q, threads)
    return lambda: kl_divergence(a, b).numpy()


def tensorflow_xla(p: Array, q: Array, threads: int) -> Call:
    a, b = _tensors(p, q, threads)
    import tensorflow as tf

    compiled = tf.function(
        lambda x, y: tf.reduce_sum(x * tf.math.log(x / y), axis=-1), jit_compile=True
    )
    return lambda: compiled(a, b).numpy()


def tfp_categorical(p: Array, q: Array, threads: int) -> Call:
    from kl_lib.frameworks import tfp

    a, b = _tensors(p, q, threads)
    tfd = tfp.load().distributions
    return lambda: tfd.kl_divergence(tfd.Categorical(probs=a), tfd.Categorical(probs=b)).numpy()


def _tensors(p: Array, q: Array, threads: int) -> tuple[Any, Any]:
    from kl_lib.experiments.machinery.backend import use_threads

    use_threads(threads)
    import tensorflow as tf

    return tf.constant(p), tf.constant(q)


def mxnet_hybridized(p: Array, q: Array, threads: int) -> Call:
    from kl_lib.frameworks import mxnet

    mx = mxnet.load()

    class Divergence(mx.gluon.HybridBlock):  # its loss wants log q first, then p
        def __init__(self) -> None:
            super().__init__()
            self.loss = mx.gluon.loss.KLDivLoss()

        def hybrid_forward(self, functions: Any, p: Any, q: Any) -> Any:
            return self.loss(functions.log(q), p)

    block = Divergence()
    block.hybridize(static_alloc=True, static_shape=True)
    a, b = (mx.nd.array(x, dtype=x.dtype) for x in (p, q))
    return lambda: block(a, b).asnumpy()


def kl_lib_checked(p: Array, q: Array, threads: int) -> Call:
    import kl_lib as kl

    kl.set_num_threads(threads)
    return lambda: kl.kl_divergence(p, q)


#: Name in the table, the packages whose versions belong to it, and the candidate itself.
CANDIDATES: dict[str, tuple[tuple[str, ...], Candidate]] = {
    "kl_lib": (("kl-lib",), kl_lib_checked),
    "NumPy, one line": (("numpy",), numpy_one_line),
    "scipy.stats.entropy": (("scipy",), scipy_entropy),
    "scipy.special.rel_entr": (("scipy",), scipy_rel_entr),
    "Keras, eager": (TENSORFLOW, keras_eager),
    "TensorFlow, XLA": (("tensorflow",), tensorflow_xla),
    "TFP Categorical": (("tensorflow", "tensorflow-probability"), tfp_categorical),
    "MXNet, hybridized": (("mxnet",), mxnet_hybridized),
}


def versions(name: str) -> dict[str, str]:
    """The packages that a candidate computes with, and NumPy, which made its input."""
    return {package: version(package) for package in sorted({*CANDIDATES[name][0], "numpy"})}


def distributions(rows: int, categories: int, dtype: str, seed: int) -> tuple[Array, Array]:
    """p and q: rows drawn evenly from all distributions over so many categories, without zeros."""
    rng = np.random.default_rng(seed)
    pair = []
    for _ in range(2):
        x = rng.standard_exponential((rows, categories), dtype=np.dtype(dtype))
        # Away from 0 so that Keras, which clips at 1e-7, computes the same numbers.
        np.maximum(x, 1e-3, out=x)
        x /= x.sum(axis=1, keepdims=True)
        pair.append(x)
    return pair[0], pair[1]


def close_to(p: Array) -> Array:
    """A second batch whose rows differ from those of p by a thousandth: KL about 1e-7 nats."""
    q = p.copy()
    q[:, ::2] *= 1.001
    q /= q.sum(axis=1, keepdims=True)
    return q


@contextmanager
def reading(p: Array, q: Array, threads: int) -> Iterator[Call]:
    """The limit: a function that looks at every byte of both arrays once, on so many threads.

    It takes the bitwise or of all words: of the reductions that NumPy has, the fastest.
    """
    parts = [
        part for x in (p, q) for part in np.array_split(x.reshape(-1).view(np.uint64), threads)
    ]
    with ThreadPoolExecutor(threads) as pool:
        yield lambda: list(pool.map(np.bitwise_or.reduce, parts))
