"""Wrong numbers and open questions that people met in public, one test each, and what helps here.

The numbers are those of bug reports and questions about other libraries; the right values come from
mpmath, quadrature or the formula written out. A test asks that the value is right, or that the
advice is: it names what was done and, followed to the letter, gives the right number.
"""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import truth
from scipy import integrate, special, stats
from thorough import first_of

import kl_lib as kl
from kl_lib import frameworks
from kl_lib.diagnosis import Remedy, Report

INF = math.inf
LN2 = math.log(2)


def close(value: Any, expected: Any, rel: float = 1e-12) -> None:
    np.testing.assert_allclose(
        np.asarray(value, float), np.asarray(expected, dtype=float), rtol=rel, atol=0
    )


def rows_kl(p: Any, q: Any) -> list[float]:
    """KL of the rows divided by their sums, by mpmath."""
    return [float(truth.kl(a, b)) for a, b in zip(p, q, strict=True)]


def softmax(logits: Any) -> list[list[float]]:
    """By mpmath; one list for each row."""
    result = []
    for row in np.atleast_2d(logits):
        weights = [mpmath.exp(mpmath.mpf(float(x))) for x in row]
        total = mpmath.fsum(weights)
        result.append([w / total for w in weights])
    return result


def log_softmax(logits: Any) -> np.ndarray:
    return np.array([[float(mpmath.log(x)) for x in row] for row in softmax(logits)])


def mxnet() -> Any:
    if not frameworks.mxnet.available():
        pytest.skip("mxnet is not installed")
    return frameworks.mxnet.load()


def refusal(call: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(kl.DistributionError) as raised:
        call(*args, **options)
    return str(raised.value)


def diagnose(p: Any, q: Any, *libraries: str, **options: Any) -> Report:
    return kl.diagnose(p, q, libraries=libraries, **options)


def kinds(report: Report) -> set[str]:
    return {remedy.kind for remedy in report.remedies}


def remedy(report: Report, kind: str, word: str = "") -> Remedy:
    [found] = [r for r in report.remedies if r.kind == kind and word in r.message]
    return found


def followed(report: Report, kind: str, p: Any, q: Any, word: str = "") -> Any:
    """What the code of a remedy gives to whoever pastes it."""
    code = remedy(report, kind, word).code
    assert code is not None
    result = eval(code, {"np": np, "kl_lib": kl, "p": p, "q": q})
    return getattr(result, "value", result)


def reasons(report: Report, call: str) -> dict[str, str]:
    [answer] = [a for a in report.answers if a.call == call]
    return {reason.kind: reason.message for reason in answer.reasons}


def values(report: Report, call: str) -> tuple[float, ...]:
    [answer] = [a for a in report.answers if a.call == call]
    return answer.values


def test_report_01_terms_of_an_unreduced_kl_are_negative():
    a, b = [[1, 2, 3], [5, 5, 5.0]], [[8, 10, 6], [5, 5, 5.0]]
    close(kl.kl_from_logits(b, a), [float(truth.kl_logits(b[0], a[0])), 0])
    close(kl.kl_from_logits(b, a)[0], 1.0679827, 1e-7)
    terms = kl.kl_terms(kl.softmax(b), kl.softmax(a))
    assert terms.min() < 0
    close(terms.sum(axis=-1)[0], 1.0679827, 1e-7)
    assert "negative where p < q" in kl.kl_terms.__doc__


def test_report_01_unreduced_in_torch():
    torch = pytest.importorskip("torch")
    from kl_lib.losses.torch import kl_loss

    a, b = torch.tensor([[1, 2, 3], [5, 5, 5.0]]), torch.tensor([[8, 10, 6], [5, 5, 5.0]])
    loss = kl_loss(torch.softmax(b, -1), a)
    close(loss, [1.0679827, 0], 1e-6)


STUDENT, TEACHER = [[0.3, 0.4, 0.3]], [[0.2, 0.5, 0.3]]


def test_report_02_the_logarithm_forgotten():
    mxnet()
    report = diagnose(TEACHER, STUDENT, "mxnet")
    close(report.measures[0].nats, rows_kl(TEACHER, STUDENT)[0])
    close(report.measures[0].nats, 0.0304788, 1e-5)
    close(values(report, "KLDivLoss()(q, p)"), [-1.379653], 1e-6)
    assert "expects log q first" in reasons(report, "KLDivLoss()(q, p)")["log q"]


def test_report_02_the_logarithm_forgotten_in_torch():
    torch = pytest.importorskip("torch")
    p, q = torch.tensor(TEACHER), torch.tensor(STUDENT)
    report = diagnose(p, q, "torch")
    for call, value in (
        ("F.kl_div(q, p)", -0.459884),
        ("F.kl_div(q, p, reduction='batchmean')", -1.379653),
    ):
        close(values(report, call), [value], 1e-5)
        assert "expects log q first" in reasons(report, call)["log q"]


def test_report_03_a_target_that_sums_to_less():
    target, output = [[0.1541, 0.0511, 0.0947]], [[0.1132, 0.5477, 0.3390]]
    report = diagnose(target, output, "numpy")
    assert "row 0 of p sums to 0.2999, expected 1" in report.problems[0].message
    assert "a category that is missing" in report.problems[0].message
    call = "np.sum(p * np.log(p / q), axis=-1)"
    close(values(report, call), [3 * -0.0648], 1e-3)
    assert "p sums to 0.2999" in reasons(report, call)["sum"]
    close(followed(report, "normalize", target, output), rows_kl(target, output))


def test_report_03_a_target_that_sums_to_less_in_torch():
    pytest.importorskip("torch")
    report = diagnose([[0.1541, 0.0511, 0.0947]], [[0.1132, 0.5477, 0.3390]], "torch")
    close(values(report, "F.kl_div(log q, p)"), [-0.0648], 1e-3)
    assert {"mean of all", "sum"} == {*reasons(report, "F.kl_div(log q, p)")}


def test_report_04_js_of_proportional_float32_is_nan():
    a, b = (
        np.float32([0.027501475, 0.055202297]),
        np.float32([0.027537677, 0.055334348]),
    )
    value = kl.js_divergence(a, b, normalize=True)
    close(value, float(truth.js(a, b)), 1e-6)
    close(value, 3.19814637e-08, 1e-6)


def test_report_05_nearly_equal_halves():
    x = math.nextafter(0.5, 0)
    p, q = [x, 1 - x], [1 - x, x]
    close(kl.js_divergence(p, q), 1.54074395550978885e-33, 1e-14)
    close(kl.kl_divergence(p, q), float(truth.kl(p, q)), 1e-14)


def test_report_06_js_of_the_smallest_number():
    assert kl.js_divergence([0, 1], [5e-324, 1]) == 0
    assert kl.js_divergence([5e-324, 1], [5e-324, 1]) == 0
    assert {m.name: m.nats for m in diagnose([5e-324, 1], [5e-324, 1]).measures}[
        "Jensen-Shannon"
    ] == 0  # fmt: skip
    p = special.softmax(200 * np.random.default_rng(0).normal(size=(300, 1000)), axis=-1)
    assert ((p > 0) & (p < 1e-320)).any()
    assert not kl.js_divergence(p, p).any()


def test_report_07_the_generalised_kl_overflows():
    x, y = np.array([2.0, 3.0, 4.0]), np.finfo(float).tiny
    expected = [float(mpmath.mpf(a) * mpmath.log(mpmath.mpf(a) / y) - a + y) for a in x]
    close(kl.kl_divergence(x[:, None], np.full((3, 1), y), generalized=True), expected, 1e-14)
    close(expected, [1416.17913143, 2125.48509246, 2835.13085157], 1e-11)


def test_report_08_entropy_divides_without_a_word():
    assert "q sums to 0.6, expected 1" in refusal(kl.kl_divergence, [0.5, 0.5], [0.3, 0.3])
    report = diagnose([0.5, 0.5], [0.3, 0.3], "scipy")
    assert values(report, "scipy.stats.entropy(p, q)") == (0,)
    assert {*reasons(report, "scipy.stats.entropy(p, q)")} == {"divide"}
    close(values(report, "scipy.special.rel_entr(p, q).sum(axis=-1)"), [0.510826], 1e-6)
    call = "scipy.special.kl_div(p, q).sum(axis=-1)"
    close(values(report, call), [0.110826], 1e-5)
    assert {*reasons(report, call)} == {"masses", "sum"}


def test_report_09_zeros_in_p():
    q = [[0.2, 0.5, 0.3], [0.1, 0.6, 0.3], [0.1, 0.1, 0.8]]
    close(kl.kl_divergence(np.eye(3, dtype=int), q), [-math.log(x) for x in (0.2, 0.6, 0.8)])
    assert kl.kl_divergence([0.5, 0.5, 0], [0.5, 0.5, 0]) == 0
    assert kl.kl_divergence([0.3, 0.3, 0.4], [0.5, 0.5, 0]) == INF


def test_report_10_masked_logits():
    a, b = [[2, 1, -INF, 0.5]], [[1, 1, -INF, 0]]
    expected = float(truth.kl_logits([2, 1, 0.5], [1, 1, 0]))
    close(expected, 0.0962799307, 1e-9)
    close(kl.kl_from_logits(a, b), [expected])
    message = refusal(kl.kl_divergence, a, b)
    assert "p[0, 2] is -inf, as the logit of a masked category is" in message
    assert "overflow" not in message
    close(kl.kl_divergence(kl.softmax(a), kl.softmax(b)), [expected])  # as it says
    report = diagnose(a, b)
    close(followed(report, "logits", a, b), [expected])
    assert kinds(report) == {"logits"}


LOGITS = np.array([10.3, -6, 30])
BERNOULLI = [float(truth.kl_logits([0, x], [0, 0])) for x in LOGITS]


def test_report_11_a_bernoulli_far_from_one_half():
    close(BERNOULLI, [0.6927671388, 0.6758357565, 0.6931471806], 1e-9)
    close(kl.kl_bernoulli(special.expit(LOGITS), 0.5), BERNOULLI)
    close(kl.kl_from_logits(np.stack([0 * LOGITS, LOGITS], -1), np.zeros((3, 2))), BERNOULLI)


def test_report_11_a_bernoulli_of_tfp():
    tfd = pytest.importorskip("tensorflow_probability").distributions
    half = tfd.Bernoulli(probs=np.float64(0.5))
    expected = [float(truth.kl_logits([0, x], [0, 0])) for x in np.float32(LOGITS)]
    close(kl.kl_between(tfd.Bernoulli(logits=np.float32(LOGITS)), half), expected)


def test_report_12_no_chance_and_certainty():
    expected = [-math.log(0.7), -math.log(0.3), 0, 0, INF]
    close(kl.kl_bernoulli([0, 1, 0, 1, 0.3], [0.3, 0.3, 0, 1, 0]), expected)
    assert "for a Bernoulli pass [1 - p, p]" in refusal(kl.kl_divergence, 0.0, 0.3)
    close(kl.kl_divergence([1 - 0.0, 0.0], [1 - 0.3, 0.3]), expected[0])


def test_report_13_a_mixture_has_no_closed_form():
    tfd = pytest.importorskip("tensorflow_probability").distributions
    weights, means = np.array([0.3, 0.7]), np.array([-1.0, 1.0])
    p = tfd.MixtureSameFamily(tfd.Categorical(probs=weights), tfd.Normal(means, np.float64(0.8)))
    q = tfd.Normal(np.float64(0.4), np.float64(1.3))
    with pytest.raises(kl.NoClosedFormError, match="estimate it: kl_monte_carlo"):
        kl.kl_between(p, q)

    def term(x: float) -> float:
        log_p = special.logsumexp(np.log(weights) + stats.norm.logpdf(x, means, 0.8))
        return math.exp(log_p) * (log_p - stats.norm.logpdf(x, 0.4, 1.3))

    exact = integrate.quad(term, -9, 9)[0]
    rng = np.random.default_rng(0)
    x = rng.normal(means[(rng.random(4000) < 0.7).astype(int)], 0.8)
    for estimator in ("k1", "k3"):
        found = kl.kl_monte_carlo(p.log_prob, q.log_prob, x, estimator=estimator)
        assert abs(found.value - exact) < 4 * found.standard_error < 0.1


def test_report_14_densities_on_an_interval():
    x = np.random.default_rng(0).random(1000)
    same = kl.kl_monte_carlo(stats.uniform().logpdf, stats.beta(1, 1).logpdf, x)
    assert same.value == pytest.approx(0, abs=1e-12)

    def log_p(x: Any, logit: float) -> Any:  # the continuous Bernoulli: c·exp(logit·x) on [0, 1]
        return logit * x + math.log(abs(logit / math.expm1(logit)))

    exact = integrate.quad(lambda x: math.exp(log_p(x, -50)) * (log_p(x, -50) - log_p(x, 20)), 0, 1)
    assert exact[0] == pytest.approx(19.51629, abs=1e-5)
    samples = np.log1p(x * math.expm1(-50)) / -50  # by its inverse distribution function
    found = kl.kl_monte_carlo(lambda x: log_p(x, -50), lambda x: log_p(x, 20), samples)
    assert found.value > 0
    assert abs(found.value - exact[0]) < 4 * found.standard_error


def test_report_15_a_sigmoid_in_place_of_a_softmax():
    rng = np.random.default_rng(0)
    p, logits = rng.dirichlet(np.ones(136), 4), rng.normal(8, 2, (4, 136))
    q = 1 / (1 + np.exp(-logits))
    report = diagnose(p, q, "numpy")
    total = float(q[0].sum())
    assert total > 135
    assert f"row 0 of q sums to {total:.9g}" in report.problems[0].message
    assert all(x < 0 for x in values(report, "np.sum(p * np.log(p / q), axis=-1)"))
    assert "came out of a sigmoid where a softmax belongs" in remedy(report, "softmax").message
    expected = [float(truth.kl(a, b)) for a, b in zip(p, softmax(logits), strict=True)]
    close(followed(report, "softmax", p, q), expected, 1e-6)
    # At exactly 1 it has lost the logits: then there is nothing to compute.
    q[:, 3] = 1
    lost = remedy(diagnose(p, q), "softmax")
    assert "put a softmax in its place" in lost.message
    assert lost.code is None


def test_report_16_one_category():
    p, q = np.float32([-1.8897]), np.float32([-0.4136])
    report = diagnose(p, q)
    for problem in report.problems:
        assert "a single category, whose probability is 1 whatever comes in" in problem.message
        assert "kl_from_logits" not in problem.message
    assert report.remedies == ()


def test_report_17_the_softmax_forgotten():
    rng = np.random.default_rng(0)
    y, out = rng.random((2, 12)), np.maximum(rng.normal(1, 4, (2, 12)), 0)
    assert (out == 0).any(axis=-1).all()
    report = diagnose(y, out)
    assert "normalize" not in kinds(report)  # it would end in inf
    assert "without softmax" in remedy(report, "softmax").message
    expected = [float(truth.kl(a, b)) for a, b in zip(y, softmax(out), strict=True)]
    close(followed(report, "softmax", y, out), expected)
    # Both without softmax.
    p, q = rng.random((2, 5)) * 6, rng.random((2, 5)) * 9
    expected = [float(truth.kl_logits(a, b)) for a, b in zip(p, q, strict=True)]
    close(followed(diagnose(p, q), "softmax", p, q), expected)


def test_report_18_no_distributions():
    p, q = [0.1, 0.2], [0.3, 0.4]
    report = diagnose(p, q, "numpy")
    assert [x.message.split(",")[0] for x in report.problems] == ["p sums to 0.3", "q sums to 0.7"]
    close(values(report, "np.sum(p * np.log(p / q), axis=-1)"), [-0.248491], 1e-5)
    close(followed(report, "normalize", p, q), float(truth.kl(p, q)))


def test_report_19_kl_of_a_label_is_the_cross_entropy():
    expected = -math.log(math.exp(2) / (math.exp(1) + math.exp(2) + math.exp(3)))
    close(expected, 1.4076059, 1e-7)
    close(kl.kl_from_logits([-INF, 0, -INF], [1, 2, 3]), expected)
    close(kl.kl_divergence([0, 1, 0], kl.softmax([1, 2, 3])), expected)
    close(kl.cross_entropy([0, 1, 0], kl.softmax([1, 2, 3])), expected)


def test_report_20_mutual_information_of_a_contingency_table():
    counts = np.array([[1, 1], [0, 1]])
    message = refusal(kl.mutual_information, counts)
    assert "joint sums to 3" in message
    assert "pass normalize=True if these are counts" in message
    expected = mpmath.log(mpmath.mpf(27) / 16) / 3  # thirds over products of thirds
    close(kl.mutual_information(counts, normalize=True), float(expected))
    close(kl.mutual_information(counts, normalize=True), 0.174416, 1e-5)
    close(kl.mutual_information(counts, normalize=True, base=2), 0.251629, 1e-5)
    assert "joint[1, 1] is -0.5" in refusal(kl.mutual_information, [[1, 0], [0.5, -0.5]])
    close(kl.total_variation([1, 3], [3, 1], normalize=True), 0.5)


def test_report_20_the_unit_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rows, columns = [0, 0, 1], [0, 1, 1]
    nats = kl.mutual_information([[1, 1], [0, 1]], normalize=True)
    close(metrics.mutual_info_score(rows, columns), nats)
    assert "sklearn.metrics.mutual_info_score" in kl.mutual_information.__doc__


def test_report_21_the_bound_of_the_js_distance():
    close(math.sqrt(kl.js_divergence([1, 0], [0, 1])), 0.8325546, 1e-7)
    close(math.sqrt(kl.js_divergence([1, 0], [0, 1], base=2)), 1)


def test_report_22_a_thousand_draws_against_ten():
    rng = np.random.default_rng(0)
    edges = np.linspace(-3, 3, 11)
    p, q = (np.histogram(rng.normal(size=n), edges)[0] for n in (1000, 10))
    assert (q == 0).any()
    found = kl.kl_from_counts(p, q)
    assert found.value == INF
    assert "counts_q[" in found.warnings[0]
    report = diagnose(p, q, normalize=True)
    expected = float(truth.kl(p + 0.5, q + 0.5))
    close(followed(report, "smooth", p, q), expected)
    close(kl.kl_from_counts(p, q, smoothing=0.5).value, expected)
    assert "kl_from_counts" in remedy(report, "smooth").message
    reverse = kl.kl_from_counts(q, p)
    assert reverse.bias > 0.1
    assert reverse.standard_error > 0
    close(followed(diagnose(q, p, normalize=True), "counts", q, p), float(truth.kl(q, p)))


def psi(p: Any, q: Any) -> float:
    """The population stability index, as it is defined."""
    return math.fsum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))


def test_report_23_the_population_stability_index():
    p, q = [0.1, 0.2, 0.3, 0.25, 0.15], [0.15, 0.25, 0.25, 0.15, 0.2]
    close(kl.kl_divergence(p, q) + kl.kl_divergence(q, p), psi(p, q))
    report = diagnose([10, 20, 0], [5, 0, 25], normalize=True)
    assert [m.places for m in report.mismatches] == [((1,),), ((2,),)]
    low, high = (kl.kl_from_counts([10, 20, 3], [5, 0, 25], smoothing=s).value for s in (0.25, 0.5))
    close([low, high], [float(truth.kl(np.add([10, 20, 3], s), np.add([5, 0, 25], s)))
                        for s in (0.25, 0.5)])  # fmt: skip


def test_report_24_covariances_that_are_none():
    p, q = [1e-12, 1e-13], [1e-10, 1.0]
    expected = mpmath.fsum(
        (mpmath.mpf(a) / b - 1 - mpmath.log(mpmath.mpf(a) / b)) / 2
        for a, b in zip(p, q, strict=True)
    )
    close(kl.kl_mvn([0, 0], np.diag(p), [0, 0], np.diag(q)), float(expected), 1e-14)
    eye = np.eye(2)
    for bad in ([[1, 2], [2, 1]], np.ones((2, 2)), np.zeros((2, 2)), np.outer([1, 3], [1, 3])):
        message = refusal(kl.kl_mvn, [0, 0], bad, [0, 0], eye)
        assert "_matrix_p is singular or not positive definite (smallest eigenvalue" in message


def test_report_24_variances_in_place_of_covariances():
    variances = np.arange(1.0, 13).reshape(4, 3)
    expected = [
        float(sum((mpmath.mpf(v) - 1 - mpmath.log(v)) / 2 for v in map(float, row)))
        for row in variances
    ]
    for cov_p, wanted in ((variances, expected), (variances[0], expected[0])):
        message = refusal(kl.kl_mvn, np.zeros(3), cov_p, np.zeros(3), np.eye(3))
        assert "for variances alone pass " in message
        code = message.split("for variances alone pass ")[1]
        square = eval(code, {"np": np, "covariance_matrix_p": cov_p})
        close(kl.kl_mvn(np.zeros(3), square, np.zeros(3), np.eye(3)), wanted)


MU, LOG_VARIANCE = [0.1, -0.4, 1.5], [-0.3, 1.1, -2.0]
VAE = [0.5 * (math.exp(v) + m * m - 1 - v) for m, v in zip(MU, LOG_VARIANCE, strict=True)]


def test_report_25_the_kl_of_a_variational_autoencoder():
    sigma = np.exp(np.multiply(0.5, LOG_VARIANCE))
    close(kl.kl_normal(MU, sigma, 0, 1), VAE)
    close(kl.kl_mvn(MU, np.diag(sigma**2), np.zeros(3), np.eye(3)), sum(VAE))
    message = refusal(kl.kl_normal, MU, LOG_VARIANCE, 0, 1)
    assert "scale_p[0] is -0.3; a standard deviation is above 0" in message
    assert "not its logarithm" in message


def test_report_25_with_tensors_of_torch():
    torch = pytest.importorskip("torch")
    mu = torch.tensor(MU, requires_grad=True)
    sigma = torch.exp(0.5 * torch.tensor(LOG_VARIANCE, requires_grad=True))
    close(kl.kl_normal(mu, sigma, 0, 1), VAE, 1e-5)
    close(kl.kl_normal(mu.bfloat16(), sigma.bfloat16(), 0, 1), VAE, 0.1)
    close(kl.kl_mvn(mu, torch.diag(sigma**2), np.zeros(3), np.eye(3)), sum(VAE), 1e-5)
    assert kl.kl_bernoulli(torch.tensor(0.25, requires_grad=True), 0.25) == 0


def test_report_25_with_arrays_of_mxnet():
    mx = mxnet()
    sigma = mx.nd.array(np.exp(np.multiply(0.5, LOG_VARIANCE)), dtype="float64")
    close(kl.kl_normal(mx.nd.array(MU, dtype="float64"), sigma, 0, 1), VAE)
    assert "\n" not in refusal(kl.kl_normal, 0, mx.nd.array([-1, 1]), 0, 1)


def test_report_26_js_of_logits_that_underflow():
    a, b = [150.0, -50.0, 147.0], [150.0, -53.0, 147.0]
    js = float(truth.js(*(softmax(x)[0] for x in (a, b))))
    assert 0 < js < 1e-80
    close(kl.js_divergence(kl.softmax(a), kl.softmax(b)), js)
    single = np.float32(special.softmax(np.float32(a))), np.float32(special.softmax(np.float32(b)))
    assert kl.js_divergence(*single) == 0
    # Functions that take probabilities say how to make them, not to compute something else.
    for call in (kl.js_divergence, kl.total_variation, kl.cross_entropy):
        message = refusal(call, a, b)
        assert "kl_from_logits" not in message
        assert "kl_lib.softmax(p)" in message
        shifted = refusal(call, np.subtract(a, 160), b)  # no logarithms of probabilities
        assert "np.exp(p) does not sum to 1, so pass kl_lib.softmax(p)" in shifted
    close(kl.softmax(a), [float(x) for x in softmax(a)[0]])


def test_report_27_a_negative_js_in_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    rng = np.random.default_rng(0)
    p = special.softmax(rng.normal(size=(50, 100)), axis=-1)
    q = special.softmax(np.log(p) + 0.01 * rng.normal(size=p.shape), axis=-1)
    found = kl.js_divergence(p.astype(ml_dtypes.bfloat16), q.astype(np.float32))
    assert found.min() >= 0
    exact = [float(truth.js(a.astype(ml_dtypes.bfloat16).astype(float), b.astype(np.float32)))
             for a, b in zip(p[:3], q[:3], strict=True)]  # fmt: skip
    close(found[:3], exact, 1e-4)


def test_report_28_k3_overflows():
    x = np.arange(64) % 8
    found = kl.kl_monte_carlo(
        lambda x: np.full(len(x), -math.log(8)), lambda x: np.where(x == 0, 800.0, -3), x,
        estimator="k3",
    )  # fmt: skip
    assert found.value == INF
    assert "the mean of q/p over the samples is inf but can be at most 1" in found.warnings[0]


@pytest.mark.parametrize("estimator", ["k1", "k3"])
@pytest.mark.parametrize("drawn", ["q", "top 3", "temperature 0.3"])
def test_report_29_samples_of_something_else_than_p(drawn, estimator):
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=50)
    p, q = special.softmax(logits), special.softmax(logits + rng.normal(size=50))
    top = np.where(p >= np.sort(p)[-3], p, 0)
    other = {"q": q, "top 3": top / top.sum(), "temperature 0.3": special.softmax(logits / 0.3)}
    x = rng.choice(50, 4000, p=other[drawn])
    found = kl.kl_monte_carlo(lambda i: np.log(p)[i], lambda i: np.log(q)[i], x,
                              estimator=estimator)  # fmt: skip
    text = " ".join(found.warnings)
    assert "samples" in text
    assert "use k1" not in text
    # And samples of p are not complained about.
    right = kl.kl_monte_carlo(
        lambda i: np.log(p)[i], lambda i: np.log(q)[i], rng.choice(50, 4000, p=p)
    )
    assert abs(right.value - float(truth.kl(p, q))) < 4 * right.standard_error
    assert right.warnings == ()


def test_report_30_a_mean_for_a_sum_in_distillation():
    rng = np.random.default_rng(0)
    temperature = 4.0
    teacher, student = rng.normal(size=(4, 17)) * 3, rng.normal(size=(4, 17)) * 3
    exact = [float(truth.kl_logits(a / temperature, b / temperature)) * temperature**2
             for a, b in zip(teacher, student, strict=True)]  # fmt: skip
    close(kl.kl_from_logits(teacher / temperature, student / temperature) * temperature**2, exact)
    p, q = (special.softmax(x / temperature, axis=-1) for x in (teacher, student))
    mean = (p * np.log(p / q)).mean(1) * temperature**2  # what was computed there
    close(17 * mean, exact, 1e-10)


def test_report_30_in_keras():
    pytest.importorskip("keras")
    from kl_lib.losses.keras import kl_loss

    logits, student = np.array([[2.0, 0.5, -1.0]]), np.array([[0.0, 1.0, -2.0]])
    soft = np.array([[float(x) for x in softmax(logits / 2)[0]]])
    close(kl_loss(soft, student / 2) * 4, [4 * float(truth.kl_logits(logits[0] / 2,
                                                                     student[0] / 2))])  # fmt: skip


def test_report_31_batchmean_over_sequences():
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(7), (2, 5)), rng.dirichlet(np.ones(7), (2, 5))
    report = diagnose(p, q, "torch")
    exact = rows_kl(p.reshape(-1, 7), q.reshape(-1, 7))
    call = "F.kl_div(log q, p, reduction='batchmean')"
    close(values(report, call), [sum(exact) / 2], 1e-5)
    assert "2" in reasons(report, call)["batchmean"]
    close(kl.kl_divergence(p, q).mean(), sum(exact) / 10)


def test_report_32_label_smoothing_and_a_row_of_padding():
    pytest.importorskip("keras")
    from kl_lib.losses.keras import kl_loss

    p = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0, 0, 0]])
    logits = np.log([[0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    assert "row 2 of p sums to 0" in refusal(kl.kl_divergence, p, kl.softmax(logits))
    report = diagnose(p, np.exp(logits), "numpy")
    call = "np.sum(p * np.log(p / q), axis=-1)"
    assert "nan for p = 0" in reasons(report, call)
    exact = rows_kl(p[:2], np.exp(logits[:2]))
    loss = kl_loss(p, logits, weights=np.array([1.0, 1.0, 0.0]), reduction="mean_over_weights")
    close(loss, sum(exact) / 2)
    with pytest.raises(ValueError, match="mean_over_samples"):
        kl_loss(p, logits, reduction="batchmean")


def test_report_33_zero_times_the_logarithm_of_zero():
    close(kl.kl_divergence([1, 0], [2 / 3, 1 / 3], base=2), 0.5849625, 1e-7)
    p, q = [0.0, 0.36, 0.48, 0.16], [0.0, 1 / 3, 1 / 3, 1 / 3]
    close(kl.kl_divergence(p, q), float(truth.kl(p, q)))


def test_report_34_nothing_and_the_largest_logits():
    assert kl.kl_divergence(np.empty((0, 3)), np.empty((0, 3))).shape == (0,)
    logits = [-2.3e307, 6.7e307]
    close(kl.kl_from_logits([0, 0], logits), (6.7e307 + 2.3e307) / 2 - LN2)
    close(kl.kl_from_logits([0, 0], logits), 4.5e307, 1e-9)


def test_report_34_a_mean_of_nothing_in_torch():
    pytest.importorskip("torch")
    report = diagnose(np.empty((0, 3)), np.empty((0, 3)), "torch")
    for answer in report.answers:
        if any(map(math.isnan, answer.values)):
            assert answer.reasons
            assert "unexplained" not in {reason.kind for reason in answer.reasons}


def test_report_35_ones_in_four_dimensions():
    ones = np.ones((1, 3, 8, 8))
    report = diagnose(ones, ones)
    assert "p[0, 0, 0, :] sums to 8" in report.problems[0].message
    assert "axis" not in kinds(report)  # axis 0 holds one category each
    assert "bernoulli" not in kinds(report)
    assert not np.any(followed(report, "normalize", ones, ones))


def test_report_35_categorical_of_torch_divides():
    pytest.importorskip("torch")
    report = diagnose(np.ones((1, 3, 8, 8)), np.ones((1, 3, 8, 8)), "torch")
    call = "td.kl_divergence(td.Categorical(probs=p), td.Categorical(probs=q))"
    assert set(values(report, call)) == {0}
    assert "sum" not in reasons(report, call)
    close(values(report, "F.kl_div(p, q)"), [-1])


@pytest.mark.parametrize("bits", first_of([8, 11]))
def test_report_36_half_precision_over_a_vocabulary(bits):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    half = {8: ml_dtypes.bfloat16, 11: np.float16}[bits]
    rng = np.random.default_rng(0)
    a = (2 * rng.normal(size=50257)).astype(half)
    b = (a.astype(float) + 0.1 * rng.normal(size=a.size)).astype(half)
    exact = float(truth.kl_logits(a.astype(float), b.astype(float)))
    close(kl.kl_from_logits(a, b), exact, 1e-5)
    p, q = (special.softmax(x.astype(float)[:500]).astype(half) for x in (a, b))
    report = diagnose(p, q)
    close(report.measures[0].nats, float(truth.kl(p.astype(float), q.astype(float))), 1e-4)
    [precision] = [note.message for note in report.notes if note.kind == "precision"]
    assert f"keeps {bits} bits" in precision


def test_report_37_histograms_of_two_variables():
    rng = np.random.default_rng(0)
    edges = np.linspace(-2, 2, 6)
    x, y = rng.normal(size=(2, 8000, 2)).clip(-1.99, 1.99)
    a, b = (np.histogram2d(*z.T, bins=[edges, edges])[0] for z in (x, y * 0.8))
    expected = float(truth.kl(a.ravel(), b.ravel()))
    close(followed(diagnose(a, b), "table", a, b), expected)
    p, q = a / a.sum(), b / b.sum()
    report = diagnose(p, q)
    assert "the whole table sums to 1" in report.problems[0].message
    close(followed(report, "table", p, q), expected)
    close(kl.kl_divergence(np.ravel(p), np.ravel(q)), expected)  # as the message says


@pytest.mark.parametrize("mean", [0, 5])
def test_report_38_points_in_place_of_distributions(mean):
    rng = np.random.default_rng(0)
    p, q = rng.normal(mean, 1, 200), rng.normal(mean + 0.5, 1, 200)
    report = diagnose(list(p), list(q))
    assert "points drawn from p and q" in remedy(report, "points").message
    value = followed(report, "points", p, q)
    assert value == pytest.approx(0.125, abs=4 * kl.kl_knn(p, q).standard_error)
    assert "counts" not in kinds(report)


def test_report_39_densities_on_a_grid():
    x = np.linspace(-6, 6, 241)
    p, q = stats.norm.pdf(x), stats.norm.pdf(x, 0.5, 1.2)
    exact = math.log(1.2) + (1 + 0.25) / (2 * 1.44) - 0.5
    report = diagnose(p, q)
    assert "densities on bins of equal width" in remedy(report, "normalize").message
    assert "weights" in report.problems[0].message
    close(followed(report, "normalize", p, q), exact, 1e-4)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=2000), rng.normal(0.5, 1.2, 2000)
    found = kl.kl_knn(a, b)
    assert found.value == pytest.approx(exact, abs=4 * found.standard_error)


def test_report_40_ties_among_points():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 4, 200).astype(float), rng.normal(size=200)
    message = refusal(kl.kl_knn, x, y)
    assert "kl_from_counts" in message
    x = rng.normal(size=200)
    assert "points of y too" in " ".join(kl.kl_knn(x, np.r_[x, y]).warnings)


def test_report_41_an_estimate_below_zero():
    rng = np.random.default_rng(1)
    found = [kl.kl_knn(*rng.normal(size=(2, 300))) for _ in range(40)]
    below = sum(x.value < 0 for x in found)
    assert 5 < below < 35
    assert np.mean([x.value for x in found]) == pytest.approx(0, abs=0.05)
    assert "negative" in kl.kl_knn.__doc__


def test_report_42_value_counts_of_two_columns():
    pandas = pytest.importorskip("pandas")
    p = pandas.Series([5, 5], index=list("ab"))
    q = pandas.Series([2, 2, 4], index=list("abc"))
    for function, expected in ((kl.kl_divergence, LN2), (kl.js_divergence, 0.2157615543388357)):
        message = refusal(function, p, q, normalize=True)
        assert "p, q = kl_lib.align(p, q)" in message
        assert "reindex" not in message
        close(function(*kl.align(p, q), normalize=True), expected)  # as it says
    close(expected, float(truth.js([1, 1, 0], [1, 1, 2])))
    close(kl.kl_from_counts(*kl.align(p, q)).value, LN2)
    for options in ({}, {"normalize": True}):
        report = diagnose(p, q, **options)
        close(followed(report, "align", p, q), LN2)
        assert kinds(report) == {"align"}
    shares = p / p.sum(), q / q.sum()
    close(followed(diagnose(*shares), "align", *shares), LN2)
    frames = p.to_frame().T, q.to_frame().T
    close(followed(diagnose(*frames, normalize=True), "align", *frames), [LN2])
    # What q lacks makes KL infinite, and that is the truth: the remedies are other ones.
    q = pandas.Series([2, 6], index=list("ac"))
    report = diagnose(p, q, normalize=True)
    assert kinds(report) >= {"smooth", "js"}
    assert "align" not in kinds(report)
    close(followed(report, "smooth", p, q), float(truth.kl([5.5, 5.5, 0.5], [2.5, 0.5, 6.5])))
    close(followed(report, "js", p, q), float(truth.js([5, 5, 0], [2, 0, 6])))


def test_report_42_dicts_in_another_order():
    p, q = {"cat": 0.6, "dog": 0.4}, {"dog": 0.4, "cat": 0.6}
    assert kl.kl_divergence(p, q) == 0
    assert diagnose(p, q).measures[0].nats == 0
    p, q = {"cat": 5, "dog": 5}, {"dog": 2, "cow": 4, "cat": 2}
    close(followed(diagnose(p, q, normalize=True), "align", p, q), LN2)


def test_report_43_weights_that_are_not_normalised():
    p, q = [100.5, 120.25, 74.25], [30.0, 50.5, 19.5]
    report = diagnose(p, q)
    assert "p sums to 295" in report.problems[0].message
    close(followed(report, "normalize", p, q), float(truth.kl(p, q)))


def test_report_44_js_of_vectors_that_are_not_normalised():
    assert "p sums to 0.3" in refusal(kl.js_divergence, [0.1, 0.2], [0.3, 0.4])
    close(kl.js_divergence([0.1, 0.2], [0.3, 0.4], normalize=True),
          float(truth.js([1, 2], [3, 4])))  # fmt: skip


def test_report_45_a_density_against_a_histogram_with_empty_bins():
    p, q = [0.3, 1.7, 2.2, 1.4, 0.2], [0.0, 2.0, 2.5, 1.5, 0.0]
    report = diagnose(p, q)
    assert "normalize" not in kinds(report)
    assert "KL(p‖q) is infinite" in remedy(report, "js").message
    close(followed(report, "js", p, q), float(truth.js(p, q)))
    close(kl.kl_divergence(q, p, normalize=True), float(truth.kl(q, p)))
    # Of a call that divides by the sums, nothing else is claimed.
    found = reasons(diagnose([2, 2], [4, 0], "scipy"), "scipy.stats.entropy(p, q)")
    assert "takes the sums as they are" not in " ".join(found.values())
    assert "sum" not in found


def test_report_46_class_numbers_as_the_target():
    rng = np.random.default_rng(0)
    q, labels = rng.dirichlet(np.ones(31), 64), rng.integers(0, 31, 64)
    logits = rng.normal(size=(64, 31))
    by_hand = [-math.log(row[i]) for row, i in zip(q, labels, strict=True)]
    of_logits = [-row[i] for row, i in zip(log_softmax(logits), labels, strict=True)]
    for p in (labels, labels[:, None], labels[:, None].astype(np.uint8), labels.astype(float)):
        close(followed(diagnose(p, q), "labels", p, q), by_hand)
        for second, expected in ((logits, of_logits), (np.log(q), by_hand)):
            report = diagnose(p, second)
            close(followed(report, "labels", p, second), expected)
            assert "if q holds logits" in remedy(report, "labels").message
    for p in ([[1]], [[1.0]], np.array([[1]], np.uint8)):
        message = refusal(kl.kl_divergence, p, [[0.2, 0.5, 0.3]])
        code = message.split("give both the same categories, ")[1].split(" where p holds class")[0]
        as_it_says = eval(code, {"np": np, "p": p})
        close(kl.kl_divergence(as_it_says, [[0.2, 0.5, 0.3]]), [LN2])


def test_report_46_class_numbers_in_keras():
    pytest.importorskip("keras")
    from kl_lib.losses.keras import kl_loss

    logits = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    message = refusal(kl_loss, [[1], [2]], logits)
    code = message.split("give both the same categories, ")[1].split(" where p holds class")[0]
    as_it_says = eval(code, {"np": np, "p": [[1], [2]]})
    close(kl_loss(as_it_says.astype(float), logits), -np.diag(log_softmax(logits)[:, 1:]), 1e-6)


def test_report_47_mutual_information_of_independent_samples():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 300, (2, 3000))

    def table(y: Any) -> Any:
        return np.histogram2d(x, y, bins=300, range=[[0, 300]] * 2)[0]

    found = kl.mutual_information(table(y), normalize=True)
    assert found > 2  # though the two have nothing to do with each other
    # What shows it: as much is left when one of the two is shuffled.
    shuffled = [kl.mutual_information(table(rng.permutation(y)), normalize=True) for _ in range(5)]
    assert found == pytest.approx(np.mean(shuffled), rel=0.02)


def test_report_48_mutual_information_with_an_empty_cell():
    joint = [[0.3, 0.0, 0.1], [0.1, 0.4, 0.1]]
    product = np.outer(np.sum(joint, 1), np.sum(joint, 0))
    expected = float(truth.kl(np.ravel(joint), product.ravel()) / mpmath.log(2))
    close(kl.mutual_information(joint, base=2), expected, 1e-13)
    # Where a product of marginals underflows, the quotient need not be infinite.
    close(kl.mutual_information([[1, 0], [0, 1e-200]]), 1e-200 * (200 * math.log(10) + 1), 1e-2)
    close(kl.mutual_information([[1, 0], [0, 1e-200]]),
          float(-mpmath.mpf(1e-200) * mpmath.log(mpmath.mpf(1e-200)) + mpmath.mpf(1e-200)),
          1e-10)  # fmt: skip


def test_report_49_zero_targets_and_masked_logits_have_gradients():
    tf = pytest.importorskip("tensorflow")
    from kl_lib.losses.keras import kl_loss

    p = tf.constant([[0.0, 0.7, 0.3], [0.5, 0.5, 0.0]], tf.float64)
    logits = tf.constant([[1.0, 2.0, 0.5], [0.3, 0.1, -INF]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([p, logits])
        loss = kl_loss(p, logits)
        total = tf.reduce_sum(loss)
    q = [softmax([1.0, 2.0, 0.5])[0], [*softmax([0.3, 0.1])[0], mpmath.mpf(0)]]
    close(loss, [float(truth.kl(a, b)) for a, b in zip(p.numpy(), q, strict=True)], 1e-10)
    by_p, by_logits = (x.numpy() for x in tape.gradient(total, [p, logits]))
    assert np.isfinite(by_p).all()
    close(by_logits, np.array(q, dtype=float) - p.numpy(), 1e-10)


def test_report_50_which_argument_is_the_target():
    pytest.importorskip("keras")
    from kl_lib.losses.keras import kl_loss

    target, log_q = np.array([[0.2, 0.5, 0.3]]), np.log([[0.1, 0.1, 0.8]])
    assert "p looks like logarithms" in refusal(kl_loss, log_q, target, validate=True)
    close(kl_loss(target, log_q), rows_kl(target, np.exp(log_q)), 1e-6)
    report = diagnose(log_q, target)
    assert [(x.argument, x.kind) for x in report.problems] == [("p", "logarithms")]
    one_hot = diagnose([0.7, 0.2, 0.1], [1, 0, 0])
    assert "labels are the reference" in remedy(one_hot, "swap").message


def test_report_51_k1_is_below_zero_now_and_then():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=10)
    p, q = special.softmax(logits), special.softmax(logits + 0.5 * rng.normal(size=10))
    found = [
        kl.kl_monte_carlo(lambda i: np.log(p)[i], lambda i: np.log(q)[i], rng.choice(10, 64, p=p))
        for _ in range(200)
    ]
    exact = float(truth.kl(p, q))
    covered = [abs(x.value - exact) < 2 * x.standard_error for x in found]
    assert np.mean(covered) > 0.9
    assert min(x.value for x in found) < 0 or exact > 0.1
    assert "Single terms can be negative" in kl.kl_monte_carlo.__doc__
