"""The lines that the chapter on samples tells a reader to write, run as they stand there."""

import re
from pathlib import Path

import numpy as np
import pytest

import kl_lib as kl

CHAPTER = Path(__file__).parents[2] / "notebooks" / "17_kl_from_samples.md"


def block(first_word):
    """The Python block under "In your code" whose comment begins with a word."""
    section = re.search(r"^## In your code$(.*?)^## ", CHAPTER.read_text("utf-8"), re.M | re.S)[1]
    blocks = re.findall(r"```python\n(# \w+.*?)```", section, re.S)
    (found,) = [code for code in blocks if code.startswith(f"# {first_word}")]
    return found


def test_the_drift_score_raises_as_many_false_alarms_as_it_says():
    pytest.importorskip("scipy")
    import scipy.stats

    rng = np.random.default_rng(0)
    code = compile(block("NumPy"), "chapter", "exec")
    names = {"kl": kl, "scipy": scipy}
    alarms = 0
    for _ in range(4000):
        names["a"], names["b"] = rng.multinomial(2000, [0.1] * 10), rng.multinomial(500, [0.1] * 10)
        exec(code, names)
        alarms += bool(names["drift"])
    assert 0.005 < alarms / 4000 < 0.016  # 1 %, three standard errors to either side and a little
    names["b"] = np.array([90, 80, 70, 60, 50, 50, 40, 30, 20, 10])
    exec(code, names)
    p, q = names["a"] / 2000, names["b"] / 500
    assert names["psi"] == pytest.approx(float(((p - q) * np.log(p / q)).sum()), rel=1e-12)
    assert names["drift"]


def test_the_lines_for_pytorch_estimate_kl():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    normal = torch.distributions.Normal
    coordinates = torch.distributions.Independent
    pairs = [
        (normal(0.0, 1.0), normal(1.0, 1.0)),
        (torch.distributions.Gamma(3.0, 1.0), torch.distributions.Exponential(0.4)),
        (
            coordinates(normal(torch.zeros(4), torch.ones(4)), 1),
            coordinates(normal(torch.full((4,), 0.3), torch.ones(4)), 1),
        ),
    ]
    for p, q in pairs:
        names = {"p": p, "q": q}
        exec(block("PyTorch"), names)
        exact = torch.distributions.kl_divergence(p, q)
        assert 0 < names["error"] < 0.1
        assert abs(names["estimate"] - exact) < 4 * names["error"]
        assert abs(names["mean_r"] - 1) < 0.1


@pytest.mark.thorough
def test_a_kernel_density_estimate_in_ten_dimensions_comes_out_low_over_many_draws():
    """Where "Smooth, then divide" prints one draw; the truth is ½."""
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    found = []
    for _ in range(8):
        x, y, fresh = rng.normal(size=(3, 2000, 10))
        y += 10**-0.5
        kde_x, kde_y = (stats.gaussian_kde(points.T) for points in (x, y))
        found.append((kde_x.logpdf(fresh.T) - kde_y.logpdf(fresh.T)).mean())
    assert np.mean(found) + 2 * np.std(found, ddof=1) / 8**0.5 < 0.5
