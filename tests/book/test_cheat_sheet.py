"""The cheat sheet: every call on it runs on one batch, and gives what its row says."""

import math
import re

import numpy as np
import pytest
from building import REPOSITORY

import kl_lib as kl

PAGE = (REPOSITORY / "book" / "cheat_sheet.md").read_text("utf-8")
P = np.array([[0.2, 0.5, 0.3], [0.7, 0.2, 0.1]])
Q = np.array([[0.3, 0.4, 0.3], [0.5, 0.25, 0.25]])
TRUTH = np.sum(P * np.log(P / Q), axis=1)


def rows(title):
    """Library, call and remark of each row of the table under a heading."""
    table = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    library, found = "", []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if "`" in line and len(cells) == 3:
            library = cells[0] or library
            found.append((library, cells[1].strip("`"), cells[2]))
    return found


def names(library):
    """What the calls of a library name."""
    if library == "kl_lib":
        return {"kl": kl, "np": np, "p": P, "q": Q, "z": np.log(Q) + 3}
    if library == "SciPy":
        special, stats = map(pytest.importorskip, ("scipy.special", "scipy.stats"))
        return {"rel_entr": special.rel_entr, "entropy": stats.entropy, "p": P, "q": Q}
    if library == "Keras":
        return {"keras": pytest.importorskip("keras"), "p": P, "q": Q}
    if library == "TFP":
        tfd = pytest.importorskip("tensorflow_probability").distributions
        return {"tfd": tfd, "Categorical": tfd.Categorical, "p": P, "q": Q}
    if library == "PyTorch":
        torch = pytest.importorskip("torch")
        p, q = torch.from_numpy(P), torch.from_numpy(Q)
        td = torch.distributions
        return {
            "torch": torch, "F": torch.nn.functional, "td": td, "Categorical": td.Categorical,
            "p": p, "q": q, "z": q.log() + 3, "log_q": q.log(), "log_p": p.log(),
        }  # fmt: skip
    if library == "JAX":
        return {"jax": pytest.importorskip("jax"), "p": P, "q": Q}
    assert library == "MXNet"
    from kl_lib import frameworks

    if not frameworks.mxnet.available():
        pytest.skip("MXNet has no package for this platform")
    mx = frameworks.mxnet.load()
    loss = mx.gluon.loss.KLDivLoss
    return {"KLDivLoss": loss, "z": mx.nd.array(np.log(Q) + 3), "p": mx.nd.array(P)}


def result(library, call):
    found = eval(call, names(library))
    return np.asarray(found.asnumpy() if hasattr(found, "asnumpy") else found, np.float64)


@pytest.mark.parametrize(("library", "call", "beware"), rows("KL of each row, in nats"))
def test_a_call_gives_kl_of_each_row(library, call, beware):
    digits = 1e-4 if library == "MXNet" else 2e-6  # its log_softmax, in float32
    assert result(library, call) == pytest.approx(TRUTH, rel=digits)


@pytest.mark.parametrize(("library", "call", "meaning"), rows("One number for a batch"))
def test_a_call_gives_the_number_that_its_row_says(library, call, meaning):
    by_k = 3 if "divided by K" in meaning else 1
    assert result(library, call) == pytest.approx(TRUTH.mean() / by_k, rel=2e-6)


def test_the_tables_are_read_and_functions_exist():
    assert len(rows("KL of each row, in nats")) == 10
    assert len(rows("One number for a batch")) == 5
    for name in re.findall(r"`kl\.(\w+)", PAGE):
        assert callable(getattr(kl, name))


def test_the_numbers_to_know():
    def on_page(what):
        [line] = [line for line in PAGE.splitlines() if line.startswith(f"| {what}")]
        return [float(cell) for cell in line.split("|")[2:4] if cell.strip()]

    assert on_page("one bit") == [round(math.log(2), 4), 1]
    assert on_page("one nat") == [1, round(1 / math.log(2), 4)]
    most = kl.js_divergence([1, 0], [0, 1])
    assert on_page("the most that Jensen") == [round(most, 4), round(most / math.log(2), 4)]
    both = kl.kl_normal(0, 1, 1, 1), kl.kl_normal(1, 1, 0, 1)
    assert on_page("KL of N(0, 1)") == [both[0], round(both[1] / math.log(2), 4)]
    assert on_page("a sure and wrong") == [round(-log(1e-7), 4) for log in (math.log, math.log2)]
    m, s = 0.3, 0.7
    assert kl.kl_normal(m, s, 0, 1) == pytest.approx((m**2 + s**2 - 1) / 2 - math.log(s))
