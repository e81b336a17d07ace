"""The explorer of two normals: closed forms, a q with cut tails, and bins."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from explorers import close, opened
from scipy import integrate, stats

import kl_lib as kl

START = {
    **{"loc_p": 1.0, "scale_p": 1.0, "loc_q": 2.0, "scale_q": 0.5},
    **{"cut": False, "interval": [0.0, 4.0], "bins": "none", "direction": "forward"},
}


def states() -> list[dict]:
    rng = np.random.default_rng(15)
    made = [START, START | {"loc_q": 1.0, "scale_q": 1.0}, START | {"scale_q": 1.05}]
    for i in range(60):
        locs = np.round(rng.uniform(-4, 4, size=2), 1).tolist()
        scales = np.round(rng.uniform(0.4, 3, size=2), 2).tolist()
        low = float(np.round(rng.uniform(-8, 7), 1))
        high = float(np.round(rng.uniform(low + 0.5, 8), 1))
        made.append(
            {
                **dict(zip(("loc_p", "loc_q", "scale_p", "scale_q"), locs + scales, strict=True)),
                **{"cut": i % 2 == 1, "interval": [low, high], "direction": "forward"},
                "bins": ["none", "2", "4", "8", "16", "32", "64"][i % 7],
            }
        )
    return made


def masses(edges: list[float], loc: float, scale: float) -> list[float]:
    """The probability of each bin of a normal, with 30 digits."""
    with mpmath.workdps(30):
        below = [mpmath.ncdf(edge, loc, scale) for edge in edges]
        # From above, where nearly all lies below.
        above = [mpmath.ncdf(-edge, -loc, scale) for edge in edges]
        return [
            float(b - a if edges[i] < loc else c - d)
            for i, (a, b, c, d) in enumerate(zip(below, below[1:], above, above[1:], strict=False))
        ]


def binned(state: dict) -> tuple[list[float], list[float]]:
    n = int(state["bins"])
    edges = [-mpmath.inf, *(-8 + 16 * k / n for k in range(1, n)), mpmath.inf]
    p = masses(edges, state["loc_p"], state["scale_p"])
    if state["cut"]:
        low, high = state["interval"]
        edges = [min(max(edge, low), high) for edge in edges]
    return p, masses(edges, state["loc_q"], state["scale_q"])


def test_whole_normals_and_bins_have_the_numbers_of_kl_lib(browser):
    with opened(browser, "normals") as explorer:
        found = explorer.compute(states())
    for state, got in zip(states(), found, strict=True):
        p, q = (state["loc_p"], state["scale_p"]), (state["loc_q"], state["scale_q"])
        if state["cut"]:
            assert got["kl_pq"] == np.inf
        else:
            assert close(got["kl_pq"], kl.kl_normal(*p, *q)), state
            assert close(got["kl_qp"], kl.kl_normal(*q, *p)), state
        if state["bins"] != "none":
            rows = binned(state)
            for key, pair in (("binned_pq", rows), ("binned_qp", rows[::-1])):
                assert close(got[key], kl.kl_divergence(*pair, normalize=True)), (state, key)
            # Data processing: bins can only forget.
            assert got["binned_pq"] <= got["kl_pq"] * (1 + 1e-12)
            assert got["binned_qp"] <= got["kl_qp"] * (1 + 1e-12)
    assert sum(np.isinf(x.get("binned_pq", 0)) for x in found) > 3


def test_a_cut_q_has_the_integral_that_scipy_finds(browser):
    cut = [state for state in states() if state["cut"]]
    with opened(browser, "normals") as explorer:
        found = explorer.compute(cut)
    for state, got in zip(cut, found, strict=True):
        p = stats.norm(state["loc_p"], state["scale_p"])
        low, high = state["interval"]
        ends = [(end - state["loc_q"]) / state["scale_q"] for end in (low, high)]
        q = stats.truncnorm(*ends, loc=state["loc_q"], scale=state["scale_q"])

        def integrand(x, p=p, q=q):
            return q.pdf(x) * (q.logpdf(x) - p.logpdf(x))

        want = integrate.quad(integrand, low, high, epsabs=1e-11, limit=200)[0]
        assert got["kl_qp"] == pytest.approx(want, rel=1e-8, abs=1e-9), state
        assert got["outside"] == pytest.approx(p.cdf(low) + p.sf(high), rel=1e-10)


def test_sliders_boxes_and_the_curves_themselves_move_it(browser):
    with opened(browser, "normals") as explorer:
        assert close(explorer.readout()["KL(p‖q)"], kl.kl_normal(1, 1, 2, 0.5))
        explorer.field("Mean of q").press("ArrowRight")
        explorer.set_number("σ of p", 1.3)
        assert close(explorer.readout()["KL(p‖q)"], kl.kl_normal(1, 1.3, 2.1, 0.5))
        assert close(explorer.readout()["KL(q‖p)"], kl.kl_normal(2.1, 0.5, 1, 1.3))
        # The top of p, two units to the left: an x axis of 16 units.
        svg = explorer.root.locator("svg").bounding_box()
        grip = explorer.root.locator(".handle.p .grip").bounding_box()
        x, y = (grip[key] + grip[size] / 2 for key, size in (("x", "width"), ("y", "height")))
        explorer.page.mouse.move(x, y)
        explorer.page.mouse.down()
        explorer.page.mouse.move(x - 2 * (svg["width"] - 54) / 16, y)
        explorer.page.mouse.up()
        moved = explorer.field("Mean of p, as a number").input_value()
        assert float(moved) == pytest.approx(-1, abs=0.1)
        spread = float(explorer.field("σ of p, as a number").input_value())
        assert spread == pytest.approx(1.3, abs=0.06)
        assert close(explorer.readout()["KL(p‖q)"], kl.kl_normal(float(moved), spread, 2.1, 0.5))


def test_a_number_out_of_range_becomes_the_nearest(browser):
    with opened(browser, "normals", "?normals.loc_p=99&normals.scale_p=-1") as explorer:
        assert explorer.field("Mean of p, as a number").input_value() == "4"
        assert explorer.field("σ of p, as a number").input_value() == "0.4"
        explorer.set_number("σ of q", 50)
        assert explorer.field("σ of q, as a number").input_value() == "3"


def test_cutting_the_tails_makes_one_direction_infinite(browser):
    with opened(browser, "normals") as explorer:
        explorer.field("Cut the tails of q off").check()
        assert explorer.shown()["KL(p‖q)"] == "∞ nats"
        assert "p has probability 0.1600 where q has none" in explorer.root.inner_text()
        before = explorer.readout()["KL(q‖p)"]
        explorer.handle("Least value of q").press("PageUp")
        assert explorer.handle("Least value of q").get_attribute("aria-valuenow") == "1"
        assert explorer.readout()["KL(q‖p)"] != before
        explorer.drag("Largest value of q", -500, 0)
        assert explorer.handle("Largest value of q").get_attribute("aria-valuenow") == "1.5"
        explorer.field("Bins").select_option("2")
        # One bin from 0 on holds all of q, but p is below 0, too.
        assert explorer.shown()["KL(p‖q) in 2 bins"] == "∞ nats"
        explorer.field("Cut the tails of q off").uncheck()
        assert explorer.handle("Least value of q").count() == 0
        assert np.isfinite(explorer.readout()["KL(p‖q) in 2 bins"])
