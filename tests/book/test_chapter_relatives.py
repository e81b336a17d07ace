"""Chapter "Relatives of KL": its lines for each library, its theorems and numbers by mpmath."""

from __future__ import annotations

import itertools
import json
import re
from importlib.util import find_spec
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

import kl_lib as kl
from kl_lib import frameworks

NAME = "12_relatives"
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CHAPTER = (NOTEBOOKS / f"{NAME}.md").read_text("utf-8")
TABS = dict(re.findall(r"````{tab-item} (\S+)\n```python\n(.*?)```", CHAPTER, re.S))

LOGITS = np.array([[0.4, -1.0, 0.7], [2.0, 0.5, -0.3]]), np.array([[0.1, 0.3, 0.2], [-1, 1.5, 0]])
P, Q = kl.softmax(LOGITS[0]), kl.softmax(LOGITS[1])
JS = kl.js_divergence(P, Q)

TRUTH = ["0.1", "0.4", "0.3", "0.16", "0.04"]
CLERKS = {
    "Anna": ["0.14", "0.4", "0.3", "0.16", "0"],
    "Bruno": ["0.1", "0.34", "0.3", "0.16", "0.1"],
    "Clara": ["0.2", "0.3", "0.3", "0.16", "0.04"],
}


def exact(words):
    return [mp.mpf(word) for word in words]


def outputs() -> str:
    """What the cells of the chapter printed."""
    cells = json.loads((NOTEBOOKS / f"{NAME}.ipynb").read_text("utf-8"))["cells"]
    found = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in found]
    return "\n".join("".join(text) for text in texts)


PRINTED = outputs()


# --- in your code -------------------------------------------------------------------------------


def test_the_chapter_prints_lines_for_four_libraries():
    assert set(TABS) == {"SciPy", "Keras", "TFP", "PyTorch"}


def test_the_lines_for_scipy_give_js_hellinger_and_wasserstein():
    pytest.importorskip("scipy")
    scope = {"p": P, "q": Q, "days": np.arange(3)}
    exec(TABS["SciPy"], scope)
    assert scope["js"] == pytest.approx(JS, rel=1e-12)
    assert scope["hellinger"] == pytest.approx(kl.hellinger_distance(P, Q), rel=1e-12)
    area = np.abs(np.cumsum(P[0] - Q[0]))[:2].sum()
    assert scope["w"] == pytest.approx(area, rel=1e-12)


def test_the_lines_for_keras_give_js_and_total_variation():
    if not frameworks.keras.available():
        pytest.skip("keras, or its backend, is not installed")
    scope = {"zp": LOGITS[0], "zq": LOGITS[1]}
    exec(TABS["Keras"], scope)
    assert np.asarray(scope["js"]) == pytest.approx(JS, rel=1e-5)
    assert np.asarray(scope["tv"]) == pytest.approx(kl.total_variation(P, Q), rel=1e-5)


def test_the_lines_for_tfp_give_js():
    if find_spec("tensorflow_probability") is None:
        pytest.skip("tensorflow_probability is not installed")
    scope = {"zp": LOGITS[0], "zq": LOGITS[1]}
    exec(TABS["TFP"], scope)
    assert np.asarray(scope["js"]) == pytest.approx(JS, rel=1e-6)


def test_the_lines_for_pytorch_give_js_and_not_the_swapped_one():
    torch = pytest.importorskip("torch")
    scope = {"zp": torch.tensor(LOGITS[0]), "zq": torch.tensor(LOGITS[1])}
    exec(TABS["PyTorch"], scope)
    assert scope["js"].numpy() == pytest.approx(JS, rel=1e-12)
    m = (P + Q) / 2
    swapped = (kl.kl_divergence(m, P) + kl.kl_divergence(m, Q)) / 2
    assert abs(swapped - JS).min() > 1e-4
    # The naive translation of the definition gives the swapped one.
    log = [torch.tensor(x).log() for x in (P, Q, m)]
    naive = [torch.nn.functional.kl_div(a, log[2].exp(), reduction="none") for a in log[:2]]
    assert (sum(naive).sum(-1) / 2).numpy() == pytest.approx(swapped, rel=1e-12)


# --- the numbers, by mpmath with 50 digits ------------------------------------------------------


def log_ratio_mean(p, q):
    if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return mp.inf
    return mp.fsum(a * mp.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def renyi(p, q, order):
    if order >= 1 and any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return mp.inf
    if order == 1:
        return log_ratio_mean(p, q)
    if order == mp.inf:
        return mp.log(max(a / b for a, b in zip(p, q, strict=True)))
    order = mp.mpf(order)
    powers = (a**order * b ** (1 - order) for a, b in zip(p, q, strict=True) if a > 0 and b > 0)
    return mp.log(mp.fsum(powers)) / (order - 1)


@pytest.mark.parametrize("name", CLERKS)
def test_the_rungs_of_the_ladder(name):
    with mp.workdps(50):
        p, q = exact(TRUTH), exact(CLERKS[name])
        coefficient = mp.fsum(mp.sqrt(a * b) for a, b in zip(p, q, strict=True))
        two = renyi(p, q, 2)
        rungs = [2 * (1 - coefficient), -2 * mp.log(coefficient), log_ratio_mean(p, q), two]
        rungs.append(mp.exp(two) - 1 if two < mp.inf else two)
        line = " ".join(f"{float(rung):.5f}" for rung in rungs)
    assert re.search(f"{name} +{re.escape(line)}", PRINTED)
    assert rungs == sorted(rungs)


@pytest.mark.parametrize("name", CLERKS)
def test_the_orders_of_renyi(name):
    with mp.workdps(50):
        p, q = exact(TRUTH), exact(CLERKS[name])
        values = [float(renyi(p, q, mp.mpf(order))) for order in ("0.5", "0.99", 1, 2, "inf")]
    [line] = [x for x in PRINTED.splitlines() if x.startswith(name) and x.split()[1] == "0.0"]
    assert [float(word) for word in line.split()[2:]] == pytest.approx(values, abs=5.1e-5)


def paths_tv(p, q, n):
    """Total variation of n draws from the distribution of the ratio, whose values are few."""
    sums = {(0,) * 5: mp.mpf(1)}
    for _ in range(n):
        following: dict[tuple[int, ...], mp.mpf] = {}
        for counts, ways in sums.items():
            for place in range(5):
                key = tuple(c + (k == place) for k, c in enumerate(counts))
                following[key] = following.get(key, 0) + ways
        sums = following
    gaps = (
        ways * (mp.fprod(a**c for a, c in zip(p, k, strict=True))
                - mp.fprod(b**c for b, c in zip(q, k, strict=True)))
        for k, ways in sums.items()
    )  # fmt: skip
    return mp.fsum(abs(gap) for gap in gaps) / 2


@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_total_variation_through_several_parcels(n):
    values = [float(paths_tv(exact(TRUTH), exact(q), n)) for q in CLERKS.values()]
    line = " +".join(f"{value:.3f}" for value in values)
    assert re.search(rf"^{n} +{line}$", PRINTED, re.M)


def test_the_jensen_shannon_of_the_three_clerks():
    rows = [exact(q) for q in CLERKS.values()]
    m = [mp.fsum(column) / 3 for column in zip(*rows, strict=True)]
    value = mp.fsum(log_ratio_mean(row, m) for row in rows) / 3
    assert f"js_divergence_of    {float(value):.6f} nats" in PRINTED


def test_the_swap_gives_what_the_chapter_says():
    """½·KL(m‖p) + ½·KL(m‖q) of (.9, .1) and (.1, .9) is −½·log(4·.9·.1) = .511."""
    swapped = -mp.log(4 * mp.mpf("0.09")) / 2
    right = mp.log(2) + mp.mpf("0.9") * mp.log("0.9") + mp.mpf("0.1") * mp.log("0.1")
    assert f"JS {float(right):.3f}, swapped {float(swapped):.3f}" in PRINTED
    assert f"{float(right):.3f}" == "0.368"


def test_wasserstein_is_the_least_work_over_all_plans():
    """By linear programming over plans of transport, which knows nothing of areas."""
    optimize = pytest.importorskip("scipy.optimize")
    work = np.abs(np.subtract.outer(np.arange(5), np.arange(5))).ravel()
    leaving = np.kron(np.eye(5), np.ones(5))
    arriving = np.kron(np.ones(5), np.eye(5))
    p = np.array(TRUTH, float)
    for name, words in CLERKS.items():
        q = np.array(words, float)
        plan = optimize.linprog(
            work, A_eq=np.vstack([leaving, arriving]), b_eq=np.append(p, q), bounds=(0, None)
        )
        assert re.search(rf"{name} ?: area {plan.fun:.2f}, SciPy {plan.fun:.2f} days", PRINTED)


def test_the_bounds_cross_where_the_chapter_says():
    cross = mp.findroot(lambda v: 2 * v**2 + mp.log(1 - v**2), (0.8, 0.95), solver="anderson")
    assert f"cross at TV = {float(cross):.3f}, KL = {float(2 * cross**2):.3f} nats" in PRINTED


# --- the conventions of TFP ---------------------------------------------------------------------


def test_the_functions_of_tfp_differ_as_the_chapter_says():
    vi = pytest.importorskip("tensorflow_probability").vi
    p, q = P[0], Q[0]

    def mean(function, **options):
        return q @ np.asarray(function(np.log(p / q), **options))

    assert mean(vi.squared_hellinger) == pytest.approx(2 * kl.hellinger_distance(p, q) ** 2)
    right = 2 * kl.js_divergence(p, q)
    assert mean(vi.jensen_shannon, self_normalized=True) == pytest.approx(right)
    assert mean(vi.jensen_shannon) == pytest.approx(right - 2 * np.log(2))


# --- the theorems, on pairs with zeros too ------------------------------------------------------


def pairs():
    rng = np.random.default_rng(5)
    for p, q in rng.dirichlet(np.full(4, 0.3), size=(40, 2)):
        yield p, q
        for drop in itertools.product((True, False), repeat=2):
            a, b = p.copy(), q.copy()
            a[0], b[1] = a[0] * drop[0], b[1] * drop[1]
            yield a / a.sum(), b / b.sum()


def test_the_chain_of_inequalities_holds_with_zeros_too():
    for p, q in pairs():
        divergence, tv = kl.kl_divergence(p, q), kl.total_variation(p, q)
        h2 = kl.hellinger_distance(p, q) ** 2
        rungs = [2 * h2, 2 * kl.bhattacharyya_distance(p, q), divergence]
        chi2 = kl.chi2_divergence(p, q)
        rungs += [np.log1p(chi2), chi2]
        slack = 1 + 1e-9
        assert all(a <= b * slack + 1e-12 for a, b in itertools.pairwise(rungs))
        chain = [h2, tv, np.sqrt(1 - (1 - h2) ** 2), np.sqrt(1 - np.exp(-divergence))]
        assert all(a <= b * slack + 1e-12 for a, b in itertools.pairwise(chain))
        assert divergence >= 2 * tv**2 * (1 - 1e-9)
