"""The tutorial of MXNet's KLDivLoss."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
from scipy import optimize

import kl_lib as kl
from kl_lib.experiments import book_results, read_records
from kl_lib.frameworks import mxnet as _mxnet

from . import Found, Source, holds, lost, opinion, today

mx = _mxnet.load()

SOURCE = Source("M")
claim = SOURCE.claim

ONE, TWO = np.array([0.2, 0.5, 0.2, 0.1]), np.array([0.3, 0.4, 0.1, 0.2])
THREE, FOUR = np.array([0.1, 0.1, 0.1, 0.7]), np.array([0, 0.9, 0, 0.1])
OUTPUT = np.array([0.39056206, 1.3068528, 0.39056206, -0.30258512])


def loss_of(prediction: Any, target: Any, from_logits: bool = True) -> Any:
    return mx.gluon.loss.KLDivLoss(from_logits=from_logits)(
        mx.nd.array(prediction), mx.nd.array(target)
    ).asnumpy()


def compared(a: Any, b: Any) -> float:
    """The tutorial's function: its first argument is the prediction, which it takes the log of."""
    with np.errstate(divide="ignore"):
        return float(loss_of(np.log(a)[None], b[None])[0])


SOURCE.section("The divergence")


@claim("KL measures how a distribution differs from a second one, the reference.", "q-what-is-kl")
def reference():
    rows = np.random.default_rng(0).dirichlet(np.ones(4), (2, 1000))
    return holds(kl.kl_divergence(*rows).min() > 0, "1000 pairs: above 0")


@claim("Smaller values mean more similar distributions.", "ch-relatives")
def smaller():
    values = compared(ONE, TWO), compared(ONE, THREE)
    gaps = kl.total_variation(ONE, TWO), kl.total_variation(ONE, THREE)
    p, near, far = [0.5, 0.49, 0.01], [0.5, 0.5, 0.0], [0.3, 0.69, 0.01]
    always = kl.kl_divergence(p, near) < kl.kl_divergence(p, far)
    return holds(
        always,
        f"not always, by another measure (R48); here KL {values[0]:.3f} and {values[1]:.3f}, total "
        f"variation {gaps[0]:.1f} and {gaps[1]:.1f}",
    )


@claim("The loss is differentiable.", "ch-mxnet")
def differentiable():
    found, exact = _gradient(ONE, TWO), -TWO / ONE
    return holds(np.allclose(found, exact), "its gradient by q is −p/q: " + _told(found))


def _gradient(prediction: Any, target: Any, softmax: Any = None) -> Any:
    """The gradient of the loss by a prediction in probabilities, or by logits through `softmax`."""
    x = mx.nd.array(prediction[None])
    x.attach_grad()
    with mx.autograd.record():
        logs = softmax(x) if softmax else x.log()
        value = mx.gluon.loss.KLDivLoss()(logs, mx.nd.array(target[None]))
    value.backward()
    return x.grad.asnumpy()[0]


def _told(values: Any) -> str:
    return "(" + ", ".join(f"{x:.2g}" for x in values) + ")"


@claim("Gradient descent brings a network's output to the target.", "ch-mxnet")
def descent():
    z = np.zeros(4)
    for _ in range(200):
        z -= _gradient(z, ONE, mx.nd.log_softmax)
    return holds(
        kl.kl_divergence(ONE, kl.softmax(z)) < 1e-6, "200 steps from equal logits: below 1e-6 nats"
    )


@claim("Variational autoencoders use it.", "ch-vae-elbo")
def autoencoders():
    runs = [run for run in read_records(book_results(), "vae") if run.config.variant == "elbo"]
    off = [abs(sum(run.result[f"test_{x}"] for x in ("nll", "kl", "elbo"))) for run in runs]
    return holds(max(off) < 1e-9, f"{len(runs)} recorded runs: −ELBO is NLL + KL, to 1e-9 nats")


@claim("Trust-region policy optimisation uses it.", "ch-trust-region")
def trust_region():
    def step(size: float) -> float:
        return float(kl.kl_divergence([0.5, 0.5], kl.softmax([size, 0.0])))

    size = optimize.brentq(lambda x: step(x) - 0.01, 0.0, 5.0)
    return holds(
        math.isclose(step(size), 0.01, rel_tol=1e-9),
        f"as a bound on a step: from (½, ½) a logit may move by {size:.3f} within 0.01 nats",
    )


@claim("It is one of the policy networks of reinforcement learning.", "ch-trust-region")
def policy_network():
    """A policy of two actions, a table of two logits, moved within 0.01 nats of KL."""
    reward, policy = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    moved = kl.softmax([0.28, 0.0])
    gain, distance = (moved - policy) @ reward, kl.kl_divergence(policy, moved)
    return holds(
        gain <= 0 or distance > 0.01,
        f"it is a rule for a step, of whatever policy: a table of two logits gains {gain:.3f} of "
        f"reward within {distance:.4f} nats",
    )


SOURCE.section("KLDivLoss")


@claim("Gluon has KLDivLoss for categorical distributions.", "ch-mxnet")
def exists():
    return today(
        hasattr(mx.gluon.loss, "KLDivLoss"), f"MXNet {mx.__version__}, the last there will be"
    )


@claim("`import mxnet` is all it takes.", "ch-mxnet")
def imports():
    return today("bool" in vars(np), "with NumPy 1.24 or later it fails: `numpy.bool` is gone")


@claim("KL(P, Q) is not KL(Q, P).", "q-asymmetric")
def asymmetric():
    both = compared(ONE, TWO), compared(TWO, ONE)
    return holds(both[0] != both[1], f"distributions 1 and 2: {both[0]:.4f} and {both[1]:.4f}")


@claim("The prediction is compared with the target, in that order.", "q-argument-order")
def order():
    found, as_said = compared(ONE, TWO), kl.kl_divergence(ONE, TWO)
    return holds(
        math.isclose(found, as_said, rel_tol=1e-5),
        f"of the arguments; the number is KL(target‖prediction): {found:.4f}, not {as_said:.4f}",
    )


@claim("from_logits decides between two ways of use.", "q-from-logits")
def two_ways():
    signature = inspect.signature(mx.gluon.loss.KLDivLoss.__init__)
    return holds("from_logits" in signature.parameters, "so it does")


@claim("Its default is true.", "q-from-logits")
def default():
    found = inspect.signature(mx.gluon.loss.KLDivLoss.__init__).parameters["from_logits"].default
    return today(found is True, f"{found}")


SOURCE.section("Distributions 1 to 3")


@claim("Distribution 1 has four categories.", "ch-mxnet")
def first():
    return _distribution(ONE)


@claim("So has distribution 2.", "ch-mxnet")
def second():
    return _distribution(TWO)


@claim("So has distribution 3.", "ch-mxnet")
def third():
    return _distribution(THREE)


def _distribution(p: Any) -> Found:
    return holds(len(p) == 4 and math.isclose(p.sum(), 1), f"{_told(p)} sums to 1")


@claim("Bar charts show them in pairs.", "ch-mxnet")
def charts():
    return lost("the pictures; the book draws them again")


@claim("By eye, 1 and 2 are more similar than 1 and 3.", "ch-mxnet")
def by_eye():
    gaps = kl.total_variation(ONE, TWO), kl.total_variation(ONE, THREE)
    return holds(
        gaps[0] < gaps[1], f"their bars differ by {2 * gaps[0]:.1f} and {2 * gaps[1]:.1f} in sum"
    )


@claim("With the default, predictions have to be log-probabilities.", "q-from-logits")
def logged():
    right, wrong = compared(ONE, TWO), float(loss_of(ONE[None], TWO[None])[0])
    return holds(right != wrong, f"logged {right:.4f}; unlogged {wrong:.4f}, which no KL can be")


@claim("Targets have to be probabilities, not logged.", "q-from-logits")
def unlogged():
    wrong = float(loss_of(np.log(ONE)[None], np.log(TWO)[None])[0])
    return holds(not math.isclose(wrong, compared(ONE, TWO)), f"a logged target gives {wrong}")


@claim("One often applies softmax to a network's output.", "ch-keras-loss")
def softmax():
    return opinion("a habit")


@claim("Its logarithm may have an unstable gradient.", "ch-mxnet")
def unstable():
    found = _gradient(
        np.array([0.0, -200.0]), np.array([0.5, 0.5]), lambda x: mx.nd.softmax(x).log()
    )
    return holds(not np.isfinite(found).all(), f"logits (0, −200): the gradient is {_told(found)}")


@claim("log_softmax is the stable alternative.", "ch-mxnet")
def stable():
    found = _gradient(np.array([0.0, -200.0]), np.array([0.5, 0.5]), mx.nd.log_softmax)
    return holds(np.allclose(found, [0.5, -0.5], atol=1e-5), f"the same logits: {_told(found)}")


@claim("That is what KLDivLoss expects by default.", "q-from-logits")
def expected():
    logs = mx.nd.log_softmax(mx.nd.array(OUTPUT[None])).asnumpy()
    return _as_truth(float(loss_of(logs, TWO[None])[0]), kl.kl_divergence(TWO, ONE))


def _as_truth(found: float, truth: float) -> Found:
    return holds(math.isclose(found, truth, rel_tol=1e-4), f"{found:.4f}, exactly {truth:.6f} nats")


@claim("The batch is the first axis by default.", "ch-mxnet")
def batch_axis():
    found = inspect.signature(mx.gluon.loss.KLDivLoss.__init__).parameters["batch_axis"].default
    return today(found == 0, f"batch_axis={found}")


@claim("Prediction and target need that axis.", "ch-mxnet")
def needs_batch():
    found = loss_of(np.log(ONE), TWO)
    return holds(
        found.shape != (), f"without it each category is a batch of its own: {_told(found)}"
    )


@claim("`expand_dims(0)` makes a batch of one.", "ch-mxnet")
def expanded():
    shape = mx.nd.array(ONE).expand_dims(0).shape
    return holds(shape == (1, 4), f"{ONE.shape} → {shape}")


@claim("Of distributions one only takes the logarithm.", "ch-mxnet")
def only_log():
    return _as_truth(compared(ONE, TWO), kl.kl_divergence(TWO, ONE))


@claim("The result is a single number.", "ch-mxnet")
def scalar():
    value = mx.gluon.loss.KLDivLoss()(mx.nd.array(np.log(ONE)[None]), mx.nd.array(TWO[None]))
    return holds(value.shape == (1,), f"of shape {value.shape}: `asscalar` takes it out")


@claim("Distribution 1 compared with 2 gives a number.", "q-argument-order")
def one_two():
    return lost(f"the printed value; today {compared(ONE, TWO):.7f}")


@claim("Distribution 1 compared with 3 gives another.", "q-argument-order")
def one_three():
    return lost(f"the printed value; today {compared(ONE, THREE):.7f}")


@claim("As expected, that of 1 and 2 is smaller.", "ch-mxnet")
def as_expected():
    values = compared(ONE, TWO), compared(ONE, THREE)
    return holds(values[0] < values[1], f"{values[0]:.4f} < {values[1]:.4f}")


@claim("A distribution has 0 to itself.", "ch-mxnet")
def itself():
    return holds(compared(ONE, ONE) == 0, f"{compared(ONE, ONE)}")


SOURCE.section("from_logits=False")


@claim("Then the loss takes log_softmax itself.", "q-from-logits")
def takes_itself():
    source = inspect.getsource(mx.gluon.loss.KLDivLoss.hybrid_forward)
    return holds("log_softmax" in source, "its source says so")


@claim("Of the first argument.", "q-argument-order")
def first_argument():
    source = inspect.getsource(mx.gluon.loss.KLDivLoss.hybrid_forward)
    return holds("pred = F.log_softmax(pred" in source, "of `pred`")


@claim("The four given outputs soften to distribution 1.", "ch-mxnet")
def soften():
    off = abs(kl.softmax(OUTPUT) - ONE).max()
    return holds(off < 1e-8, "to 1e-8 in float64")


@claim("They may be given as an NDArray, where the distributions were NumPy's.", "ch-mxnet")
def ndarray():
    again = mx.nd.array(mx.nd.array(OUTPUT)).expand_dims(0)
    return holds(again.shape == (1, 4), "`mx.nd.array` takes both")


@claim("They give the same divergence from 2 as before.", "ch-mxnet")
def as_before():
    found = float(loss_of(OUTPUT[None], TWO[None], from_logits=False)[0])
    return holds(
        math.isclose(found, compared(ONE, TWO), rel_tol=1e-4),
        f"{found:.4f} and {compared(ONE, TWO):.4f}; their float32 digits differ from the sixth on",
    )


SOURCE.section("Supports")


@claim("Support is where the probability is not zero.", "ch-mxnet")
def support():
    return holds(
        np.flatnonzero(FOUR).tolist() == [1, 3], "of distribution 4: the second and the fourth"
    )


@claim("The first three have the same support.", "ch-mxnet")
def same_support():
    return holds(min(ONE.min(), TWO.min(), THREE.min()) > 0, "all four categories")


@claim("Different supports make trouble.", "sec-mxnet-epsilon")
def trouble():
    return holds(
        not math.isfinite(compared(FOUR, ONE)), f"4 compared with 1: {compared(FOUR, ONE)}"
    )


@claim("The result is nan.", "sec-mxnet-epsilon")
def result_nan():
    found = compared(FOUR, ONE)
    return today(math.isnan(found), f"{found}, which is KL(1‖4); nan comes where both are 0")


@claim("nan makes trouble for the gradient.", "sec-mxnet-epsilon")
def gradient():
    found = _gradient(FOUR, ONE)
    return holds(not np.isfinite(found).all(), f"it is {_told(found)}")


@claim("One option is to add a small ε to all probabilities.", "sec-mxnet-epsilon")
def epsilon():
    eps = 10.0 ** np.array([-3, -6, -12])
    found = [kl.kl_divergence(ONE, (FOUR + e) / (1 + 4 * e)) for e in eps]
    return holds(
        np.isfinite(found).all(),
        "KL is finite then, and what ε makes it: "
        + ", ".join(f"{x:.2f}" for x in found)
        + " nats for 1e-3, 1e-6, 1e-12",
    )


@claim("It is already added to the target, 1e-12.", "sec-mxnet-epsilon")
def already():
    source = inspect.getsource(mx.gluon.loss.KLDivLoss.hybrid_forward)
    return holds(
        "F.log(label + 1e-12)" in source,
        "inside its logarithm only: the prediction's zero stays infinite",
    )


@claim("The true divergence is Σ dist_2 (log dist_2 − log dist_1).", "q-argument-order")
def true_divergence():
    value = (TWO * (np.log(TWO) - np.log(ONE))).sum()
    return holds(math.isclose(value, kl.kl_divergence(TWO, ONE)), f"KL(2‖1) = {value:.6f}")


@claim("It is the loss times the number of categories.", "ch-mxnet")
def mean_or_sum():
    ratio = kl.kl_divergence(TWO, ONE) / compared(ONE, TWO)
    return today(
        math.isclose(ratio, 4, rel_tol=1e-4),
        f"times {ratio:.4f}: MXNet {mx.__version__} sums, older ones took the mean",
    )
