"""Chapter "Regression": its lines for each library, their traps, its fits and its numbers."""

from __future__ import annotations

import json
import math
import re
import warnings
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from scipy import stats
from scipy.optimize import linprog, minimize
from thorough import first_of

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CHAPTER = (NOTEBOOKS / "14_regression.md").read_text("utf-8")
TABS = dict(re.findall(r"````{tab-item} ([^\n]+)\n```python\n(.*?)```", CHAPTER, re.S))
CELLS = [
    cell
    for cell in json.loads((NOTEBOOKS / "14_regression.ipynb").read_text("utf-8"))["cells"]
    if cell["cell_type"] == "code"
]
SOURCES = ["".join(cell["source"]) for cell in CELLS]
PRINTED = "\n".join(
    "".join(output.get("text") or output.get("data", {}).get("text/plain", ""))
    for cell in CELLS
    for output in cell["outputs"]
)

Y = np.array([[0.5], [-1.2], [3.0], [0.1]])
MEAN = np.array([[0.2], [-1.0], [1.0], [0.0]])
LOG_SIGMA = np.array([[0.3], [-0.7], [0.1], [-2.0]])
NLL = -stats.norm.logpdf(Y, MEAN, np.exp(LOG_SIGMA)).mean()
ROBUST = -stats.t.logpdf(Y, 4, MEAN, np.exp(LOG_SIGMA)).mean()


@pytest.fixture(autouse=True)
def _twenty_five_digits():
    """Enough for what is printed; the 60 of `truth`, where it is loaded, take far longer."""
    with mp.workdps(25):
        yield


@pytest.fixture(scope="module")
def code():
    """The names that the chapter's own cells define, its fits among them; no study is run."""
    names: dict = {"np": np, "stats": stats}
    wanted = ("def weighted(", "def fit(", "def fit_spread(", "def from_laplace_line(")
    for start in wanted:
        (source,) = [source for source in SOURCES if start in source]
        kept = re.match(
            r"(.*?)(?=^(?:for|y|first) |\Z)", source[source.index(start) :], re.S | re.M
        )
        exec(kept[1], names)
    return names


def rides(late=True):
    rng = np.random.default_rng(0)
    km = rng.uniform(1, 12, 30)
    minutes = 5 + 3 * km + rng.normal(0, 2, 30) + 35 * late * (np.arange(30) > 26)
    return np.stack([np.ones(30), km], axis=1), minutes


# --- in your code -------------------------------------------------------------------------------


def test_the_chapter_prints_lines_for_three_libraries():
    assert set(TABS) == {"PyTorch", "PyTorch, β-NLL", "TFP", "Keras"}


def torch_names(torch):
    tensors = (torch.tensor(a, dtype=torch.float64) for a in (Y, MEAN, LOG_SIGMA))
    return {"torch": torch, **dict(zip(("y", "mean", "log_sigma"), tensors, strict=True))}


def test_the_lines_for_pytorch_give_both_likelihoods():
    torch = pytest.importorskip("torch")
    names = torch_names(torch)
    exec(TABS["PyTorch"], names)
    assert float(names["loss"]) == pytest.approx(NLL, rel=1e-12)
    assert float(names["robust"]) == pytest.approx(ROBUST, rel=1e-12)


def test_the_lines_for_beta_nll_divide_the_pull_by_one_sigma():
    torch = pytest.importorskip("torch")
    names = torch_names(torch)
    names["mean"].requires_grad_()
    names["log_sigma"].requires_grad_()
    exec(TABS["PyTorch, β-NLL"], names)
    names["loss"].backward()
    sigma = np.exp(LOG_SIGMA)
    np.testing.assert_allclose(names["mean"].grad, -(Y - MEAN) / sigma / 4, rtol=1e-12)
    in_log_sigma = sigma * (1 - ((Y - MEAN) / sigma) ** 2) / 4
    np.testing.assert_allclose(names["log_sigma"].grad, in_log_sigma, rtol=1e-12)


def test_the_lines_for_tfp_give_both_likelihoods():
    tf = pytest.importorskip("tensorflow")
    tfp = pytest.importorskip("tensorflow_probability")
    names = {"tf": tf, "tfp": tfp, "y": Y, "mean": MEAN, "log_sigma": LOG_SIGMA}
    exec(TABS["TFP"], names)
    assert float(names["loss"]) == pytest.approx(NLL, rel=1e-9)
    assert float(names["robust"]) == pytest.approx(ROBUST, rel=1e-9)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_the_lines_for_keras_give_the_likelihood(shape):
    keras = pytest.importorskip("keras")
    names = {"ops": keras.ops, "math": math}
    exec(TABS["Keras"], names)
    out = np.concatenate([MEAN, LOG_SIGMA], axis=1).astype("float32")
    y = Y.reshape(shape).astype("float32")
    assert float(names["normal_nll"](y, out)) == pytest.approx(NLL, rel=1e-5)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    model.compile(loss=names["normal_nll"])
    assert model.evaluate(out, y, verbose=0) == pytest.approx(NLL, rel=1e-5)


# --- the traps ----------------------------------------------------------------------------------


def gaussian_nll(torch, mean, y, var, **options):
    tensors = (torch.tensor(a, dtype=torch.float64) for a in (mean, y, var))
    return torch.nn.GaussianNLLLoss(**options)(*tensors)


def test_pytorch_drops_the_constant():
    torch = pytest.importorskip("torch")
    gap = gaussian_nll(torch, MEAN, Y, Y**2, full=True) - gaussian_nll(torch, MEAN, Y, Y**2)
    assert float(gap) == pytest.approx(float(mp.log(2 * mp.pi) / 2), rel=1e-12)


def test_pytorch_raises_small_variances_to_its_floor():
    torch = pytest.importorskip("torch")
    said = gaussian_nll(torch, [0.0], [1e-4], [1e-8], full=True)
    assert float(said) == pytest.approx(-5.98, abs=0.005)
    true = (mp.log(2 * mp.pi * mp.mpf("1e-8")) + 1) / 2
    assert float(true) == pytest.approx(-7.79, abs=0.005)
    right = gaussian_nll(torch, [0.0], [1e-4], [1e-8], full=True, eps=1e-12)
    assert float(right) == pytest.approx(float(true), rel=1e-9)


@pytest.mark.parametrize("var", [1e-7, 1e-8, 1e-12])
def test_below_the_floor_the_gradient_always_says_smaller(var):
    torch = pytest.importorskip("torch")
    var = torch.tensor([var], dtype=torch.float64, requires_grad=True)
    zero = torch.zeros(1, dtype=torch.float64)
    torch.nn.GaussianNLLLoss()(zero, zero + 1e-4, var).backward()
    assert float(var.grad) > 0
    with pytest.raises(ValueError, match="negative"):
        gaussian_nll(torch, [0.0], [1e-4], [-1e-9])


def test_pytorchs_loss_broadcasts_without_a_word():
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = gaussian_nll(torch, MEAN, Y[:, 0], np.ones_like(MEAN), reduction="none")
    assert found.shape == (4, 4)


def test_pytorchs_mean_is_over_the_coordinates_too():
    torch = pytest.importorskip("torch")
    zero = np.zeros((5, 3))
    found = gaussian_nll(torch, zero, zero, zero + 1, full=True)
    vector = stats.multivariate_normal(np.zeros(3)).logpdf(np.zeros(3))
    assert float(found) * 3 == pytest.approx(-vector, rel=1e-12)


def test_compile_aligns_one_output_and_not_two():
    keras = pytest.importorskip("keras")
    seen = {}
    for outputs in (1, 2):

        def loss(y_true, y_pred, outputs=outputs):
            seen[outputs] = len(y_true.shape), len(y_pred.shape)
            return keras.ops.mean(y_pred)

        model = keras.Sequential([keras.Input((outputs,)), keras.layers.Identity()])
        model.compile(loss=loss)
        model.evaluate(np.zeros((4, outputs)), np.zeros(4), verbose=0)
    assert seen == {1: (2, 2), 2: (1, 2)}


# --- the fits -----------------------------------------------------------------------------------


def test_the_laplace_fit_is_the_least_absolute_deviation(code):
    x, y = rides()
    line, b = code["fit"](x, y, code["WEIGHTS"]["Laplace"])
    ones = np.eye(30)
    best = linprog(
        np.r_[0, 0, np.ones(60)],
        A_eq=np.hstack([x, ones, -ones]),
        b_eq=y,
        bounds=[(None, None)] * 2 + [(0, None)] * 60,
    )
    np.testing.assert_allclose(line, best.x[:2], atol=1e-4)
    assert float(b) == pytest.approx(best.fun / 30, rel=1e-6)


@pytest.mark.parametrize("late", [False, True])
def test_the_student_fit_is_the_maximum_of_the_likelihood(code, late):
    x, y = rides(late)
    line, square = code["fit"](x, y, code["WEIGHTS"]["Student t"])

    def nll(v):
        return -stats.t.logpdf(y, 4, x @ v[:2], np.exp(v[2])).sum()

    best = minimize(nll, [5, 3, 1], options={"gtol": 1e-6})
    np.testing.assert_allclose(line, best.x[:2], rtol=1e-4)
    assert float(square) == pytest.approx(np.exp(2 * best.x[2]), rel=1e-3)


def minima_with_two_misread(code, x, y, rows):
    """Line and NLL at the end of each start, after it is checked that both are minima."""
    wrong = x * np.where(np.isin(np.arange(len(y)), rows), 10, 1)[:, None] ** [0, 1]
    ends = [code["fit"](wrong, y, code["WEIGHTS"]["Student t"])]
    ends.append(code["from_laplace_line"](wrong, y))

    def nll(v):
        return -stats.t.logpdf(y, 4, wrong @ v[:2], np.exp(v[2])).mean()

    found = []
    for line, square in ends:
        start = [*line, np.log(square) / 2]
        end = minimize(nll, start, options={"gtol": 1e-6})
        np.testing.assert_allclose(end.x, start, atol=2e-3)
        found.append((line, end.fun))
    return found


def test_the_second_start_finds_the_better_minimum(code):
    x = np.stack([np.ones(50), np.linspace(1, 12, 50)], axis=1)
    y = x @ [5, 3] + 2 * np.random.default_rng(0).normal(size=50)
    (first, cost), (second, less) = minima_with_two_misread(code, x, y, (11, 36))
    assert less < cost - 0.5
    assert first[1] < 0.5
    assert second[1] == pytest.approx(3, abs=0.3)


def test_the_second_start_is_not_safe_either(code):
    (_, cost), (line, same) = minima_with_two_misread(code, *rides(late=False), (11, 16))
    assert same == pytest.approx(cost, abs=1e-6)
    assert line[1] < 1


def test_the_learned_spread_is_the_maximum_of_the_likelihood(code):
    x, y = rides(late=False)
    line, v = code["fit_spread"](x, x, y)

    def nll(u):
        return -stats.norm.logpdf(y, x @ u[:2], np.exp(x @ u[2:])).sum()

    best = minimize(nll, [5, 3, 1, 0], options={"gtol": 1e-6})
    np.testing.assert_allclose(line, best.x[:2], rtol=1e-4)
    np.testing.assert_allclose(v, best.x[2:], atol=1e-4)


# --- its numbers, from mpmath and from another library ------------------------------------------


def test_the_theorem_holds_for_a_reference_that_is_not_normal():
    y, scale, f, sigma = (mp.mpf(x) for x in ("1.3", "0.7", "-0.4", "1.9"))
    s2 = 2 * scale**2

    def p(x):
        return mp.exp(-abs(x - y) / scale) / (2 * scale)

    def log_q(x):
        return -((x - f) ** 2) / (2 * sigma**2) - mp.log(sigma * mp.sqrt(2 * mp.pi))

    kl = mp.quad(lambda x: p(x) * (mp.log(p(x)) - log_q(x)), [y - 40, y, y + 40])
    entropy = 1 + mp.log(2 * scale)
    said = (y - f) ** 2 / (2 * sigma**2) + s2 / (2 * sigma**2)
    said += mp.log(sigma) + mp.log(2 * mp.pi) / 2 - entropy
    assert abs(kl - said) < mp.mpf("1e-12")


def test_the_prices_of_a_flat_tyre():
    r, b = mp.mpf(35), 2 / mp.sqrt(2)
    normal = r**2 / 8 + mp.log(2 * mp.sqrt(2 * mp.pi))
    laplace = r / b + mp.log(2 * b)
    norm = mp.gamma(2.5) / (mp.gamma(2) * mp.sqrt(4 * mp.pi) * b)
    student = 2.5 * mp.log(1 + r**2 / (4 * b**2)) - mp.log(norm)
    (row,) = [line for line in PRINTED.splitlines() if re.match(r"35\s+1", line)]
    assert row.split()[1:] == [f"{float(x):.2f}" for x in (normal, laplace, student)]


def test_the_rounded_corner():
    def kl(r):
        def p(x):
            return mp.npdf(x, r, 1)

        return mp.quad(
            lambda x: p(x) * (mp.log(p(x)) + abs(x) + mp.log(2)), [r - 15, min(0, r), r, r + 15]
        )

    for r in ("0.1", "0.5", "3", "10"):
        more = float(kl(mp.mpf(r)) - kl(mp.mpf(0)))
        assert re.search(rf"r =\s+{re.escape(r)}: {more:.4f} nats", PRINTED)


@pytest.mark.parametrize("nu", first_of([4, 1, 2, 10, 30], keep=2))
def test_the_premiums_on_normal_noise(nu):
    def mean(g):
        return mp.quad(lambda r: mp.npdf(r) * g(r), [-12, -3, 0, 3, 12])

    def weight(r, square):
        return (nu + 1) / (nu + r**2 / square)

    def pull_times_residual(square):
        return mean(lambda r: weight(r, square) * r**2)

    square = mp.findroot(lambda s2: pull_times_residual(s2) - s2, (0.5, 0.9))
    top = mean(lambda r: (weight(r, square) * r) ** 2)
    # By parts, the mean of the pull's slope is that of pull times residual.
    factor = mp.sqrt(top) / pull_times_residual(square)
    assert f"ν = {nu}: {float(factor):.3f}" in PRINTED
    assert f"Laplace {float(mp.sqrt(mp.pi / 2)):.3f}" in PRINTED


def test_the_held_out_likelihood_of_least_squares_by_another_library():
    linear_model = pytest.importorskip("sklearn.linear_model")
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    rng, total = np.random.default_rng(14), 0.0
    for _ in range(5):
        fold = rng.permutation(442) % 10
        for k in range(10):
            train, test = fold != k, fold == k
            model = linear_model.LinearRegression().fit(x[train], y[train])
            square = ((y[train] - model.predict(x[train])) ** 2).mean()
            miss = y[test] - model.predict(x[test])
            total += (miss**2 / (2 * square) + np.log(2 * np.pi * square) / 2).sum()
    assert f"one σ: {total / 5 / 442:.3f} nats a person" in PRINTED
