"""Chapter "Soft labels": its lines for each library, its theorems by other means."""

from __future__ import annotations

import re
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from scipy.stats import entropy

import kl_lib as kl
from kl_lib import frameworks

CHAPTER = (Path(__file__).parents[2] / "notebooks" / "13_soft_labels.md").read_text("utf-8")
TABS = dict(re.findall(r"````{tab-item} ([^\n]+)\n```python\n(.*?)```", CHAPTER, re.S))

RNG = np.random.default_rng(0)
V, Z = 3 * RNG.normal(size=(2, 6, 10))
LABELS = np.array([0, 3, 9, 1, 1, 5])
T, W = 4.0, 0.9


def mixture(z):
    """(1 − w)·NLL + w·T²·KL, from SciPy alone."""
    hard = -log_softmax(z, axis=1)[np.arange(6), LABELS].mean()
    soft = entropy(softmax(V / T, axis=1), softmax(z / T, axis=1), axis=1).mean()
    return (1 - W) * hard + W * T**2 * soft


def slope_of(function, z, h=1e-5):
    """Central differences."""
    found = np.zeros_like(z)
    for place in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[place] = h
        found[place] = (function(z + step) - function(z - step)) / (2 * h)
    return found


# --- in your code -------------------------------------------------------------------------------


def test_the_chapter_prints_lines_for_each_library():
    assert set(TABS) == {
        "NumPy, the floor", "Keras", "Keras, smoothing", "PyTorch", "PyTorch, smoothing",
    }  # fmt: skip


def test_the_floor_turns_cross_entropy_into_kl_also_where_labels_are_hard():
    p = np.vstack([softmax(V, axis=1), np.eye(10)[:2]])
    q = softmax(np.vstack([Z, Z[:2]]), axis=1)
    scope = {"p": p, "cross_entropy": -(p * np.log(q)).sum(axis=1).mean()}
    exec(TABS["NumPy, the floor"], scope)
    assert scope["kl"] == pytest.approx(kl.kl_divergence(p, q).mean(), rel=1e-12)


def test_the_lines_for_keras_are_the_loss_of_a_student():
    if not frameworks.keras.available():
        pytest.skip("keras, or its backend, is not installed")
    scope = {"v": V.astype("float32"), "z": Z.astype("float32"), "labels": LABELS, "T": T, "w": W}
    exec(TABS["Keras"], scope)
    assert float(scope["loss"]) == pytest.approx(mixture(Z), rel=1e-5)


def test_keras_smooths_as_the_theorem_says():
    if not frameworks.keras.available():
        pytest.skip("keras, or its backend, is not installed")
    scope = {}
    exec(TABS["Keras, smoothing"], scope)
    found = float(scope["smooth"](np.eye(10, dtype="float32")[LABELS], Z.astype("float32")))
    assert found == pytest.approx(by_theorem(Z, 0.1), rel=1e-5)


def test_the_lines_for_pytorch_are_the_loss_of_a_student_and_its_gradient():
    torch = pytest.importorskip("torch")
    z = torch.tensor(Z, requires_grad=True)
    scope = {"v": torch.tensor(V), "z": z, "labels": torch.tensor(LABELS), "T": T, "w": W}
    exec(TABS["PyTorch"], scope)
    assert scope["loss"].item() == pytest.approx(mixture(Z), rel=1e-10)
    (found,) = torch.autograd.grad(scope["loss"], z)
    assert found.numpy() == pytest.approx(slope_of(mixture, Z), abs=1e-7)


def test_pytorch_smooths_as_the_theorem_says_and_takes_soft_labels():
    torch = pytest.importorskip("torch")
    scope = {}
    exec(TABS["PyTorch, smoothing"], scope)
    z = torch.tensor(Z)
    assert float(scope["smooth"](z, torch.tensor(LABELS))) == pytest.approx(
        by_theorem(Z, 0.1), rel=1e-10
    )
    p = softmax(V, axis=1)
    soft = torch.nn.CrossEntropyLoss()(z, torch.tensor(p))
    assert float(soft) == pytest.approx(-(p * log_softmax(Z, axis=1)).sum(axis=1).mean(), rel=1e-10)


@pytest.mark.parametrize(("floor", "mode", "lowered"), [
    (0.0, "rel", False), (10.0, "rel", True), (0.0, "abs", False), (10.0, "abs", False),
])  # fmt: skip
def test_pytorchs_scheduler_compares_relatively_unless_told(floor, mode, lowered):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    told = {} if mode == "rel" else {"threshold_mode": mode}
    make = torch.optim.lr_scheduler.ReduceLROnPlateau
    scheduler = make(optimizer, patience=0, factor=0.5, **told)
    for loss in (1.0, 0.9998):  # a step of 0.0002, twice the default threshold of 0.0001
        scheduler.step(floor + loss)
    assert (optimizer.param_groups[0]["lr"] < 1) is lowered


@pytest.mark.parametrize("floor", [0.0, 10.0])
def test_keras_early_stopping_does_not_care_for_a_constant(floor):
    if not frameworks.keras.available():
        pytest.skip("keras, or its backend, is not installed")
    import keras

    callback = keras.callbacks.EarlyStopping(monitor="loss", min_delta=0.001, mode="min")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.stop_training = False  # as fit begins
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate((1.0, 0.99, 0.98)):
        callback.on_epoch_end(epoch, {"loss": floor + loss})
    assert callback.model.stop_training is False
    callback.on_epoch_end(3, {"loss": floor + 0.9795})
    assert callback.model.stop_training is True


# --- theorems -----------------------------------------------------------------------------------


def by_theorem(z, eps):
    """The right-hand side of the theorem on label smoothing, averaged over rows."""
    log_q = log_softmax(z, axis=1)
    nll = -log_q[np.arange(len(z)), LABELS]
    from_uniform = entropy(np.full(z.shape, 0.1), np.exp(log_q), axis=1)
    return ((1 - eps) * nll + eps * (from_uniform + np.log(10))).mean()


@pytest.mark.parametrize("eps", [0.02, 0.1, 0.5])
def test_the_gap_of_the_theorem_is_where_an_optimiser_ends(eps):
    p = (1 - eps) * np.eye(10)[3] + eps / 10
    found = minimize(lambda z: -(p * log_softmax(z)).sum(), np.zeros(10), tol=1e-12).x
    others = np.delete(found, 3)
    gap = np.log1p(10 * (1 - eps) / eps)
    assert found[3] - others == pytest.approx(np.full(9, gap), abs=1e-3)


def test_hot_teachers_ask_for_logits_by_least_squares():
    """In 50 digits, and that what is missing vanishes as 1/T."""
    with mp.workdps(50):
        v, z = ([mp.mpf(float(each)) for each in row] for row in (V[0], Z[0]))
        d = [b - a for a, b in zip(v, z, strict=True)]
        mean = mp.fsum(d) / 10
        half_variance = mp.fsum((each - mean) ** 2 for each in d) / 20
        errors = []
        for hot in (10**3, 10**4, 10**5):
            p, q = hot_softmax(v, hot), hot_softmax(z, hot)
            value = mp.fsum(a * mp.log(a / b) for a, b in zip(p, q, strict=True))
            slope = [hot * (b - a) for a, b in zip(p, q, strict=True)]
            errors.append(abs(hot**2 * value - half_variance))
            off = max(abs(s - (e - mean) / 10) for s, e in zip(slope, d, strict=True))
            assert off < 20 / mp.mpf(hot)
        assert errors[0] / errors[1] == pytest.approx(10, rel=0.01)
        assert errors[1] / errors[2] == pytest.approx(10, rel=0.001)


def hot_softmax(z, temperature):
    weights = [mp.e ** (each / temperature) for each in z]
    return [each / mp.fsum(weights) for each in weights]


def test_forgetting_t_squared_is_another_weight_and_another_learning_rate():
    without = slope_of(lambda z: parts(z)[0] * (1 - W) + parts(z)[1] * W, Z)
    effective = W / (W + (1 - W) * T**2)
    scale = 1 - W + W / T**2
    with_it = slope_of(lambda z: parts(z)[0] * (1 - effective) + parts(z)[1] * effective * T**2, Z)
    assert without == pytest.approx(scale * with_it, abs=1e-8)


def parts(z):
    hard = -log_softmax(z, axis=1)[np.arange(6), LABELS].mean()
    return hard, entropy(softmax(V / T, axis=1), softmax(z / T, axis=1), axis=1).mean()
