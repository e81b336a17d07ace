"""The explorer of one normal fitted to two humps: its divergences are right, its descent ends where
the chapter's minima are, and its contours lie where they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from explorers import PHONE, close, opened
from mpmath import mp, mpf
from scipy.stats import norm
from thorough import first_of

#: Of the chapter: mean, σ and divergence where the descent ends.
FORWARD = (0, math.sqrt(10), 0.46199)
HUMP, MIDDLE = (2.9843, 1.0234, 0.68877), (0, 2.74377, 0.84062)
NAMES = {"forward": "KL(p‖q)", "reverse": "KL(q‖p)"}


def log_p(x, a):
    return mp.log((mp.npdf(x, -a) + mp.npdf(x, a)) / 2)


def integrals(mean: float, sigma: float, a: float) -> dict[str, float]:
    """Both divergences and the slopes of both, integrated from their definitions with 20 digits."""
    with mp.workdps(20):
        mean, sigma, a = mpf(mean), mpf(sigma), mpf(a)

        def under(loc, scale, f):
            places = [loc + k * scale for k in range(-10, 11, 2)]
            return mp.quad(lambda x: mp.npdf(x, loc, scale) * f(x), places)

        def log_q(x):
            return -(((x - mean) / sigma) ** 2) / 2 - mp.log(sigma * mp.sqrt(2 * mp.pi))

        def slope(x):  # of log p
            return -x + a * mp.tanh(a * x)

        def half(side, f):
            return under(side * a, mpf(1), f) / 2

        def under_p(f):
            return half(-1, f) + half(1, f)

        z = lambda x: (x - mean) / sigma  # noqa: E731
        return {
            "forward": under_p(lambda x: log_p(x, a) - log_q(x)),
            "reverse": under(mean, sigma, lambda x: log_q(x) - log_p(x, a)),
            "forward slopes": [
                under_p(lambda x: -z(x) / sigma),
                under_p(lambda x: 1 - z(x) ** 2),
            ],
            "reverse slopes": [
                under(mean, sigma, lambda x: -slope(x)),
                under(mean, sigma, lambda x: -1 - (x - mean) * slope(x)),
            ],
        }


def state(direction: str, mean: float, sigma: float, humps: float = 3, steps: int = 0) -> dict:
    return {"direction": direction, "mean": mean, "sigma": sigma, "humps": humps, "steps": steps}


POINTS = [(0, 1, 3), (3, 1, 3), (2.9843, 1.0234, 3), (0, 2.74377, 3), (-6, 0.4, 3), (6, 6, 3)]
POINTS += [(0, 0.4, 4), (-2, 6, 4), (0, 1.3, 1), (0.5, 1.4142, 1), (1.8405, 2.1038, 3)]


@pytest.mark.parametrize("points", first_of([POINTS[::4], POINTS]), ids=["some", "all"])
def test_its_divergences_and_slopes_are_the_integrals(browser, points):
    asked = [state(way, *point) for point in points for way in NAMES]
    with opened(browser, "modes") as explorer:
        found = explorer.compute(asked)
    truths = {point: integrals(*point) for point in points}
    off = []
    for got, want in zip(found, asked, strict=True):
        truth = truths[want["mean"], want["sigma"], want["humps"]]
        slopes = truth[want["direction"] + " slopes"]
        pairs = [(got["kl_pq"], truth["forward"]), (got["kl_qp"], truth["reverse"])]
        off += [(want, a, b) for a, b in pairs if not close(a, float(b))]
        # A slope may be zero: it is right to twelve digits of the terms that it is made of.
        size = 1e-12 * (1 + want["humps"] ** 2) * max(1, want["sigma"] ** 2)
        pairs = [(got["by_mean"], slopes[0]), (got["by_log_sigma"], slopes[1])]
        off += [(want, a, b) for a, b in pairs if not close(a, float(b), absolute=size)]
    assert off == []


GRID = np.linspace(-80, 80, 32_001)


def by_sum(mean: float, sigma: float, a: float) -> tuple[float, float]:
    """The chapter's sums over a fine grid, which are good to twelve digits for these σ."""
    p = np.logaddexp(norm.logpdf(GRID, -a), norm.logpdf(GRID, a)) - np.log(2)
    q = norm.logpdf(GRID, mean, sigma)
    return tuple(np.sum(np.exp(x) * (x - y)) * 0.005 for x, y in ((p, q), (q, p)))


def test_its_divergences_are_those_of_the_chapter_over_the_whole_map(browser):
    rng = np.random.default_rng(3)
    points = rng.uniform([-6, np.log(0.4), 1], [6, np.log(6), 4], size=(150, 3))
    points[:, 1] = np.exp(points[:, 1])
    with opened(browser, "modes") as explorer:
        found = explorer.compute([state("reverse", *map(float, point)) for point in points])
    off = [
        (point, got["kl_pq"], got["kl_qp"])
        for point, got in zip(points, found, strict=True)
        for a, b in zip((got["kl_pq"], got["kl_qp"]), by_sum(*point), strict=True)
        if not close(a, b, absolute=1e-13)
    ]
    assert off == []


def is_at(numbers: dict, way: str, end: tuple[float, float, float]) -> bool:
    value = numbers["kl_pq" if way == "forward" else "kl_qp"]
    found = (abs(numbers["mean"]), numbers["sigma"], value)
    return numbers["ended"] is True and all(
        abs(a - b) < most for a, b, most in zip(found, end, (6e-5, 6e-5, 6e-6), strict=True)
    )


def test_the_descent_ends_in_a_minimum_of_the_chapter_from_everywhere(browser):
    starts = [(m, s) for m in (-6, -3, -1.5, 0, 0.5, 1, 2, 3, 6) for s in (0.4, 1, 2, 3, 6)]
    asked = [state(way, *start, steps=300) for way in NAMES for start in starts]
    with opened(browser, "modes") as explorer:
        found = explorer.compute(asked)
    ends = {"forward": [FORWARD], "reverse": [HUMP, MIDDLE]}
    reached = []
    for want, got in zip(asked, found, strict=True):
        way = want["direction"]
        reached.append((way, [end for end in ends[way] if is_at(got, way, end)]))
    assert all(len(which) == 1 for _, which in reached)
    assert len({tuple(which) for _, which in reached}) == 3
    for got, want in zip(found, asked, strict=True):
        trace = got["trace"]
        of = 0 if want["direction"] == "forward" else 1
        values = [by_sum(*point, 3)[of] for point in trace[:: max(1, len(trace) // 12)]]
        assert np.all(np.diff(values) < 1e-12)
        assert max(abs(m) for m, _ in trace) < 7
        assert 0.36 < min(s for _, s in trace) <= max(s for _, s in trace) < 7


def test_two_humps_far_apart_or_near_have_the_minima_that_the_chapter_says(browser):
    """Up to about ±2.4 the middle is the only minimum; up to ±2.8 it is the better one."""
    asked = [state("reverse", a, 1, humps=a, steps=300) for a in (2.3, 2.5, 2.75, 2.85)]
    asked += [state("reverse", 0, 2.5, humps=a, steps=300) for a in (2.75, 2.85)]
    with opened(browser, "modes") as explorer:
        near, far, before, after, middle_before, middle_after = explorer.compute(asked)
    assert abs(near["mean"]) < 1e-3
    assert far["mean"] > 2
    assert before["kl_qp"] > middle_before["kl_qp"]
    assert after["kl_qp"] < middle_after["kl_qp"]


def press(explorer, name: str) -> None:
    explorer.root.get_by_role("button", name=name, exact=True).click()


def at_rest(explorer) -> None:
    explorer.page.wait_for_function(
        "() => document.querySelector('[data-explorer]').innerText.includes('the ground is flat')"
    )


def test_step_run_and_reset(browser):
    with opened(browser, "modes", "?modes.steps=0") as explorer:
        before = explorer.readout()
        assert before["KL(q‖p)"] == pytest.approx(by_sum(-1, 1, 3)[1], rel=1e-12)
        press(explorer, "Step")
        assert explorer.field("Steps downhill").input_value() == "1"
        assert explorer.readout()["KL(q‖p)"] < before["KL(q‖p)"]
        press(explorer, "Run")
        explorer.page.wait_for_function(
            "() => Number(document.querySelector('[id$=control-steps]').value) > 4"
        )
        assert "flat" not in explorer.root.inner_text()  # it takes its time
        at_rest(explorer)
        seen = explorer.readout()
        assert (-seen["Mean of q"], seen["σ of q"]) == pytest.approx(HUMP[:2], abs=6e-5)
        assert seen["KL(q‖p)"] == pytest.approx(HUMP[2], abs=6e-6)
        assert [abs(seen[f"Slope in {x}"]) < 1e-5 for x in ("the mean", "log σ")] == [True, True]
        explorer.field("Minimise").select_option("forward")
        press(explorer, "Run")
        at_rest(explorer)
        seen = explorer.readout()
        assert next(iter(seen)) == "KL(p‖q)"
        assert (seen["Mean of q"], seen["σ of q"]) == pytest.approx(FORWARD[:2], abs=6e-6)
        assert seen["KL(p‖q)"] == pytest.approx(FORWARD[2], abs=6e-6)
        press(explorer, "Reset")
        assert explorer.field("Steps downhill").input_value() == "6"
        assert explorer.field("Minimise").input_value() == "reverse"


def test_a_change_stops_the_run(browser):
    with opened(browser, "modes", "?modes.steps=0") as explorer:
        press(explorer, "Run")
        explorer.field("Steps downhill").press("Home")
        explorer.page.wait_for_timeout(300)
        assert explorer.field("Steps downhill").input_value() == "0"


def test_with_reduced_motion_run_is_at_the_end_at_once(browser):
    query = "?modes.mean=0&modes.sigma=1&modes.steps=0"
    with opened(browser, "modes", query, reduced_motion="reduce") as explorer:
        explorer.page.evaluate("window.requestAnimationFrame = () => {}")
        press(explorer, "Run")
        seen = explorer.readout()
    assert (seen["Mean of q"], seen["σ of q"]) == pytest.approx(MIDDLE[:2], abs=6e-6)
    assert seen["KL(q‖p)"] == pytest.approx(MIDDLE[2], abs=6e-6)


def test_the_point_is_dragged_on_the_map_and_moved_by_keys(browser):
    with opened(browser, "modes", "?modes.steps=0&modes.mean=0", PHONE) as explorer:
        grip = explorer.root.locator(".handle.q .grip")
        box = grip.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        width = explorer.root.locator("svg").bounding_box()["width"] - 46 - 8
        explorer.page.mouse.move(x, y)
        explorer.page.mouse.down()
        explorer.page.mouse.move(x + width / 7, y - 290 * math.log(2) / math.log(7 / 0.36), steps=3)
        explorer.page.mouse.up()
        seen = explorer.readout()
        assert seen["Mean of q"] == pytest.approx(2, abs=0.06)
        assert seen["σ of q"] == pytest.approx(2, abs=0.05)
        assert explorer.field("Steps downhill").input_value() == "0"
        assert seen["KL(q‖p)"] == pytest.approx(by_sum(seen["Mean of q"], seen["σ of q"], 3)[1])
        press(explorer, "Step")
        assert explorer.field("Steps downhill").input_value() == "1"
        grip.scroll_into_view_if_needed()
        box = grip.bounding_box()
        explorer.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        explorer.page.mouse.down()
        explorer.page.mouse.move(box["x"] + 20, box["y"] + 20, steps=2)
        explorer.page.mouse.up()
        assert explorer.field("Steps downhill").input_value() == "0"
        explorer.set_number("Mean at the start", -1)
        explorer.field("Mean at the start").press("ArrowLeft")
        explorer.set_number("σ at the start", 0.5)
        explorer.field("σ at the start").press("ArrowUp")
        seen = explorer.readout()
        assert [seen["Mean of q"], seen["σ of q"]] == [-1.01, 0.51]
        explorer.set_number("Humps of p at plus and minus", 2)
        assert explorer.readout()["KL(p‖q)"] == pytest.approx(by_sum(-1.01, 0.51, 2)[0], rel=1e-12)


@pytest.mark.parametrize("way", NAMES)
def test_its_contours_lie_where_they_say(browser, way):
    with opened(browser, "modes", f"?modes.direction={way}") as explorer:
        lines = explorer.root.locator(".contour").evaluate_all(
            "lines => lines.map(line => [Number(line.dataset.level), line.getAttribute('d')])"
        )
        width = explorer.root.locator("svg").bounding_box()["width"] - 46 - 8
    assert len(lines) > 10
    for level, path in lines:
        points = [point.split() for part in path.split("M")[1:] for point in part.split("L")]
        xy = np.array(points, float)[::5]
        means = -7 + 14 * (xy[:, 0] - 46) / width
        sigmas = 0.36 * (7 / 0.36) ** ((26 + 290 - xy[:, 1]) / 290)
        of = 0 if way == "forward" else 1
        values = [by_sum(m, s, 3)[of] for m, s in zip(means, sigmas, strict=True)]
        # A straight line between two points of the grid misses the curve by a little.
        assert np.abs(np.array(values) / level - 1).max() < 0.05


def test_its_table_follows_the_descent(browser):
    with opened(browser, "modes") as explorer:
        explorer.root.locator("summary").click()
        texts = explorer.root.locator("tbody tr").all_inner_texts()
    rows = [text.replace("−", "-").split() for text in texts]
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4", "5", "6"]
    assert rows[0][1:3] == ["-1.0000", "1.0000"]
    for _, mean, sigma, value in rows:
        assert float(value) == pytest.approx(by_sum(float(mean), float(sigma), 3)[1], abs=5e-4)
