"""A gradient is never lost silently: a warning where a framework would have passed it on."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import kl_lib as kl

ROW = [0.25, 0.75]


@pytest.fixture(autouse=True)
def _every_time():
    with warnings.catch_warnings():
        warnings.simplefilter("error", kl.GradientWarning)
        yield


def test_plain_arrays_and_their_lists_have_none():
    assert kl.kl_divergence(np.array(ROW), [ROW, ROW]).tolist() == [0, 0]


# PyTorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


CALLS = {
    "kl_divergence": lambda p: kl.kl_divergence(ROW, p),
    "entropy": lambda p: kl.entropy([p, p]),
    "kl_terms": lambda p: kl.kl_terms({"a": p[0], "b": p[1]}, {"a": 0.5, "b": 0.5}),
    "kl_from_logits": lambda p: kl.kl_from_logits(p, ROW),
    "kl_matrix": lambda p: kl.kl_matrix(p[None], [ROW]),
    "mutual_information": lambda p: kl.mutual_information(p[None]),
    "js_divergence_of": lambda p: kl.js_divergence_of(p[None].repeat(2, 1)),
    "softmax": lambda p: kl.softmax(p),
    "kl_bernoulli": lambda p: kl.kl_bernoulli(p[0], 0.5),
    "kl_multivariate_normal": lambda p: kl.kl_multivariate_normal(p, np.eye(2), p, np.eye(2)),
    "kl_between": lambda p: kl.kl_between(bernoulli(p[0]), bernoulli(0.5)),
    "kl_knn": lambda p: kl.kl_knn([x * p[0] for x in range(18)], np.arange(18.0) ** 1.1),
    "kl_from_counts": lambda p: kl.kl_from_counts(4 * p, [1, 3]),
}


def bernoulli(probability):
    import torch

    return torch.distributions.Bernoulli(probability)


@pytest.mark.parametrize("name", CALLS)
def test_every_function_warns_of_a_tensor_that_requires_a_gradient(torch, name):
    p = torch.tensor(ROW, dtype=torch.float64, requires_grad=True)
    with pytest.raises(kl.GradientWarning, match=r"detach\(\).*kl_lib\.losses\.torch\.kl_loss"):
        CALLS[name](p)
    CALLS[name](p.detach())
    with torch.no_grad():
        CALLS[name](p)


def test_the_warning_is_of_the_line_that_calls_and_comes_once(torch):
    p = torch.tensor(ROW, requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            kl.kl_divergence(p, ROW)
    assert [warning.filename for warning in caught] == [__file__]
    assert "pass p.detach() if none is wanted" in str(caught[0].message)


def test_the_losses_keep_it_and_say_nothing(torch):
    from kl_lib.losses.torch import kl_loss

    logits = torch.zeros((1, 2), requires_grad=True)
    kl_loss(torch.tensor([ROW]), logits, validate=True).sum().backward()
    np.testing.assert_allclose(logits.grad, [[0.25, -0.25]], rtol=1e-6)


# TensorFlow


def test_of_tensorflow_what_a_tape_watches():
    tf = pytest.importorskip("tensorflow")
    p, constant = tf.Variable(ROW), tf.constant(ROW)
    assert kl.kl_divergence(p, ROW) == kl.kl_divergence(constant, [p[0], p[1]]) == 0
    with tf.GradientTape():
        kl.entropy(constant)
        kl.entropy(tf.stop_gradient(p))
        for watched in (p, 1 * p, [p[0], p[1]]):
            with pytest.raises(kl.GradientWarning, match=r"tf\.stop_gradient\(p\).*losses\.keras"):
                kl.entropy(watched)


# MXNet


def test_of_mxnet_while_it_records():
    from kl_lib.frameworks import mxnet

    if not mxnet.available():
        pytest.skip("MXNet is not installed")
    mx = mxnet.load()
    p = mx.nd.array(ROW)
    kl.entropy(p)
    with mx.autograd.record():
        for given in (p, [p[0], p[1]]):
            with pytest.raises(kl.GradientWarning, match=r"mx\.autograd\.pause"):
                kl.entropy(given)
        with mx.autograd.pause():
            kl.entropy(p)


# JAX


@pytest.mark.parametrize("how", ["grad", "jit"])
def test_what_jax_traces_is_refused(how):
    jax = pytest.importorskip("jax")
    traced = getattr(jax, how)(lambda x: kl.entropy(x))
    with pytest.raises(kl.DistributionError, match=r"traced by JAX.*kl_lib\.losses\.jax\.kl_loss"):
        traced(jax.numpy.array(ROW))
    assert kl.kl_divergence(jax.numpy.array(ROW), ROW) == 0


def test_no_framework_is_imported_for_it():
    code = (
        "import kl_lib, sys; kl_lib.entropy([0.5, 0.5]); print(*{'torch', 'jax'} & {*sys.modules})"
    )
    where = {"cwd": Path(kl.__file__).parents[1], "capture_output": True, "text": True}
    assert subprocess.run([sys.executable, "-c", code], check=True, **where).stdout == "\n"
