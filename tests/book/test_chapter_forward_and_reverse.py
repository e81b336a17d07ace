"""Chapter "Forward and reverse": the lines for each library, and its numbers by mpmath."""

from __future__ import annotations

import inspect
import json
import re
from importlib.util import find_spec
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

import kl_lib as kl
from kl_lib import frameworks

NAME = "11_forward_and_reverse"
CHAPTER = (Path(__file__).parents[2] / "notebooks" / f"{NAME}.md").read_text("utf-8")
TABS = dict(re.findall(r"````{tab-item} (\S+)\n```python\n(.*?)```", CHAPTER, re.S))

P = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
LOGITS = np.array([[0.4, -1.0, 0.7], [2.0, 0.5, -0.3]])
Q = kl.softmax(LOGITS)
FORWARD, REVERSE = kl.kl_divergence(P, Q).mean(), kl.kl_divergence(Q, P).mean()


@pytest.fixture(autouse=True)
def _twenty_digits():
    """Enough for what is printed; the 60 of `truth`, where it is loaded, take far longer."""
    with mp.workdps(20):
        yield


def test_the_two_directions_of_the_example_can_be_told_apart():
    assert abs(FORWARD - REVERSE) > 0.01


def test_the_chapter_prints_lines_for_four_libraries():
    assert set(TABS) == {"Keras", "TFP", "PyTorch", "MXNet"}


def test_the_lines_for_keras_give_both_directions():
    if not frameworks.keras.available():
        pytest.skip("keras, or its backend, is not installed")
    scope = {"p": P, "z": LOGITS}
    exec(TABS["Keras"], scope)
    assert float(scope["forward"]) == pytest.approx(FORWARD, rel=1e-6)
    assert float(scope["reverse"]) == pytest.approx(REVERSE, rel=1e-6)


def test_the_lines_for_mxnet_give_both_directions():
    if not frameworks.mxnet.available():
        pytest.skip("mxnet is not installed")
    mx = frameworks.mxnet.load()
    scope = {"mx": mx, "p": mx.nd.array(P), "z": mx.nd.array(LOGITS)}
    exec(TABS["MXNet"], scope)
    assert scope["forward"].asscalar() == pytest.approx(FORWARD, rel=1e-5)
    assert scope["reverse"].asscalar() == pytest.approx(REVERSE, rel=1e-5)


def test_the_lines_for_pytorch_give_both_directions_and_their_gradients():
    torch = pytest.importorskip("torch")
    z = torch.tensor(LOGITS, requires_grad=True)
    scope = {"p": torch.tensor(P), "z": z}
    exec(TABS["PyTorch"], scope)
    assert scope["forward"].item() == pytest.approx(FORWARD, rel=1e-12)
    assert scope["reverse"].item() == pytest.approx(REVERSE, rel=1e-12)
    [by_forward] = torch.autograd.grad(scope["forward"], z, retain_graph=True)
    [by_reverse] = torch.autograd.grad(scope["reverse"], z)
    # By hand: q − p, and q·(log(q/p) − KL(q‖p)), each divided by the two rows.
    ratio = np.log(Q / P)
    assert by_forward.numpy() == pytest.approx((Q - P) / 2, abs=1e-12)
    expected = Q * (ratio - kl.kl_divergence(Q, P)[:, None]) / 2
    assert by_reverse.numpy() == pytest.approx(expected, abs=1e-12)


def test_pytorch_names_the_arguments_as_the_chapter_says():
    torch = pytest.importorskip("torch")
    log_q, p = torch.tensor(Q).log(), torch.tensor(P)
    by_loss = torch.nn.functional.kl_div(input=log_q, target=p, reduction="batchmean")
    assert by_loss.item() == pytest.approx(FORWARD, rel=1e-12)
    a, b = (torch.distributions.Categorical(probs=torch.tensor(x)) for x in (P, Q))
    by_distributions = torch.distributions.kl_divergence(a, b).mean()
    assert by_distributions.item() == pytest.approx(FORWARD, rel=1e-12)


def test_the_lines_for_tfp_give_both_directions_of_the_tree():
    if find_spec("tensorflow_probability") is None:
        pytest.skip("tensorflow_probability is not installed")
    import tensorflow as tf

    rng = np.random.default_rng(0)
    data = rng.choice([-3.0, 3.0], 100_000) + rng.standard_normal(100_000)

    def log_p(x):
        return tf.math.log(tf.exp(-((x - 3) ** 2) / 2) + tf.exp(-((x + 3) ** 2) / 2)) + 5

    scope = {"data": data, "log_p": log_p, "mean": np.float64(1), "log_sigma": np.log(2.0)}
    exec(TABS["TFP"], scope)
    expected = np.log(2 * np.sqrt(2 * np.pi)) + (10 + 1) / 8
    assert float(scope["forward"]) == pytest.approx(expected, abs=0.02)
    constant = np.log(2 * np.sqrt(2 * np.pi)) + 5
    assert float(scope["reverse"]) + constant == pytest.approx(reverse(1, 2), abs=0.2)


def test_tfp_minimises_reverse_kl_unless_it_is_told_otherwise():
    tfp = pytest.importorskip("tensorflow_probability")
    for function in (tfp.vi.fit_surrogate_posterior, tfp.vi.monte_carlo_variational_loss):
        default = inspect.signature(function).parameters["discrepancy_fn"].default
        assert default is tfp.vi.kl_reverse
    p, q = P[0], Q[0]
    by_reverse = q @ np.asarray(tfp.vi.kl_reverse(np.log(p / q)))
    by_forward = q @ np.asarray(tfp.vi.kl_forward(np.log(p / q)))
    assert by_reverse == pytest.approx(kl.kl_divergence(q, p), rel=1e-12)
    assert by_forward == pytest.approx(kl.kl_divergence(p, q), rel=1e-12)


def test_zeros_in_p_do_what_the_chapter_says_of_them():
    if not frameworks.keras.available():
        pytest.skip("keras, or its backend, is not installed")
    scope = {"p": np.array([[0.5, 0.5, 0.0]]), "z": LOGITS[:1]}
    exec(TABS["Keras"], scope)
    assert np.isnan(float(scope["forward"]))
    assert float(scope["reverse"]) == float("inf")


# --- the numbers of the chapter, by mpmath ------------------------------------------------------


def integral(mean, sigma, value):
    """The mean of `value` under N(mean, sigma²), in pieces that put the bend at 0 on an edge."""
    edges = {mean + k * sigma for k in (-12, -6, -3, -1, 0, 1, 3, 6, 12)}
    edges |= {mp.mpf(k) for k in (-1, 0, 1) if abs(k - mean) < 12 * sigma}
    return mp.quad(lambda x: mp.npdf(x, mean, sigma) * value(x), sorted(edges))


def log_p(x):
    """½N(−3, 1) + ½N(3, 1): N(x; 0, 1)·exp(−9/2)·cosh(3x)."""
    return mp.log(mp.npdf(x)) - mp.mpf(9) / 2 + mp.log(mp.cosh(3 * x))


def reverse(mean, sigma):
    mean, sigma = mp.mpf(mean), mp.mpf(sigma)
    own = -mp.log(sigma * mp.sqrt(2 * mp.pi)) - mp.mpf(1) / 2
    return float(own - integral(mean, sigma, log_p))


def gradient(mean, sigma):
    slope = integral(mean, sigma, lambda x: x - 3 * mp.tanh(3 * x))
    curvature = integral(mean, sigma, lambda x: 1 - 9 * mp.sech(3 * x) ** 2)
    return float(slope), float(sigma**2 * curvature - 1)


@pytest.mark.parametrize(
    ("mean", "sigma", "value"),
    [("2.9843", "1.02337", 0.68877), ("0", "2.74377", 0.84062), ("1.8405", "2.10382", 0.97198)],
)
def test_the_stationary_points_that_the_chapter_prints_are_stationary(mean, sigma, value):
    assert re.search(f"{mean}.*{sigma}.*{value}", stored())
    m, s = mp.mpf(mean), mp.mpf(sigma)
    assert gradient(m, s) == pytest.approx((0, 0), abs=1e-3)
    assert reverse(m, s) == pytest.approx(value, abs=6e-6)
    # Not so a little away.
    assert max(map(abs, gradient(m + mp.mpf("0.02"), s))) > 1e-3


def test_the_divergence_of_one_whole_hump_is_the_one_printed():
    assert f"{reverse(3, 1):.5f}" == "0.68930"
    assert "exactly one hump:   0.68930" in stored()


def test_the_forward_value_is_that_of_moment_matching():
    pieces = [-14, -6, -3, -1, 0, 1, 3, 6, 14]
    entropy = -mp.quad(lambda x: mp.exp(log_p(x)) * log_p(x), pieces)
    value = mp.log(2 * mp.pi * mp.e * 10) / 2 - entropy
    assert f"{float(value):.5f}" == "0.46199"
    assert "formula: 0.46199 nats" in stored()


def stored() -> str:
    """What the cells of the chapter printed."""

    path = Path(__file__).parents[2] / "notebooks" / f"{NAME}.ipynb"
    cells = json.loads(path.read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "\n".join("".join(output.get("text", "")) for output in outputs)
