"""KL(p‖softmax(logits)) as a loss: value and gradient against mpmath, and it trains.

The same statements are made of Keras, on whichever backend it is set to, of PyTorch and of JAX;
what is not installed is skipped by name. Truth is mpmath at 60 digits, the closed form of the
gradient in float64, or finite differences.
"""

import pickle
import re
import subprocess
import sys
import warnings
from types import SimpleNamespace

import mpmath
import numpy as np
import pandas as pd
import pytest
import truth
from mpmath import mpf
from thorough import first_of

import kl_lib as kl
from kl_lib import frameworks, losses

INF = float("inf")
UNIFORM, SATURATED = [0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 200.0, -200.0]
TINY = {name: float(np.finfo(name).tiny) for name in ("float32", "float64")}


# --- one surface for all frameworks ------------------------------------------------------------


def keras_surface():
    if not frameworks.keras.available():
        pytest.skip("keras, or its backend, is not installed")
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    loss = losses.keras.kl_loss

    def gradients(function, *arrays):
        tensors = [keras.ops.convert_to_tensor(a) for a in arrays]
        if backend == "tensorflow":
            import tensorflow as tf

            with tf.GradientTape() as tape:
                tape.watch(tensors)
                value = function(*tensors)
            # Of a weight that the value does not depend on, TensorFlow says None.
            found = tape.gradient(value, tensors, unconnected_gradients="zero")
        elif backend == "jax":
            found = jax.grad(function, argnums=range(len(arrays)))(*tensors)
        else:
            import torch

            for tensor in tensors:
                tensor.requires_grad_()
            found = torch.autograd.grad(function(*tensors), tensors, create_graph=True)
        return [keras.ops.convert_to_numpy(g) for g in found]

    def hessian(function, at):
        if backend == "tensorflow":
            import tensorflow as tf

            z = tf.constant(at)
            with tf.GradientTape(persistent=True) as outer:
                outer.watch(z)
                with tf.GradientTape() as inner:
                    inner.watch(z)
                    value = function(z)
                slope = inner.gradient(value, z)
            return outer.jacobian(slope, z, experimental_use_pfor=False).numpy()
        if backend == "jax":
            return np.asarray(jax.hessian(function)(at))
        import torch

        return torch.autograd.functional.hessian(function, torch.tensor(at)).numpy()

    return SimpleNamespace(
        name="keras",
        loss=loss,
        namespace=keras.ops,
        sum=keras.ops.sum,
        softmax=keras.ops.softmax,
        tensor=keras.ops.convert_to_tensor,
        cast=keras.ops.cast,
        numpy=keras.ops.convert_to_numpy,
        dtype=lambda tensor: keras.backend.standardize_dtype(tensor.dtype),
        gradients=gradients,
        hessian=hessian,
    )


def torch_surface():
    if not frameworks.torch.available():
        pytest.skip("torch is not installed")
    import torch

    def gradients(function, *arrays):
        tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
        return [g.numpy() for g in torch.autograd.grad(function(*tensors), tensors)]

    return SimpleNamespace(
        name="torch",
        loss=losses.torch.kl_loss,
        namespace=torch,
        sum=torch.sum,
        softmax=lambda a: torch.softmax(a, dim=-1),
        tensor=torch.as_tensor,
        cast=lambda tensor, dtype: tensor.to(getattr(torch, dtype)),
        numpy=lambda tensor: tensor.detach().numpy(),
        dtype=lambda tensor: str(tensor.dtype).removeprefix("torch."),
        gradients=gradients,
        hessian=lambda function, at: torch.autograd.functional.hessian(
            function, torch.tensor(at)
        ).numpy(),
    )


def jax_surface():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def gradients(function, *arrays):
        found = jax.grad(function, argnums=range(len(arrays)))(*map(jnp.asarray, arrays))
        return [np.asarray(g) for g in found]

    return SimpleNamespace(
        name="jax",
        loss=losses.jax.kl_loss,
        namespace=jnp,
        sum=jnp.sum,
        softmax=jax.nn.softmax,
        tensor=jnp.asarray,
        cast=lambda tensor, dtype: tensor.astype(dtype),
        numpy=np.asarray,
        dtype=lambda tensor: str(tensor.dtype),
        gradients=gradients,
        hessian=lambda function, at: np.asarray(jax.hessian(function)(jnp.asarray(at))),
    )


SURFACES = {"keras": keras_surface, "torch": torch_surface, "jax": jax_surface}


@pytest.fixture(params=SURFACES)
def library(request):
    return SURFACES[request.param]()


@pytest.fixture
def keras():
    keras_surface()
    import keras

    return keras


@pytest.fixture
def torch():
    torch_surface()
    import torch

    return torch


@pytest.fixture
def jax():
    jax_surface()
    import jax

    return jax


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


def value_and_gradients(library, p, logits, dtype="float64", **options):
    """The loss of each row, the gradient of their sum by p, and by the logits; as float64."""
    p, logits = np.array(p, dtype), np.array(logits, dtype)
    value = library.loss(library.tensor(p), library.tensor(logits), **options)
    assert library.dtype(value) == dtype
    by_p, by_logits = library.gradients(
        lambda a, b: library.sum(library.loss(a, b, **options)), p, logits
    )
    return [np.asarray(x, "float64") for x in (library.numpy(value), by_p, by_logits)]


def value(library, p, logits, dtype="float64", **options):
    p, logits = library.tensor(np.array(p, dtype)), library.tensor(np.array(logits, dtype))
    return library.numpy(library.loss(p, logits, **options))


# --- the truth ---------------------------------------------------------------------------------


def exact(p, logits):
    """s·KL(p/s‖softmax(logits)) by mpmath, of exactly the given floats."""
    p, logits = ([x if isinstance(x, mpf) else mpf(float(x)) for x in row] for row in (p, logits))
    s = mpmath.fsum(p)
    log_total = mpmath.log(mpmath.fsum(mpmath.exp(z) for z in logits))
    terms = [a * (mpmath.log(a / s) - z + log_total) for a, z in zip(p, logits, strict=True) if a]
    return mpmath.fsum(terms)


def softmax(logits):
    with np.errstate(invalid="ignore"):
        e = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def hard_rows(count, categories, dtype):
    """Targets with zeros, one-hot and tiny entries; logits of any size, some of them masked."""
    rng = np.random.default_rng(count)
    p = rng.dirichlet(np.full(categories, 0.5), count)
    p[rng.random(p.shape) < 0.2] = 0
    p[::5] = np.eye(categories)[rng.integers(categories, size=len(p[::5]))]
    p[1::5, 0] = 1e-30
    p[p.sum(-1) == 0, -1] = 1
    p /= p.sum(-1, keepdims=True)
    logits = rng.normal(size=p.shape) * 10.0 ** rng.integers(-8, 37, size=(count, 1))
    logits[(rng.random(p.shape) < 0.2) & (p == 0)] = -INF
    return p.astype(dtype), logits.astype(dtype)


# --- value -------------------------------------------------------------------------------------


def test_the_hard_case_of_the_book_is_right_in_value_and_gradient(library, dtype):
    loss, _, by_logits = value_and_gradients(library, UNIFORM, SATURATED, dtype)
    assert loss == pytest.approx(
        float(exact(UNIFORM, SATURATED)), rel=2 * float(np.finfo(dtype).eps)
    )
    assert loss == pytest.approx(198.363706, abs=2e-5)
    assert by_logits == pytest.approx([-0.25, -0.25, 0.75, -0.25], abs=1e-7)


def test_the_value_is_mpmaths_for_rows_of_every_kind(library, dtype):
    p, logits = hard_rows(60, 6, dtype)
    found = value(library, p, logits, dtype)
    for row, z, loss in zip(p, logits, found, strict=True):
        assert truth.relative_error(loss, exact(row, z)) < 8 * np.finfo(dtype).eps


def test_the_value_agrees_with_kl_from_logits_of_the_library(library):
    p, logits = hard_rows(60, 6, "float64")
    with np.errstate(divide="ignore"):
        independent = kl.kl_from_logits(np.log(p), logits)
    assert value(library, p, logits) == pytest.approx(independent, rel=1e-12)


def test_log_probabilities_are_logits_too(library):
    p, q = np.random.default_rng(0).dirichlet(np.ones(5), (2, 3))
    assert value(library, p, np.log(q)) == pytest.approx(kl.kl_divergence(p, q), rel=1e-13)


def test_nothing_is_nan_or_negative_or_dead_in_a_thousand_hard_rows(library, dtype):
    p, logits = hard_rows(1000, 7, dtype)
    loss, by_p, by_logits = value_and_gradients(library, p, logits, dtype)
    assert np.isfinite(loss).all()
    assert (loss >= 0).all()
    assert np.isfinite(by_p).all()
    expected = softmax(logits.astype("float64")) - p
    scale = np.abs(logits, where=np.isfinite(logits), out=np.ones(p.shape)).max(-1, keepdims=True)
    # float32 logits as such hold the softmax to their own rounding, no better.
    assert np.all(np.abs(by_logits - expected) <= 8 * np.finfo(dtype).eps * np.maximum(scale, 1))
    assert np.all(np.abs(by_logits - expected) <= 2e-3)


@pytest.mark.parametrize(
    ("dtype", "step", "limit"),
    [
        ("float64", 1e-4, 1e-11),
        ("float64", 1e-7, 1e-7),
        ("float32", 1e-2, 1e-4),
        ("float32", 1e-4, 2e-2),
    ],
)
def test_close_rows_do_not_cancel(library, dtype, step, limit):
    """KL is about step²/2. The usual sum is off by the rounding of 1, and often negative."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(20, 10)).astype(dtype)
    p = softmax(logits + step * rng.normal(size=logits.shape)).astype(dtype)
    found = value(library, p, logits, dtype)
    errors = [truth.relative_error(v, exact(*r)) for v, *r in zip(found, p, logits, strict=True)]
    assert max(errors) < limit
    usual = p * (np.log(p) - np.log(softmax(logits)))
    usual_errors = [
        truth.relative_error(v, exact(*r)) for v, *r in zip(usual.sum(-1), p, logits, strict=True)
    ]
    assert np.median(usual_errors) > 3 * np.median(errors)


def test_a_loss_of_a_matching_prediction_is_zero_but_for_rounding_squared(library, dtype):
    logits = np.random.default_rng(2).normal(size=(1000, 10)).astype(dtype)
    loss, _, by_logits = value_and_gradients(library, softmax(logits), logits, dtype)
    eps = np.finfo(dtype).eps
    assert np.all((loss >= 0) & (loss < (8 * eps) ** 2))
    assert np.all(np.abs(by_logits) < 4 * eps)


def test_a_sloppy_expm1_neither_makes_it_negative_nor_takes_the_derivatives(library, monkeypatch):
    """Compilers fuse and approximate; NumPy's exact rounding can't be relied on elsewhere."""
    accurate = library.namespace.expm1
    monkeypatch.setattr(library.namespace, "expm1", lambda x: accurate(x) - 1e-9 * abs(x))
    z = np.array([0.5, -1.0, 1.0])
    p, q = softmax(z + np.array([1e-12, 0, 0])), softmax(z)
    assert value(library, p, z) == 0
    found = library.hessian(lambda logits: library.loss(library.tensor(p), logits), z)
    assert found == pytest.approx(np.diag(q) - np.outer(q, q), abs=1e-8)


def test_a_certain_and_right_prediction_still_learns_where_softmax_has_rounded_to_1(library):
    """1 − q is 3e-13, which float32 cannot hold beside 1."""
    loss, _, by_logits = value_and_gradients(library, [1, 0, 0], [30, 1, 1], "float32")
    others = np.exp(-29.0)
    assert loss == pytest.approx(2 * others, rel=1e-5)
    assert by_logits == pytest.approx([-2 * others, others, others], rel=1e-5)


def test_a_row_that_sums_to_s_counts_as_s_rows(library):
    p, logits = np.array([0.2, 0.5, 0.3]), np.array([1.0, -1.0, 0.5])
    one, _, slope = value_and_gradients(library, p, logits)
    three, _, steeper = value_and_gradients(library, 3 * p, logits)
    assert three == pytest.approx(3 * one, rel=1e-14)
    assert steeper == pytest.approx(3 * slope, rel=1e-14)
    assert steeper == pytest.approx(3 * (softmax(logits) - p), rel=1e-13)


def test_zeros_beside_large_counts_overflow_nowhere(library, dtype):
    p, logits = [1e6, 0, 0], [0.0, 1.0, -INF]
    loss, by_p, by_logits = value_and_gradients(library, p, logits, dtype)
    assert loss == pytest.approx(1e6 * np.log1p(np.e), rel=1e-6)
    assert by_logits == pytest.approx(1e6 * softmax(np.array(logits)) - p, rel=1e-6)
    assert np.isfinite(by_p).all()


def test_a_row_of_zeros_costs_nothing_and_pulls_nowhere(library, dtype):
    loss, by_p, by_logits = value_and_gradients(library, [0, 0, 0], [1, 2, -INF], dtype)
    assert loss == 0
    assert not by_logits.any()
    assert np.isfinite(by_p).all()


# --- masks -------------------------------------------------------------------------------------


def test_a_masked_category_without_mass_is_out_of_the_sum(library, dtype):
    p, logits = [0.2, 0, 0.5, 0.3], [1, -INF, -1, 0.5]
    loss, by_p, by_logits = value_and_gradients(library, p, logits, dtype)
    kept = [0, 2, 3]
    rest, rest_by_p, rest_by_logits = value_and_gradients(
        library, np.take(p, kept), np.take(logits, kept), dtype
    )
    assert loss == pytest.approx(rest, rel=1e-6)
    assert by_logits[kept] == pytest.approx(rest_by_logits, abs=1e-7)
    assert by_p[kept] == pytest.approx(rest_by_p, abs=1e-6)
    assert by_logits[1] == 0
    assert by_p[1] == pytest.approx(0, abs=1e-6)


def test_mass_on_a_masked_category_is_an_infinite_loss_with_a_finite_gradient(library, dtype):
    p, logits = [0.2, 0.5, 0.3], [1, -INF, -1]
    loss, by_p, by_logits = value_and_gradients(library, p, logits, dtype)
    assert loss == INF
    assert by_logits == pytest.approx(softmax(np.array(logits)) - p, abs=1e-6)
    assert by_p[1] == pytest.approx(np.log(0.5 / TINY[dtype]), rel=1e-6)
    assert np.isfinite(by_p).all()


def test_a_row_masked_everywhere_is_inf_or_with_no_mass_zero(library, dtype):
    loss, by_p, by_logits = value_and_gradients(
        library, [[0.5, 0.5], [0, 0]], [[-INF, -INF], [-INF, -INF]], dtype
    )
    assert list(loss) == [INF, 0]
    assert by_logits.tolist() == [[-0.5, -0.5], [0, 0]]
    assert np.isfinite(by_p).all()


def test_one_infinite_row_leaves_the_gradients_of_the_others_alone(library):
    p, logits = np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([[0.0, -INF], [1.0, 2.0]])
    _, by_p, by_logits = value_and_gradients(library, p, logits, reduction="mean_over_samples")
    _, alone_by_p, alone = value_and_gradients(library, p[1], logits[1])
    assert by_logits[1] == pytest.approx(alone / 2, rel=1e-14)
    assert by_p[1] == pytest.approx(alone_by_p / 2, rel=1e-14)


def test_logits_near_the_largest_float_give_the_gradient_that_they_should(library, dtype):
    largest = float(np.finfo(dtype).max)
    for p, logits in (
        ([0.5, 0.5, 0.0], [largest, largest, -largest]),
        ([1.0, 0.0, 0.0], [-largest, largest, 0.0]),
    ):
        loss, by_p, by_logits = value_and_gradients(library, p, logits, dtype)
        assert loss == (0 if p[0] == 0.5 else INF)
        q = [0.5, 0.5, 0.0] if p[0] == 0.5 else [0.0, 1.0, 0.0]
        assert list(by_logits) == list(np.subtract(q, p))
        assert np.isfinite(by_p).all()


@pytest.mark.parametrize(
    ("p", "logits"),
    [([0.5, float("nan")], [0, 1]), ([0.5, 0.5], [0, float("nan")]), ([0.5, 0.5], [0, INF])],
)
def test_nan_in_and_logits_of_plus_infinity_do_not_pass_unseen(library, p, logits):
    assert np.isnan(value(library, p, logits))


# --- gradients ---------------------------------------------------------------------------------


def test_both_gradients_agree_with_finite_differences_of_mpmath(library):
    step = mpf("1e-20")

    def slope(function, at, k):
        above, below = ([mpf(x) for x in at.tolist()] for _ in range(2))
        above[k] += step
        below[k] -= step
        return float((function(above) - function(below)) / (2 * step))

    rng = np.random.default_rng(3)
    for _ in range(5):
        p, logits = rng.dirichlet(np.ones(4)) * rng.uniform(0.5, 2), rng.normal(size=4) * 3
        _, by_p, by_logits = value_and_gradients(library, p, logits)
        for k in range(4):
            expected = slope(lambda row, z=logits: exact(row, z), p, k)
            assert by_p[k] == pytest.approx(expected, rel=1e-12)
            expected = slope(lambda row, a=p: exact(a, row), logits, k)
            assert by_logits[k] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_both_gradients_agree_with_finite_differences_of_the_loss_itself(library):
    rng = np.random.default_rng(4)
    p, logits = rng.dirichlet(np.ones(5)), 2 * rng.normal(size=5)
    _, by_p, by_logits = value_and_gradients(library, p, logits)
    step, rows = 1e-5 * np.eye(5), logits[None]
    above, below = value(library, p + step, rows), value(library, p - step, rows)
    assert (above - below) / 2e-5 == pytest.approx(by_p, rel=1e-6)
    above, below = value(library, p[None], rows + step), value(library, p[None], rows - step)
    assert (above - below) / 2e-5 == pytest.approx(by_logits, rel=1e-6, abs=1e-9)


def test_the_gradient_by_p_is_log_of_p_over_q_and_a_zero_counts_as_the_smallest_float(
    library, dtype
):
    p, logits = [0.0, 0.25, 0.75], [3.0, 1.0, 0.5]
    _, by_p, _ = value_and_gradients(library, p, logits, dtype)
    log_q = np.log(softmax(np.array(logits)))
    assert by_p == pytest.approx(np.log([TINY[dtype], 0.25, 0.75]) - log_q, rel=1e-6)


def test_a_trainable_target_behind_a_softmax_gets_the_gradient_of_both_sides(library):
    """p = softmax(a): by a it is p·(t − p·t) with t = log p − log q, also where p underflows."""
    a, logits = np.array([0.0, 1.0, -2000.0]), np.array([0.5, -0.5, 1.0])

    def loss(a, z):
        return library.loss(library.softmax(a), z)

    by_a, by_logits = library.gradients(loss, a, logits)
    p, log_q = softmax(a), np.log(softmax(logits))
    t = np.log(p, where=p > 0, out=np.zeros(3)) - log_q
    assert by_a == pytest.approx(p * (t - p @ t), rel=1e-12)
    assert by_a[2] == 0
    assert by_logits == pytest.approx(softmax(logits) - p, rel=1e-12)


def test_the_second_derivative_is_that_of_log_sum_exp(library):
    p, logits = np.array([0.0, 0.3, 0.7]), np.array([0.5, -1.0, 1.0])
    found = library.hessian(lambda z: library.loss(library.tensor(p), z), logits)
    q = softmax(logits)
    assert found == pytest.approx(np.diag(q) - np.outer(q, q), abs=1e-13)
    near = library.hessian(lambda z: library.loss(library.tensor(q), z), logits)
    assert near == pytest.approx(np.diag(q) - np.outer(q, q), abs=1e-13)


# --- shapes, dtypes, checks --------------------------------------------------------------------


def test_any_axis_may_hold_the_categories(library):
    rng = np.random.default_rng(5)
    p, logits = rng.dirichlet(np.ones(4), (2, 3)), rng.normal(size=(2, 3, 4))
    expected = value(library, p, logits)
    assert expected.shape == (2, 3)
    for axis in (0, 1, -2, 2):
        moved = np.moveaxis(p, -1, axis), np.moveaxis(logits, -1, axis)
        assert value(library, *moved, axis=axis) == pytest.approx(expected, rel=1e-14)


def test_one_distribution_may_be_set_against_a_batch_on_either_side(library):
    rng = np.random.default_rng(6)
    p, logits = rng.dirichlet(np.ones(4), 3), rng.normal(size=(3, 4))
    for a, z in ((p[:1], logits), (p, logits[:1])):
        rows = np.broadcast_arrays(a, z)
        assert value(library, a, z) == pytest.approx(value(library, *rows), rel=1e-14)


@pytest.mark.parametrize(
    ("p_shape", "logits_shape", "message"),
    [
        ((3, 1), (3, 10), "p has 1 category and logits has 10 on axis -1"),
        ((3, 10), (4, 10), "p and logits do not pair up"),
        ((3,), (3, 3), r"p has 1 axis and logits has 2 .*; one distribution .* is p\[None\]"),
        ((2, 3), (3,), r"p has 2 axes and logits has 1 .*; one distribution .* is logits\[None\]"),
        ((), (), "axis=-1 is outside"),
    ],
)
def test_targets_that_would_broadcast_by_accident_are_refused(
    library, p_shape, logits_shape, message
):
    with pytest.raises(kl.DistributionError, match=message):
        value(library, np.ones(p_shape), np.ones(logits_shape))


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_precision_is_computed_and_returned_in_float32(library, half):
    p, logits = [0.0, 0.25, 0.75], [0.5, 30.0, 30.25]  # exact in both
    tensors = [library.cast(library.tensor(np.array(x, "float32")), half) for x in (p, logits)]
    loss = library.loss(*tensors)
    assert library.dtype(loss) == "float32"
    assert float(library.numpy(loss)) == pytest.approx(float(exact(p, logits)), rel=1e-6)


def test_integer_targets_are_fine(library):
    hot = library.tensor(np.eye(3, dtype="int64"))
    loss = library.loss(hot, library.tensor(np.zeros((3, 3), "float32")))
    assert library.dtype(loss) == "float32"
    assert library.numpy(loss) == pytest.approx(np.full(3, np.log(3)), rel=1e-6)


@pytest.mark.parametrize(
    ("p", "logits", "weights", "message"),
    [
        ([[0.5, 0.5], [0.5, 0.6]], [[0.0, 1], [0, 1]], None, "row 1 of p sums to 1.1"),
        ([[0.5, 0.5]], [[0.0, float("nan")]], None, r"logits\[0, 1\] is nan"),
        ([[0.5, 0.5]], [[-INF, -INF]], None, "row 0 of logits is -inf everywhere"),
        ([[0.5, 0.5]], [[0.0, 1]], [-1.0], r"weights\[0\] is -1"),
    ],
)
def test_validate_names_the_wrong_row_and_is_off_unless_asked_for(
    library, p, logits, weights, message
):
    value(library, p, logits, weights=weights)
    with pytest.raises(ValueError, match=message):
        value(library, p, logits, weights=weights, validate=True)


def test_validate_lets_the_right_input_through(library):
    p, logits = hard_rows(50, 6, "float32")
    plain = value(library, p, logits, "float32")
    assert np.array_equal(value(library, p, logits, "float32", validate=True), plain)


# --- weights and reductions --------------------------------------------------------------------

P3 = np.array([[1.0, 0, 0], [0.2, 0.3, 0.5], [0, 0.5, 0.5]])
Z3 = np.array([[0.0, 1, 2], [3.0, 0, -3], [1.0, 1, 1]])
W3 = np.array([1.0, 0.0, 3.0])


@pytest.mark.parametrize(
    ("reduction", "divisor", "unweighted"),
    [("sum", 1, 1), ("mean_over_samples", 3, 3), ("mean_over_weights", 4, 3)],
)
def test_a_reduction_does_what_its_name_says(library, reduction, divisor, unweighted):
    rows = np.array([float(exact(p, z)) for p, z in zip(P3, Z3, strict=True)])
    found = value(library, P3, Z3, weights=W3, reduction=reduction)
    assert found == pytest.approx(W3 @ rows / divisor, rel=1e-13)
    found = value(library, P3, Z3, reduction=reduction)
    assert found == pytest.approx(rows.sum() / unweighted, rel=1e-13)


def test_unreduced_losses_come_with_their_weights(library):
    rows = value(library, P3, Z3)
    assert value(library, P3, Z3, weights=W3) == pytest.approx(W3 * rows, rel=1e-14)


def test_the_mean_over_samples_pulls_at_a_sample_the_same_in_any_company(library):
    """And the mean over weights does not: that is why it is not the default anywhere."""

    def pull(reduction, others):
        _, _, by_logits = value_and_gradients(
            library, P3[:2], Z3[:2], weights=[1.0, others], reduction=reduction
        )
        return by_logits[0]

    assert pull("mean_over_samples", 9.0) == pytest.approx(pull("mean_over_samples", 1.0))
    assert pull("mean_over_weights", 9.0) == pytest.approx(pull("mean_over_weights", 1.0) / 5)


def test_the_gradient_carries_weight_and_divisor(library):
    _, _, by_logits = value_and_gradients(
        library, P3, Z3, weights=W3, reduction="mean_over_weights"
    )
    assert by_logits == pytest.approx((softmax(Z3) - P3) * W3[:, None] / 4, rel=1e-13)


def test_a_weight_may_be_shared_along_an_axis_and_over_all(library):
    p, z = np.broadcast_to(P3, (2, 3, 3)), np.broadcast_to(Z3, (2, 3, 3))
    rows = value(library, p, z)
    weights = np.array([[1.0], [3.0]])
    found = value(library, p, z, weights=weights, reduction="mean_over_weights")
    assert found == pytest.approx((rows * weights).sum() / 12, rel=1e-13)
    assert value(library, p, z, weights=2.0, reduction="sum") == pytest.approx(2 * rows.sum())


def test_weights_that_would_broadcast_by_accident_are_refused(library):
    p, z = np.broadcast_to(P3, (3, 3, 3)), np.broadcast_to(Z3, (3, 3, 3))
    for weights in (W3, W3[:2, None], W3[None, None]):
        with pytest.raises(ValueError, match=r"weights have shape \(.*\) and the losses \(3, 3\)"):
            value(library, p, z, weights=weights)


def test_weight_0_leaves_an_infinite_row_out(library):
    p, logits, weights = [[0.5, 0.5], [1, 0]], [[0, -INF], [0, 0]], [0.0, 1.0]
    loss, by_p, by_logits = value_and_gradients(
        library, p, logits, weights=weights, reduction="mean_over_weights"
    )
    assert loss == pytest.approx(np.log(2))
    assert by_logits == pytest.approx(np.array([[0, 0], [-0.5, 0.5]]))
    assert by_p[0].tolist() == [0, 0]


@pytest.mark.parametrize("reduction", ["mean_over_samples", "mean_over_weights"])
def test_no_rows_and_no_weight_give_0_not_nan(library, reduction):
    options = {"reduction": reduction}
    assert value(library, np.ones((0, 3)), np.ones((0, 3)), **options) == 0
    loss, _, by_logits = value_and_gradients(library, P3, Z3, weights=0 * W3, **options)
    assert loss == 0
    assert not by_logits.any()


def test_a_reduction_that_does_not_say_what_it_does_is_refused(library):
    with pytest.raises(ValueError, match="'mean' does not say what the sum is divided by"):
        value(library, P3, Z3, reduction="mean")
    with pytest.raises(ValueError, match="reduction is 'batchmean'; pass one of 'none', 'sum'"):
        value(library, P3, Z3, reduction="batchmean")


# --- beside the libraries' own -----------------------------------------------------------------


def test_keras_own_losses_agree_where_they_are_right(keras):
    surface = keras_surface()
    rng = np.random.default_rng(7)
    p, z = rng.dirichlet(np.ones(6), 20), rng.normal(size=(20, 6))
    own = {
        "kl": lambda a, b: keras.losses.kl_divergence(a, keras.ops.softmax(b)),
        "ce": lambda a, b: keras.losses.categorical_crossentropy(a, b, from_logits=True),
    }
    loss, _, by_logits = value_and_gradients(surface, p, z)
    for name, rest in (("kl", 0), ("ce", kl.entropy(p))):
        other = surface.numpy(own[name](surface.tensor(p), surface.tensor(z)))
        assert other - rest == pytest.approx(loss, rel=1e-10)
        _, slope = surface.gradients(lambda a, b, f=own[name]: surface.sum(f(a, b)), p, z)
        assert slope == pytest.approx(by_logits, abs=1e-12)


def test_keras_own_kl_is_wrong_and_dead_where_ours_is_not(keras):
    surface = keras_surface()
    p, z = np.array([UNIFORM], "float32"), np.array([SATURATED], "float32")

    def own(a, b):
        return surface.sum(keras.losses.kl_divergence(a, keras.ops.softmax(b)))

    assert surface.numpy(own(p, z)) == pytest.approx(10.70, abs=0.01)
    assert not surface.gradients(own, p, z)[1].any()
    loss, _, by_logits = value_and_gradients(surface, p, z, "float32")
    assert loss == pytest.approx([198.3637], abs=1e-4)
    assert by_logits == pytest.approx(np.array([[-0.25, -0.25, 0.75, -0.25]]))


def test_torchs_own_losses_agree_where_they_are_right(torch):
    surface, functional = torch_surface(), torch.nn.functional
    rng = np.random.default_rng(7)
    p, z = rng.dirichlet(np.ones(6), 20), rng.normal(size=(20, 6))
    own = {
        "kl": lambda a, b: functional.kl_div(b.log_softmax(-1), a, reduction="batchmean"),
        "ce": lambda a, b: functional.cross_entropy(b, a),
    }
    loss, by_p, by_logits = value_and_gradients(surface, p, z, reduction="mean_over_samples")
    for name, rest in (("kl", 0), ("ce", kl.entropy(p).mean())):
        other = surface.numpy(own[name](torch.tensor(p), torch.tensor(z)))
        assert other - rest == pytest.approx(loss, rel=1e-12)
        slope_p, slope = surface.gradients(own[name], p, z)
        assert slope == pytest.approx(by_logits, abs=1e-14)
        if name == "kl":  # by p they differ by a constant, which no change of p that keeps Σp sees
            assert slope_p - by_p == pytest.approx(np.full(p.shape, 1 / 20), abs=1e-14)


def test_torchs_mean_is_not_the_mean_over_samples(torch):
    p, z = torch.tensor(P3), torch.tensor(Z3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = torch.nn.functional.kl_div(z.log_softmax(-1), p, reduction="mean")
    ours = losses.torch.kl_loss(p, z, reduction="mean_over_samples")
    assert float(own) == pytest.approx(float(ours) / 3)


def test_torchs_own_kl_turns_nan_at_a_mask_where_ours_does_not(torch):
    p, z = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 1.0, -INF])
    own = torch.nn.functional.kl_div(z.log_softmax(-1), p, reduction="sum")
    assert torch.isnan(own)
    assert torch.isfinite(losses.torch.kl_loss(p, z))


#: Torch's compiler remembers functions of torch as they are when it first compiles, and other tests
#: replace some for a while: so it compiles in a process of its own.
COMPILED = """
import torch
from kl_lib import losses
p = torch.tensor([[1.0, 0, 0], [0.2, 0.3, 0.5], [0, 0.5, 0.5]], dtype=torch.float64)
z = torch.tensor([[0.0, 1, 2], [3.0, 0, -3], [1.0, 1, 1]], dtype=torch.float64, requires_grad=True)
for loss_of in (losses.torch.kl_loss, losses.torch.KLFromLogits()):
    compiled = torch.compile(loss_of, backend="aot_eager", fullgraph=True)
    z.grad = None
    compiled(p, z).mean().backward()
    print(*(float(x).hex() for x in z.grad.ravel()))
"""


def test_torch_compiles_it_into_one_graph(torch):
    done = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    function, module = done.stdout.splitlines()
    for line in (function, module):
        slope = np.array([float.fromhex(x) for x in line.split()]).reshape(3, 3)
        assert slope == pytest.approx((softmax(Z3) - P3) / 3)


def test_torch_fits_the_certain_mistake(torch):
    z = torch.tensor([[0.0, 20.0, 0.0]], requires_grad=True)
    optimiser = torch.optim.SGD([z], lr=1.0)
    for _ in range(40):
        optimiser.zero_grad()
        loss = losses.torch.kl_loss([[1, 0, 0]], z, reduction="sum")
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1


# --- the PyTorch module ------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["none", "sum", "mean_over_samples", "mean_over_weights"])
def test_the_module_computes_what_the_function_does(torch, reduction):
    loss_of = losses.torch.KLFromLogits(reduction=reduction)
    p, z, w = torch.tensor(P3), torch.tensor(Z3, requires_grad=True), torch.tensor(W3)
    for weights in (None, w):
        expected = losses.torch.kl_loss(p, z, weights=weights, reduction=reduction)
        assert torch.equal(loss_of(p, z, weights), expected)
        assert torch.equal(loss_of(p, z, weights=weights), expected)
    loss_of(p, z).sum().backward()
    assert z.grad is not None


def test_the_module_divides_by_the_samples_unless_told_otherwise(torch):
    rows = [float(exact(p, z)) for p, z in zip(P3, Z3, strict=True)]
    found = losses.torch.KLFromLogits()(torch.tensor(P3), torch.tensor(Z3))
    assert found.item() == pytest.approx(np.mean(rows), rel=1e-13)


def test_the_module_takes_an_axis_and_checks_when_asked(torch):
    p, z = torch.tensor(P3.T), torch.tensor(Z3.T)
    moved = losses.torch.KLFromLogits(axis=0, reduction="sum")(p, z)
    assert moved.item() == pytest.approx(value(torch_surface(), P3, Z3, reduction="sum"))
    losses.torch.KLFromLogits(axis=0)(2 * p, z)
    with pytest.raises(kl.DistributionError, match="sums to 2"):
        losses.torch.KLFromLogits(axis=0, validate=True)(2 * p, z)


def test_the_module_is_part_of_a_model_and_holds_no_parameters(torch):
    model = torch.nn.ModuleDict({"loss": losses.torch.KLFromLogits(axis=1)})
    assert not model.state_dict()
    assert "KLFromLogits(axis=1, reduction='mean_over_samples')" in repr(model)
    assert "validate=True" in repr(losses.torch.KLFromLogits(validate=True))
    again = pickle.loads(pickle.dumps(model["loss"]))
    assert (again.axis, again.reduction, again.validate) == (1, "mean_over_samples", False)


def test_an_unknown_reduction_of_the_module_is_refused_when_it_is_made(torch):
    with pytest.raises(ValueError, match="'mean' does not say what the sum is divided by"):
        losses.torch.KLFromLogits(reduction="mean")


# --- JAX ---------------------------------------------------------------------------------------


def test_jax_compiles_and_maps_it(jax):
    compiled = jax.jit(losses.jax.kl_loss, static_argnames=("axis", "reduction"))
    expected = value(jax_surface(), P3, Z3, reduction="mean_over_samples")
    assert compiled(P3, Z3, reduction="mean_over_samples") == pytest.approx(expected, rel=1e-14)
    assert compiled(P3.T, Z3.T, axis=0).sum() == pytest.approx(3 * expected, rel=1e-14)
    mapped = jax.vmap(losses.jax.kl_loss)(P3, Z3)
    rows = [float(exact(p, z)) for p, z in zip(P3, Z3, strict=True)]
    assert np.asarray(mapped) == pytest.approx(rows, rel=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_a_compiled_function_of_jax_hard_rows_stay_finite_and_right(jax, dtype):
    p, logits = hard_rows(200, 6, dtype)
    loss, slope = jax.jit(jax.vmap(jax.value_and_grad(losses.jax.kl_loss, argnums=1)))(p, logits)
    for row, z, found in zip(p, logits, np.asarray(loss), strict=True):
        assert truth.relative_error(found, exact(row, z)) < 8 * np.finfo(dtype).eps
    assert np.all(np.abs(slope - (softmax(logits.astype("float64")) - p)) <= 2e-3)


def test_validate_says_that_it_cannot_work_where_jax_transforms(jax):
    def checked(z):
        return losses.jax.kl_loss(P3, z, validate=True, reduction="sum")

    for transformed in (jax.jit(checked), jax.grad(checked)):
        with pytest.raises(RuntimeError, match="check the data before training"):
            transformed(Z3)


def test_optax_has_it_in_the_other_order_and_turns_nan_at_a_mask(jax):
    optax = pytest.importorskip("optax")
    log_q = jax.nn.log_softmax(jax.numpy.asarray(Z3))
    own = np.asarray(optax.losses.kl_divergence(log_q, P3))
    assert own == pytest.approx(value(jax_surface(), P3, Z3), rel=1e-12)
    masked = jax.nn.log_softmax(jax.numpy.asarray([0.0, 1.0, -INF]))
    p = jax.numpy.asarray([0.5, 0.5, 0.0])
    assert np.isnan(optax.losses.kl_divergence(masked, p))
    assert np.isfinite(losses.jax.kl_loss(p, masked))


def test_optax_trains_with_it(jax):
    optax = pytest.importorskip("optax")
    z, rule = jax.numpy.asarray([[0.0, 20.0, 0.0]]), optax.sgd(1.0)
    state = rule.init(z)

    @jax.jit
    def step(z, state):
        def loss_of(z):
            return losses.jax.kl_loss([[1.0, 0.0, 0.0]], z, reduction="sum")

        loss, slope = jax.value_and_grad(loss_of)(z)
        change, state = rule.update(slope, state)
        return optax.apply_updates(z, change), state, loss

    for _ in range(40):
        z, state, loss = step(z, state)
    assert loss < 0.1


# --- the Keras loss ----------------------------------------------------------------------------


def certain_model(keras, **options):
    """One layer whose biases are logits, certain of the wrong class; its input is 0."""
    layer = keras.layers.Dense(3, dtype=options.pop("dtype", None))
    model = keras.Sequential([keras.Input((1,)), layer])
    layer.bias.assign([0.0, 20.0, 0.0])
    loss = options.pop("loss", None) or losses.keras.KLFromLogits()
    model.compile(loss=loss, optimizer=keras.optimizers.SGD(4.0), **options)
    return model


NOTHING, TARGET = np.zeros((4, 1), "float32"), np.eye(3, dtype="float32")[[0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("kind", "jit"), first_of([("class", False), ("function", False), ("class", True)])
)
def test_a_compiled_model_unlearns_a_certain_mistake(keras, kind, jit):
    loss = losses.keras.kl_loss if kind == "function" else losses.keras.KLFromLogits()
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch's compiler needs a C++ compiler")
    model = certain_model(keras, loss=loss, jit_compile=jit)
    history = model.fit(NOTHING, TARGET, epochs=8, verbose=0).history["loss"]
    assert history[0] == pytest.approx(20, rel=1e-6)
    assert history[-1] < 0.1


def test_bfloat16_logits_are_computed_in_float32(keras):
    """In bfloat16 the loss of a guess among 1000 classes has two digits; here it has six."""
    p = np.full((1, 1000), 0.001, "float32")
    z = keras.ops.cast(np.linspace(-1, 1, 1000, dtype="float32")[None], "bfloat16")
    rounded = keras.ops.convert_to_numpy(keras.ops.cast(z, "float32"))
    expected = kl.kl_divergence(p[0], softmax(rounded[0].astype("float64")), normalize=True)
    for loss in (losses.keras.kl_loss, losses.keras.KLFromLogits()):
        found = loss(p, z)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        assert np.ravel(keras.ops.convert_to_numpy(found))[0] == pytest.approx(expected, rel=1e-5)


def test_a_model_in_mixed_bfloat16_trains(keras):
    model = certain_model(keras, dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(model(NOTHING).dtype) == "bfloat16"
    history = model.fit(NOTHING, TARGET, epochs=8, verbose=0).history["loss"]
    assert history[0] == pytest.approx(20, rel=1e-6)
    assert history[-1] < 0.2


@pytest.mark.parametrize("reduction", ["sum", "mean_over_samples", "mean_over_weights"])
def test_the_class_reduces_as_the_function_does(keras, reduction):
    loss = losses.keras.KLFromLogits(reduction=reduction, dtype="float64")
    surface = keras_surface()
    for weights in (None, W3):
        expected = value(surface, P3, Z3, weights=weights, reduction=reduction)
        assert surface.numpy(loss(P3, Z3, sample_weight=weights)) == pytest.approx(expected)
    listed = loss(P3.tolist(), Z3.tolist(), sample_weight=W3.tolist())
    assert surface.numpy(listed) == pytest.approx(expected)
    column = surface.numpy(loss(P3, Z3, sample_weight=W3[:, None]))
    assert column == pytest.approx(expected)


def test_the_class_takes_an_axis(keras):
    p, z = np.moveaxis([P3, P3], -1, 1), np.moveaxis([Z3, Z3], -1, 1)
    found = keras.ops.convert_to_numpy(losses.keras.KLFromLogits(axis=1, dtype="float64")(p, z))
    assert found == pytest.approx(value(keras_surface(), P3, Z3, reduction="mean_over_samples"))


def test_the_default_of_the_class_is_the_mean_over_samples_which_is_keras_default(keras):
    assert losses.keras.KLFromLogits().reduction == keras.losses.KLDivergence().reduction


@pytest.mark.parametrize("reduction", ["none", "sum", "mean_over_samples", "mean_over_weights"])
def test_in_the_class_weight_0_leaves_an_infinite_row_out(keras, reduction):
    loss = losses.keras.KLFromLogits(reduction=reduction)
    p, z = np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[0.0, -INF], [0.0, 0.0]])
    for weights in ([0.0, 1.0], [[0.0], [1.0]]):
        found = keras.ops.convert_to_numpy(loss(p, z, sample_weight=np.array(weights)))
        assert np.isfinite(found).all()
    assert keras.ops.convert_to_numpy(losses.keras.KLFromLogits()(p, z)) == INF


def test_masked_time_steps_are_left_out_even_if_infinite(keras):
    """The mean is over the steps that the mask leaves, as of every Keras loss."""
    layer = keras.layers.Embedding(3, 2, mask_zero=True)  # token 0 is padding
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer])
    logits = np.array([[0.0, -INF], [1.0, 2.0], [3.0, 1.0]], "float32")
    layer.set_weights([logits])
    model.compile(loss=losses.keras.KLFromLogits(), optimizer="sgd")
    p = np.array([[[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]], "float32")
    rows = [float(exact(p[0, step], logits[token])) for step, token in ((0, 1), (1, 2))]
    found = model.evaluate(np.array([[1, 2, 0]]), p, verbose=0)
    assert found == pytest.approx(np.mean(rows), rel=1e-6)


def test_sample_weights_of_fit_and_evaluate_arrive(keras):
    model = certain_model(keras)
    weights = np.array([2.0, 0.0, 0.0, 0.0], "float32")
    loss = model.evaluate(NOTHING, TARGET, sample_weight=weights, verbose=0)
    assert loss == pytest.approx(20 * 2 / 4, rel=1e-6)


def test_the_class_survives_its_config(keras):
    loss = losses.keras.KLFromLogits(
        axis=1, reduction="mean_over_weights", name="mine", dtype="float64"
    )
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is losses.keras.KLFromLogits
    assert again.get_config() == loss.get_config()
    assert (again.axis, again.name) == (1, "mine")
    assert (again.reduction, again.dtype) == ("mean_with_sample_weight", "float64")


@pytest.mark.parametrize("kind", ["class", "function"])
def test_a_saved_model_keeps_its_loss(keras, kind, tmp_path):
    loss = losses.keras.kl_loss if kind == "function" else losses.keras.KLFromLogits()
    certain_model(keras, loss=loss).save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.evaluate(NOTHING, TARGET, verbose=0) == pytest.approx(20, rel=1e-6)
    assert again.loss is loss if kind == "function" else type(again.loss) is type(loss)


def test_validate_says_that_it_cannot_work_in_a_compiled_function(keras):
    def checked(p, logits):
        return losses.keras.kl_loss(p, logits, validate=True)

    if keras.backend.backend() == "torch":
        pytest.skip("Keras on torch compiles nothing")
    with pytest.raises(RuntimeError, match="check the data before training"):
        certain_model(keras, loss=checked).fit(NOTHING, TARGET, verbose=0)


def test_class_numbers_are_refused_when_the_model_is_traced(keras):
    with pytest.raises(kl.DistributionError, match="p has 1 category and logits has 3"):
        certain_model(keras).fit(NOTHING, np.zeros((4, 1)), verbose=0)
    with pytest.raises(kl.DistributionError, match="class numbers are to be made one-hot"):
        certain_model(keras).fit(np.zeros((3, 1)), np.zeros(3), verbose=0)


def test_an_unknown_reduction_of_the_class_is_refused(keras):
    with pytest.raises(ValueError, match="reduction is 'average'; pass one of 'none', 'sum'"):
        losses.keras.KLFromLogits(reduction="average")


# --- loading -----------------------------------------------------------------------------------


def test_importing_the_losses_imports_no_framework():
    code = (
        "import sys; from kl_lib import losses; print({'keras', 'torch', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("keras", 'pip install "kl-lib[keras]"'),
        ("torch", "pip install torch"),
        ("jax", "pip install jax"),
    ],
)
def test_a_missing_framework_is_named_with_its_remedy_in_one_line(name, remedy, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"kl_lib.losses.{name}", raising=False)
    monkeypatch.delitem(vars(losses), name, raising=False)
    with pytest.raises(ImportError) as caught:
        getattr(losses, name)
    message = str(caught.value)
    assert message.startswith(f"kl_lib.losses.{name} needs {name}")
    assert message.endswith(remedy)
    assert "\n" not in message


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'mxnet'"):
        losses.mxnet  # noqa: B018


# Labels


def test_tables_with_the_same_labels_in_another_order_are_aligned():
    pytest.importorskip("keras")
    keras_loss = losses.keras.kl_loss
    p = pd.DataFrame([[1.0, 0.0], [0.25, 0.75]], columns=["cat", "dog"], index=["x", "y"])
    logits = pd.DataFrame([[0.5, -1.0], [2.0, 0.0]], columns=["dog", "cat"], index=["y", "x"])
    weights = pd.Series([3.0, 0.5], index=["y", "x"])
    # Row x has logits cat 0, dog 2; row y has cat -1, dog 0.5.
    expected = [0.5 * float(exact([1, 0], [0, 2])),
                3.0 * float(exact([0.25, 0.75], [-1, 0.5]))]  # fmt: skip
    found = np.asarray(keras_loss(p, logits, weights=weights))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_tables_with_other_labels_are_refused():
    pytest.importorskip("keras")
    keras_loss = losses.keras.kl_loss
    p = pd.DataFrame([[1.0, 0.0]], columns=["cat", "dog"])
    with pytest.raises(kl.DistributionError, match="'cow' is in logits alone") as caught:
        keras_loss(p, pd.DataFrame([[1.0, 0.0]], columns=["cat", "cow"]))
    assert caught.value.kind == "labels"
    assert "fill_value=-np.inf" in str(caught.value)


def advised(library, pattern, p, logits, **options):
    """The code that `validate` advises for a wrong p, and what it gives."""
    with pytest.raises(kl.DistributionError) as caught:
        library.loss(p, logits, validate=True, **options)
    [code] = re.findall(pattern, str(caught.value))
    names = {library.name: sys.modules[library.name], "p": p}
    if library.name == "jax":
        names["jnp"] = sys.modules["jax.numpy"]
    return eval(code, names)


COUNTS, LOGITS = r"pass ([^;]*) if these are counts$", r"If these are logits, pass (.*)$"


@pytest.mark.parametrize("given", ["list", "integers", "tensor"])
def test_the_advice_of_validate_is_for_the_framework_and_works_on_any_axis(library, given):
    """Followed to the letter, for the three forms in which a target comes."""
    number = int if given == "integers" else float

    def made(rows):
        rows = [[number(x) for x in row] for row in rows]
        return library.tensor(rows) if given == "tensor" else rows

    for axis in (-1, 0):

        def turned(rows, axis=axis):
            return np.transpose(rows).tolist() if axis == 0 else rows

        logits = turned([[0.0, 0.0, 1.0], [1.0, 2.0, 3.0]])
        rows = turned([[2.0, 6.0, 0.0], [1.0, 1.0, 2.0]])
        followed = advised(library, COUNTS, made(rows), logits, axis=axis)
        found = library.numpy(library.loss(followed, logits, axis=axis, validate=True))
        expected = [exact([0.25, 0.75, 0], [0, 0, 1]), exact([0.25, 0.25, 0.5], [1, 2, 3])]
        assert found == pytest.approx([float(x) for x in expected], rel=1e-6)

        rows = turned([[-1.0, 2.0, 0.0], [3.0, -2.0, 1.0]])
        followed = advised(library, LOGITS, made(rows), logits, axis=axis)
        found = library.numpy(library.loss(followed, logits, axis=axis, validate=True))
        expected = [
            exact(softmax(np.array(x)), z)
            for x, z in (([-1.0, 2, 0], [0, 0, 1]), ([3.0, -2, 1], [1, 2, 3]))
        ]
        assert found == pytest.approx([float(x) for x in expected], rel=1e-6)


@pytest.mark.parametrize("axis", [-1, 0])
def test_the_advice_for_a_column_of_chances_makes_two_categories_of_it(library, axis):
    p, logits = [[0.25], [0.75]], [[1.0], [2.0]]
    two = [[0.0, 1.0], [0.0, 2.0]]
    if axis == 0:
        p, logits, two = ([list(x) for x in zip(*rows, strict=True)] for rows in (p, logits, two))
    followed = advised(library, r"if it is the chance of a yes, pass (.*)$", p, logits, axis=axis)
    found = library.numpy(library.loss(followed, two, axis=axis, validate=True))
    expected = [exact([0.75, 0.25], [0, 1]), exact([0.25, 0.75], [0, 2])]
    assert found == pytest.approx([float(x) for x in expected], rel=1e-6)


def test_the_advice_for_chances_makes_two_categories_of_each(library):
    pattern = r"or pass (.*) if each is the chance of a yes$"
    followed = advised(library, pattern, [0.75, 0.875], [0.0, 1.0])
    found = library.numpy(library.loss(followed, [[3.0, 0.0], [0.0, -2.0]], validate=True))
    expected = [exact([0.25, 0.75], [3, 0]), exact([0.125, 0.875], [0, -2])]
    assert found == pytest.approx([float(x) for x in expected], rel=1e-6)
