"""What each library computes, and that its adapter turns it into KL(p‖q) in nats.

Truth is mpmath at 50 digits, or the closed form of the gradient, softmax(logits) − p. The values
that a library gives where it is *not* right are statements of fact about the versions in the lock
file: if one of these tests fails after an upgrade, the library has changed and the book must too.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest

import kl_lib as kl
from kl_lib import frameworks
from kl_lib.frameworks import record

NAMES = ("scipy", "keras", "tfp", "mxnet", "torch")
NO_CLIPPING = tuple(name for name in NAMES if name != "keras")

# The pairs of NUMERICS: decimals as text, so that mpmath reads what is written.
PLAIN = ("0.2 0.5 0.2 0.1", "0.3 0.4 0.1 0.2")
P_ZERO = ("0 0.5 0.3 0.2", "0.3 0.4 0.1 0.2")
Q_ZERO = ("0.2 0.5 0.2 0.1", "0 0.7 0.1 0.2")
BOTH_ZERO = ("0 0.5 0.3 0.2", "0 0.4 0.4 0.2")
TINY_Q = ("0.5 0.5", "1e-10 0.9999999999")
COUNTS = ("2 5 2 1", "3 4 1 2")
SHORT_Q = ("0.5 0.5", "0.3 0.3")
NEGATIVE = ("-0.1 1.1", "0.5 0.5")

SATURATED = [0.0, 1.0, 200.0, -200.0]
UNIFORM = [0.25, 0.25, 0.25, 0.25]


@pytest.fixture(params=NAMES)
def adapter(request):
    return library(request.param)


def library(name):
    module = getattr(frameworks, name)
    if not module.available():
        pytest.skip(f"{name} is not installed")
    return module


def digits(adapter):
    """Relative tolerance: double precision, except for Keras on JAX and (at the clip) PyTorch."""
    single = adapter is frameworks.keras and adapter.load().backend.backend() != "tensorflow"
    return 2e-6 if single else 1e-10


def arrays(pair):
    return tuple(np.array([float(x) for x in text.split()]) for text in pair)


def exact(pair):
    """KL in nats by mpmath, from the decimals as written."""
    with mpmath.workdps(50):
        p, q = ([mpmath.mpf(x) for x in text.split()] for text in pair)
        if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
            return np.inf
        return float(sum(a * mpmath.log(a / b) for a, b in zip(p, q, strict=True) if a > 0))


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def dirichlet(shape, categories, seed):
    return np.random.default_rng(seed).dirichlet(np.ones(categories), shape)


def run_python(code, **environment):
    """What `code` prints in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- the exact values that the rest leans on ---------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        (PLAIN, 0.0997934721),
        (P_ZERO, 0.441155462),
        (Q_ZERO, np.inf),
        (BOTH_ZERO, 0.0252671539),
        (TINY_Q, 10.81978),
    ],
)
def test_the_exact_values_printed_in_the_book_are_mpmaths(pair, value):
    assert exact(pair) == pytest.approx(value, rel=1e-6)


# --- kl_divergence: the recipe of each library -------------------------------------------------


@pytest.mark.parametrize("pair", [PLAIN, P_ZERO, Q_ZERO, BOTH_ZERO, TINY_Q])
@pytest.mark.parametrize("name", NO_CLIPPING)
def test_the_recipe_is_exact_zeros_included(name, pair):
    value = library(name).kl_divergence(*arrays(pair))
    # 1e-11: MXNet adds 1e-12 for each category.
    assert value == pytest.approx(exact(pair), rel=1e-12, abs=1e-11)


def test_every_recipe_agrees_with_mpmath_on_random_rows_in_double_precision(adapter):
    p, q = dirichlet(3, 7, seed=1) + 1e-3, dirichlet(3, 7, seed=2) + 1e-3
    p, q = p / p.sum(-1, keepdims=True), q / q.sum(-1, keepdims=True)
    truth = [
        float(mpmath.fsum(a * mpmath.log(mpmath.mpf(a) / b) for a, b in zip(*row, strict=True)))
        for row in zip(p.tolist(), q.tolist(), strict=True)
    ]
    assert adapter.kl_divergence(p, q) == pytest.approx(truth, rel=digits(adapter))


def test_every_recipe_takes_p_first(adapter):
    p, q = arrays(PLAIN)
    assert adapter.kl_divergence(p, q) == pytest.approx(exact(PLAIN), rel=digits(adapter))
    assert adapter.kl_divergence(q, p) == pytest.approx(exact(PLAIN[::-1]), rel=digits(adapter))
    assert exact(PLAIN) != pytest.approx(exact(PLAIN[::-1]), rel=1e-3)


def test_every_recipe_gives_one_float64_for_a_pair_and_one_per_row_for_a_batch(adapter):
    p, q = dirichlet((2, 3), 5, seed=3), dirichlet((2, 3), 5, seed=4)
    batch = adapter.kl_divergence(p, q)
    single = adapter.kl_divergence(p[1, 2], q[1, 2])
    assert (batch.shape, batch.dtype) == ((2, 3), np.float64)
    assert isinstance(single, np.float64)
    assert single == pytest.approx(batch[1, 2], rel=digits(adapter))
    assert batch == pytest.approx(kl.kl_divergence(p, q), rel=1e-6)


def test_every_recipe_sets_one_distribution_against_a_batch(adapter):
    p, q = dirichlet((), 5, seed=5), dirichlet((3,), 5, seed=6)
    rows = [adapter.kl_divergence(p, row) for row in q]
    assert adapter.kl_divergence(p, q) == pytest.approx(rows, rel=digits(adapter))
    assert adapter.kl_divergence(list(p), q.tolist()) == pytest.approx(rows, rel=digits(adapter))


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (COUNTS, "p sums to 10"),
        (SHORT_Q, "q sums to 0.6"),
        (NEGATIVE, r"p\[0\] is -0.1"),
        (("0.5 0.5", "0.2 0.3 0.5"), "p has 2 categories and q has 3"),
    ],
)
def test_every_recipe_refuses_what_is_not_a_distribution(adapter, pair, message):
    with pytest.raises(kl.DistributionError, match=message):
        adapter.kl_divergence(*arrays(pair))


def test_every_recipe_divides_by_the_exact_sums_as_kl_lib_does(adapter):
    p, q = arrays(PLAIN)
    value = adapter.kl_divergence(p * (1 + 5e-7), q * (1 - 5e-7))
    assert value == pytest.approx(exact(PLAIN), rel=digits(adapter))


def test_mxnets_epsilon_adds_about_1e_12_for_each_category():
    mxnet = library("mxnet")
    p, q = (softmax(np.random.default_rng(seed).normal(size=10**6)) for seed in (0, 1))
    bias = mxnet.kl_divergence(p, q) - kl.kl_divergence(p, q)
    assert bias == pytest.approx(1e-6, rel=0.01)  # K = 1e6 categories


# --- gradients ---------------------------------------------------------------------------------


@pytest.fixture(params=["tfp", "mxnet", "torch", "keras"])
def differentiator(request):
    return library(request.param)


def test_the_gradient_is_softmax_minus_p(differentiator):
    logits = np.random.default_rng(7).normal(size=(3, 5))
    p = dirichlet((3,), 5, seed=8) + 1e-3
    p /= p.sum(-1, keepdims=True)
    gradient = differentiator.gradient(p, logits)
    assert (gradient.shape, gradient.dtype) == ((3, 5), np.float64)
    assert gradient == pytest.approx(softmax(logits) - p, abs=1e-7)
    assert differentiator.gradient(p[0], logits)[0] == pytest.approx(gradient[0], abs=1e-7)


@pytest.mark.parametrize("name", ["tfp", "mxnet", "torch"])
def test_the_gradient_survives_saturated_logits(name):
    gradient = library(name).gradient(UNIFORM, SATURATED)
    assert gradient == pytest.approx([-0.25, -0.25, 0.75, -0.25], abs=1e-12)


def test_the_gradient_of_keras_kl_is_dead_on_saturated_logits_and_cross_entropys_is_not():
    keras = library("keras")
    assert np.abs(keras.gradient(UNIFORM, SATURATED)).max() < 1e-80
    assert keras.gradient(UNIFORM, SATURATED, call="categorical_crossentropy") == pytest.approx(
        [-0.25, -0.25, 0.75, -0.25], abs=1e-7
    )


def test_keras_kl_stops_at_16_nats_and_stops_learning_there():
    keras = library("keras")
    one_hot, logits = [1.0, 0.0], [-20.0, 0.0]  # q_true = 2e-9, below the clip
    assert keras.kl_divergence(one_hot, softmax(np.array(logits))) == pytest.approx(
        -np.log(1e-7), abs=1e-5
    )
    assert np.abs(keras.gradient(one_hot, logits)).max() < 1e-8
    learning = keras.gradient(one_hot, logits, call="categorical_crossentropy")
    assert learning == pytest.approx([-1, 1], abs=1e-7)


def test_tfp_one_hot_categorical_has_the_right_gradient_where_its_value_is_nan():
    tfp, (p, q) = library("tfp"), arrays(P_ZERO)
    assert np.isnan(tfp.raw(p, q, call="OneHotCategorical"))
    for call in tfp.CALLS:
        gradient = tfp.gradient(p, np.zeros(4), call=call)
        assert gradient == pytest.approx(0.25 - p, abs=1e-12)


def test_the_gradient_refuses_p_that_is_no_distribution_and_logits_that_are_no_logits(
    differentiator,
):
    with pytest.raises(kl.DistributionError, match="p sums to"):
        differentiator.gradient([0.5, 0.6], [0.0, 0.0])
    with pytest.raises(kl.DistributionError, match=r"logits\[0\] is nan"):
        differentiator.gradient([0.5, 0.5], [np.nan, 0.0])


# --- raw calls: SciPy --------------------------------------------------------------------------


def test_scipy_has_three_calls_that_differ_in_what_they_sum():
    scipy = library("scipy")
    p, q = arrays(PLAIN)
    terms = p * np.log(p / q)
    assert scipy.raw(p, q) == pytest.approx(terms, rel=1e-14)
    assert scipy.raw(p, q, call="kl_div") == pytest.approx(terms - p + q, rel=1e-14)
    assert scipy.raw(p, q, call="entropy") == pytest.approx(exact(PLAIN), rel=1e-12)


def test_scipy_is_exact_at_zeros_and_kl_div_gives_q_where_p_is_0():
    scipy = library("scipy")
    for call, at_p_zero in (("rel_entr", 0.0), ("kl_div", 0.3)):
        assert scipy.raw([0.0, 0.5, 0.0], [0.3, 0.0, 0.0], call=call).tolist() == [
            at_p_zero,
            np.inf,
            0.0,
        ]
    assert scipy.raw(*arrays(Q_ZERO), call="entropy") == np.inf
    assert scipy.raw(*arrays(BOTH_ZERO), call="entropy") == pytest.approx(exact(BOTH_ZERO))


def test_scipy_entropy_sums_over_axis_0_and_normalises_without_a_word():
    scipy = library("scipy")
    p, q = (np.stack([row, row]) for row in arrays(PLAIN))
    assert scipy.raw(p, q, call="entropy") == pytest.approx(np.zeros(4))  # columns, not rows
    assert scipy.raw(p, q, call="entropy", axis=-1) == pytest.approx([exact(PLAIN)] * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scipy.raw(*arrays(COUNTS), call="entropy") == pytest.approx(exact(PLAIN))
        assert scipy.raw(*arrays(SHORT_Q), call="entropy") == pytest.approx(0.0, abs=1e-15)


def test_scipy_rel_entr_takes_counts_as_they_are_and_kl_div_is_the_generalised_kl():
    scipy, (p, q) = library("scipy"), arrays(SHORT_Q)
    assert scipy.raw(*arrays(COUNTS)).sum() == pytest.approx(10 * exact(PLAIN), rel=1e-12)
    assert scipy.raw(p, q).sum() == pytest.approx(np.log(0.5 / 0.3))
    assert scipy.raw(p, q, call="kl_div").sum() == pytest.approx(np.log(0.5 / 0.3) - 1 + 0.6)
    assert scipy.raw(p, q, call="kl_div").sum() == pytest.approx(
        kl.kl_divergence(p, q, generalized=True)
    )


# --- raw calls: Keras --------------------------------------------------------------------------


def clipped(pair):
    p, q = (np.clip(x, 1e-7, 1) for x in arrays(pair))
    return np.sum(p * np.log(p / q))


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        (PLAIN, 0.0997934721),
        (P_ZERO, 0.441153971),
        (Q_ZERO, 2.80281),
        (BOTH_ZERO, 0.0252671539),
        (COUNTS, 0.0),
        (SHORT_Q, 0.51083),
        (NEGATIVE, 0.69315),
        (TINY_Q, 7.36590),
    ],
)
def test_keras_clips_both_to_1e_7_and_1_and_so_is_always_finite(pair, value):
    keras = library("keras")
    measured = keras.raw(*arrays(pair))
    assert measured == pytest.approx(clipped(pair), rel=digits(keras), abs=1e-14)
    assert measured == pytest.approx(value, rel=1e-5)


def test_keras_takes_p_first_and_its_class_averages_the_batch_in_float32():
    keras = library("keras")
    p, q = (np.stack(rows) for rows in zip(arrays(PLAIN), arrays(BOTH_ZERO), strict=True))
    rows = keras.raw(p, q)
    assert rows == pytest.approx([exact(PLAIN), exact(BOTH_ZERO)], rel=digits(keras), abs=1e-8)
    mean = keras.raw(p, q, call="KLDivergence")
    assert mean.dtype == np.float32
    assert mean == pytest.approx(rows.mean(), rel=1e-5)


def test_keras_is_far_off_where_most_of_ten_million_categories_are_near_the_clip():
    keras = library("keras")
    rng = np.random.default_rng(0)
    p, q = (softmax(rng.normal(size=10**7)) for _ in range(2))
    assert np.sum(p * np.log(p / q)) == pytest.approx(1.000284, abs=5e-7)
    assert keras.raw(p, q) == pytest.approx(0.424322, abs=5e-7)


def test_keras_3_has_lost_the_old_name_and_fit_fails_on_it_where_compile_does_not():
    keras = library("keras").load()
    assert not hasattr(keras.losses, "kullback_leibler_divergence")
    for name in ("kl_divergence", "kld", "KLD"):
        assert keras.losses.get(name) is keras.losses.kl_divergence
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", loss="kullback_leibler_divergence")
    with pytest.raises(ValueError, match="kullback_leibler_divergence"):
        model.fit(np.ones((2, 2)), np.full((2, 2), 0.5), verbose=0)


def test_keras_kl_has_no_from_logits():
    keras = library("keras").load()
    with pytest.raises(TypeError, match="from_logits"):
        keras.losses.KLDivergence(from_logits=True)


def test_keras_2_still_has_the_old_name():
    library("tfp")
    tf_keras = importlib.import_module("tf_keras")
    assert callable(tf_keras.losses.kullback_leibler_divergence)


# --- raw calls: TFP ----------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [PLAIN, P_ZERO, Q_ZERO, BOTH_ZERO, TINY_Q])
def test_tfp_categorical_is_exact(pair):
    assert library("tfp").raw(*arrays(pair)) == pytest.approx(exact(pair), rel=1e-12)


def test_tfp_one_hot_categorical_is_nan_where_p_is_0_and_computes_in_float32():
    tfp = library("tfp")
    values = {
        pair: tfp.raw(*arrays(pair), call="OneHotCategorical")
        for pair in (PLAIN, P_ZERO, Q_ZERO, BOTH_ZERO, TINY_Q)
    }
    assert np.isnan(values[P_ZERO])
    assert np.isnan(values[BOTH_ZERO])
    assert values[Q_ZERO] == np.inf
    assert values[PLAIN] == pytest.approx(exact(PLAIN), rel=1e-6)
    assert values[TINY_Q] == pytest.approx(exact(TINY_Q), rel=1e-6)
    assert values[PLAIN].dtype == np.float32


@pytest.mark.parametrize("call", ["Categorical", "OneHotCategorical"])
def test_tfp_normalises_without_a_word_and_gives_nan_for_a_negative_probability(call):
    tfp = library("tfp")
    assert tfp.raw(*arrays(COUNTS), call=call) == pytest.approx(exact(PLAIN), rel=1e-6)
    assert tfp.raw(*arrays(SHORT_Q), call=call) == pytest.approx(0.0, abs=1e-7)
    assert np.isnan(tfp.raw(*arrays(NEGATIVE), call=call))


def test_tfp_can_be_asked_to_check():
    tfp = library("tfp")
    with pytest.raises(Exception, match="probs"):
        tfp.raw(*arrays(SHORT_Q), validate_args=True)


def test_tfp_gives_one_value_for_each_member_of_the_batch():
    tfp = library("tfp")
    p, q = dirichlet((2, 3), 4, seed=9), dirichlet((2, 3), 4, seed=10)
    assert tfp.raw(p, q) == pytest.approx(kl.kl_divergence(p, q), rel=1e-10)


def test_tfp_with_logits_gives_198_where_keras_on_their_softmax_gives_10():
    tfd = library("tfp").load().distributions
    value = tfd.kl_divergence(
        tfd.Categorical(probs=np.array(UNIFORM)), tfd.Categorical(logits=np.array(SATURATED))
    ).numpy()
    assert value == pytest.approx(kl.kl_from_logits(np.zeros(4), SATURATED), rel=1e-12)
    assert value == pytest.approx(198.36, abs=0.005)
    assert library("keras").kl_divergence(UNIFORM, softmax(np.array(SATURATED))) == pytest.approx(
        10.70, abs=0.005
    )


def test_a_keras_3_model_trains_on_tfp_distributions_and_refuses_tfp_layers():
    tfp, keras = library("tfp").load(), library("keras").load()
    tfd = tfp.distributions
    keras.utils.set_random_seed(0)  # initial weights may fit by chance
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(
        keras.optimizers.SGD(1.0),
        loss=lambda p, z: tfd.kl_divergence(tfd.Categorical(probs=p), tfd.Categorical(logits=z)),
    )
    x, p = np.ones((8, 2), "float32"), np.tile(np.float32([0.2, 0.8]), (8, 1))
    losses = model.fit(x, p, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 1e-3 < losses[0]
    with pytest.raises(ValueError, match=r"Only instances of `keras\.Layer` can be added"):
        keras.Sequential([keras.Input((2,)), tfp.layers.OneHotCategorical(2)])


LEGACY = """
import tensorflow as tf, tensorflow_probability as tfp, keras
tfd = tfp.distributions
p, q = tfd.Categorical(probs=[0.5, 0.5]), tfd.Categorical(probs=[0.25, 0.75])
print(tf.keras.__name__, keras.__version__[0], round(float(tfd.kl_divergence(p, q)), 6))
"""


@pytest.mark.thorough
def test_the_legacy_switch_swaps_tf_keras_in_and_leaves_keras_3_and_tfp_alone():
    library("tfp"), library("keras")
    said = run_python(LEGACY, TF_USE_LEGACY_KERAS="1", KERAS_BACKEND="tensorflow")
    assert said == "tf_keras.api._v2.keras 3 0.143841"


# --- raw calls: MXNet --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        (PLAIN, 0.0997934721),
        (P_ZERO, 0.441155462),
        (Q_ZERO, np.inf),
        (BOTH_ZERO, np.nan),
        (COUNTS, 0.99793),
        (SHORT_Q, 0.51083),
        (NEGATIVE, np.nan),
        (TINY_Q, 10.81978),
    ],
)
def test_mxnet_takes_log_q_first_sums_and_gives_nan_where_both_are_0(pair, value):
    mxnet, (p, q) = library("mxnet"), arrays(pair)
    with np.errstate(divide="ignore"):
        measured = mxnet.raw(np.log(q)[None], p[None])
    assert measured.dtype == np.float32
    assert measured == pytest.approx([value], rel=1e-5, nan_ok=True)


def test_mxnet_from_logits_true_means_log_probabilities_and_false_means_logits():
    mxnet, (p, q) = library("mxnet"), arrays(PLAIN)
    shifted = np.log(q)[None] + 3.0  # logits of q, not log-probabilities
    assert mxnet.raw(shifted, p[None], from_logits=False) == pytest.approx(exact(PLAIN), abs=1e-5)
    assert mxnet.raw(shifted, p[None]) == pytest.approx(exact(PLAIN) - 3.0, abs=1e-5)


def test_mxnet_sums_over_categories_and_its_docstring_still_says_average():
    mxnet = library("mxnet")
    p, q = dirichlet((2, 3), 4, seed=11), dirichlet((2, 3), 4, seed=12)
    # All axes but the first: a (2, 3, 4) batch gives two numbers.
    totals = kl.kl_divergence(p, q).sum(axis=1)
    assert mxnet.raw(np.log(q), p) == pytest.approx(totals, rel=1e-4)
    assert "averaged out" in mxnet.load().gluon.loss.KLDivLoss.__doc__


def test_mxnet_does_not_sum_a_vector():
    mxnet, (p, q) = library("mxnet"), arrays(PLAIN)
    assert mxnet.raw(np.log(q), p) == pytest.approx(p * np.log(p / q), rel=1e-4)


def test_mxnet_float32_log_softmax_is_off_by_1e_6_on_the_sources_logits():
    mxnet = library("mxnet")
    logits = np.array([[0.39056206, 1.3068528, 0.39056206, -0.30258512]])
    p = np.array([[0.2, 0.5, 0.2, 0.1]])
    single = mxnet.raw(logits, p, from_logits=False)
    double = mxnet.raw(logits, p, from_logits=False, dtype="float64")
    assert abs(single[0]) > 5e-7
    assert abs(double[0]) < 1e-10


SHIM = """
import numpy as np
from kl_lib import frameworks
before = dict(vars(np))
mx = frameworks.mxnet.load()
print(mx.__version__, "bool" in vars(np), all(vars(np)[name] is before[name] for name in before))
x = mx.nd.array([[0.0, 1.0]]); x.attach_grad()
with mx.autograd.record():
    y = mx.gluon.loss.KLDivLoss(from_logits=False)(x, mx.nd.array([[0.5, 0.5]]))
y.backward()
a = mx.np.array([1.0, 2.0])
with frameworks.mxnet.numpy_aliases():
    a[a > 1] = 0
print(a.asnumpy().tolist(), frameworks.mxnet.load() is mx)
"""


def test_importing_mxnet_leaves_numpy_as_it_was_and_warns_of_nothing():
    library("mxnet")
    assert run_python(SHIM).splitlines() == ["1.9.1 False True", "[1.0, 0.0] True"]


# --- raw calls: PyTorch, optax -----------------------------------------------------------------


def test_torch_takes_log_q_first_and_its_default_is_not_kl():
    torch = library("torch")
    p, q = (row[None] for row in arrays(PLAIN))
    with pytest.warns(UserWarning, match="batchmean"):
        assert torch.raw(np.log(q), p) == pytest.approx(exact(PLAIN) / 4, rel=1e-12)
    for reduction in ("batchmean", "sum"):
        assert torch.raw(np.log(q), p, reduction=reduction) == pytest.approx(exact(PLAIN))


def test_torch_batchmean_divides_a_vector_by_its_categories():
    torch, (p, q) = library("torch"), arrays(PLAIN)
    assert torch.raw(np.log(q), p, reduction="batchmean") == pytest.approx(exact(PLAIN) / 4)


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        (P_ZERO, 0.441155462),
        (Q_ZERO, np.inf),
        (BOTH_ZERO, np.nan),
        (COUNTS, 0.99793),
        (SHORT_Q, 0.51083),
        (NEGATIVE, np.nan),
        (TINY_Q, 10.81978),
    ],
)
def test_torch_kl_div_is_exact_unless_both_are_0(pair, value):
    torch, (p, q) = library("torch"), arrays(pair)
    with np.errstate(divide="ignore"):
        measured = torch.raw(np.log(q), p, reduction="sum")
    assert measured == pytest.approx(value, rel=1e-5, nan_ok=True)


def test_torch_log_target_gives_nan_where_p_is_0():
    torch, (p, q) = library("torch"), arrays(P_ZERO)
    with np.errstate(divide="ignore"):
        value = torch.raw(np.log(q), np.log(p), reduction="sum", log_target=True)
    assert np.isnan(value)


@pytest.mark.parametrize("pair", [PLAIN, P_ZERO, Q_ZERO, BOTH_ZERO, TINY_Q])
def test_torch_distributions_take_p_first_and_are_exact(pair):
    torch = library("torch")
    assert torch.raw(*arrays(pair), call="Categorical") == pytest.approx(exact(pair), rel=1e-10)


def test_torch_distributions_normalise_without_a_word_and_refuse_negatives():
    torch = library("torch")
    assert torch.raw(*arrays(COUNTS), call="Categorical") == pytest.approx(exact(PLAIN))
    with pytest.raises(ValueError, match="probs"):
        torch.raw(*arrays(NEGATIVE), call="Categorical")


def test_the_recording_of_torch_that_the_book_shows_is_what_torch_gives():
    library("torch")
    measured, stored = record.measure(), record.recorded()
    stored["library"] = measured["library"]
    assert flat(measured) == flat(stored)
    assert measured["gradient"]["one-hot"] == pytest.approx([-1, 0, 1, 0], abs=1e-12)


def test_the_recording_of_torch_agrees_with_numpy():
    stored, (p, q) = record.recorded(), np.array(record.BATCH)
    terms = p * np.log(p / q)
    means = {"mean": terms.mean(), "batchmean": terms.sum() / 3, "sum": terms.sum()}
    assert stored["batch"] == pytest.approx(means)
    for name in ("no zeros", "p = 0", "q = 0", "both 0", "q = 1e-10"):
        truth = kl.kl_divergence(*record.PAIRS[name])
        assert stored["pairs"]["distributions"][name] == pytest.approx(truth)


def flat(value, path=""):
    """A nested dict as one dict of rounded numbers; nan as text, so that it equals itself."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f"{path}/{key}").items()}
    if isinstance(value, list):
        return flat(dict(enumerate(value)), path)
    return {path: f"{value:.10g}" if isinstance(value, float) else value}


def test_optax_takes_log_q_first_is_exact_at_p_0_and_its_gradient_for_p_is_not():
    optax = pytest.importorskip("optax", reason="optax is not installed")
    jax = importlib.import_module("jax")
    p, q = (x.astype(np.float32) for x in arrays(P_ZERO))
    assert float(optax.losses.kl_divergence(np.log(q), p)) == pytest.approx(exact(P_ZERO), rel=1e-5)
    slope = jax.grad(lambda target: optax.losses.kl_divergence(np.log(q), target))(p)
    assert np.isnan(slope[0])
    assert np.isfinite(slope[1:]).all()


# --- loading -----------------------------------------------------------------------------------


def test_importing_the_adapters_imports_no_library():
    code = """
import sys, kl_lib
print("kl_lib.frameworks" in sys.modules)
from kl_lib import frameworks
frameworks.available()
heavy = {"scipy", "keras", "tensorflow", "tf_keras", "tensorflow_probability", "mxnet", "torch"}
print(heavy & set(sys.modules))
"""
    assert run_python(code).splitlines() == ["False", "set()"]


def test_available_lists_what_can_be_loaded():
    names = frameworks.available()
    assert names == [name for name in NAMES if getattr(frameworks, name).available()]
    for name in names:
        assert getattr(frameworks, name).version().split()[1][0].isdigit()


MISSING = {
    "scipy": ("scipy", 'scipy: pip install "kl-lib[scipy]"'),
    "keras": ("keras", 'pip install "kl-lib[keras]"'),
    "tfp": ("tf_keras", 'tf-keras: pip install "kl-lib[tfp]"'),
    "torch": ("torch", "torch: pip install torch"),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_library_is_named_with_its_extra_in_one_line(name, monkeypatch):
    module, remedy = MISSING[name]
    adapter = getattr(frameworks, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError) as caught:
        adapter.kl_divergence([0.5, 0.5], [0.5, 0.5])
    message = str(caught.value)
    assert message.startswith(f"kl_lib.frameworks.{name} needs ")
    assert message.endswith(remedy)
    assert "\n" not in message
    assert not adapter.available()


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        (("Linux", "x86_64"), 'frameworks.mxnet needs mxnet: pip install "kl-lib[mxnet]"'),
        (("Darwin", "arm64"), "mxnet 1.9.1, the last release, has no wheel for Darwin arm64"),
    ],
)
def test_a_missing_mxnet_says_whether_it_can_be_had_here(machine, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "mxnet", None)
    monkeypatch.setattr("platform.system", lambda: machine[0])
    monkeypatch.setattr("platform.machine", lambda: machine[1])
    monkeypatch.setattr(np, "__version__", "1.26.4")
    with pytest.raises(ImportError) as caught:
        frameworks.mxnet.kl_divergence([0.5, 0.5], [0.5, 0.5])
    assert str(caught.value).endswith(message)
    assert "\n" not in str(caught.value)


def test_mxnet_is_not_available_beside_numpy_2(monkeypatch):
    monkeypatch.setattr(np, "__version__", "2.1.0")
    monkeypatch.setattr(frameworks.mxnet._shared, "installed", lambda *names: True)
    monkeypatch.delitem(sys.modules, "mxnet", raising=False)
    assert not frameworks.mxnet.available()
    with pytest.raises(ImportError, match=r"needs numpy < 2, and numpy 2\.1\.0 is installed"):
        frameworks.mxnet.load()


def test_keras_is_available_only_if_the_backend_it_is_set_to_is(monkeypatch):
    library("keras")
    monkeypatch.setenv("KERAS_BACKEND", "no_such_backend")
    assert not frameworks.keras.available()


def test_an_unknown_call_is_refused_with_the_ones_there_are():
    with pytest.raises(ValueError, match="call is 'kldiv'; pass one of 'rel_entr', 'kl_div'"):
        frameworks.scipy.raw([0.5, 0.5], [0.5, 0.5], call="kldiv")


CHAPTER = Path(__file__).parents[2] / "notebooks" / "10_one_number_five_libraries.md"
TABS = dict(re.findall(r"````{tab-item} (\S+)\n```python\n(.*?)```", CHAPTER.read_text(), re.S))


@pytest.mark.parametrize("tab", ["SciPy", "Keras", "TFP", "MXNet", "PyTorch", "kl_lib"])
def test_the_recipes_that_the_chapter_prints_in_tabs_give_kl(tab):
    module = {"PyTorch": "torch"}.get(tab, tab.lower())
    if module in NAMES:
        library(module)
    p, q = np.stack([arrays(PLAIN)[0]] * 2), np.stack([arrays(PLAIN)[1]] * 2)
    if tab != "Keras":
        p[1], q[1] = arrays(BOTH_ZERO)
    scope = {"p": p, "q": q}
    exec(TABS[tab], scope)
    value = scope["value"].asnumpy() if tab == "MXNet" else np.asarray(scope["value"])
    assert value == pytest.approx(kl.kl_divergence(p, q), rel=1e-6)
