"""The lines that the chapter on trust regions tells a reader to write, run as they stand there."""

import re
from pathlib import Path

import numpy as np
import pytest

import kl_lib as kl

CHAPTER = Path(__file__).parents[2] / "notebooks" / "16_trust_region.md"
SECTION = re.search(r"^## In your code$(.*?)^## ", CHAPTER.read_text("utf-8"), re.M | re.S)[1]

#: Answers in exactly the shares that the policy gives them, so that a mean over them is an
#: expectation; their rewards; and logits of the reference.
ANSWERS, REWARD, RHO = [0] * 5 + [1] * 3 + [2] * 2, [1.0, -0.5, 0.25], [0.2, 0.7, -0.4]


def tab(name):
    return re.search(rf"\{{tab-item\}} {name}\n```python\n(.*?)```", SECTION, re.S)[1]


def objective(torch, logits, beta):
    """The mean reward less β·KL(π‖ρ), summed over all answers, to be differentiated."""
    log_pi = logits.log_softmax(-1)
    log_rho = torch.tensor(RHO, dtype=torch.float64).log_softmax(-1)
    reward = torch.tensor(REWARD, dtype=torch.float64)
    return (log_pi.exp() * (reward - beta * (log_pi - log_rho))).sum()


def names_for(torch, logits, beta=0.3):
    drawn = torch.tensor(ANSWERS)
    log_rho = torch.tensor(RHO, dtype=torch.float64).log_softmax(-1)
    return {
        "logp": logits.log_softmax(-1)[drawn],
        "logp_ref": log_rho[drawn],
        "reward": torch.tensor(REWARD, dtype=torch.float64)[drawn],
        "beta": beta,
    }


def fresh_logits(torch):
    return torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log().requires_grad_()


@pytest.mark.parametrize("penalty", ["k1 as reward", "k2 as loss"])
def test_the_lines_for_pytorch_have_the_gradient_of_the_goal(penalty):
    torch = pytest.importorskip("torch")
    logits = fresh_logits(torch)
    names = names_for(torch, logits)
    exec(tab(f"PyTorch, {penalty}"), names)
    (found,) = torch.autograd.grad(names["loss"], logits)
    logits = fresh_logits(torch)
    (wanted,) = torch.autograd.grad(-objective(torch, logits, 0.3), logits)
    assert float(wanted.abs().max()) > 0.1
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    if penalty == "k1 as reward":
        assert float(names["own"]) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("estimator", ["k1", "k3"])
def test_other_penalties_as_loss_have_the_gradients_of_the_theorem(estimator):
    torch = pytest.importorskip("torch")
    logits = fresh_logits(torch)
    names = names_for(torch, logits)
    d = names["logp"] - names["logp_ref"]
    penalty = d.mean() if estimator == "k1" else ((-d).exp() - 1 + d).mean()
    (found,) = torch.autograd.grad(penalty, logits)
    logits = fresh_logits(torch)
    log_rho = torch.tensor(RHO, dtype=torch.float64).log_softmax(-1)
    forward = (log_rho.exp() * (log_rho - logits.log_softmax(-1))).sum()
    (wanted,) = torch.autograd.grad(forward, logits)
    torch.testing.assert_close(found, wanted * (estimator == "k3"), rtol=1e-12, atol=1e-12)


def test_the_lines_for_tfp_measure_the_step():
    tf = pytest.importorskip("tensorflow")
    tfp = pytest.importorskip("tensorflow_probability")
    z_old = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    for size, accepted in ((0.05, True), (1.0, False)):
        change = size * np.random.default_rng(1).normal(size=(6, 4)).astype("float32")
        names = {"tf": tf, "tfp": tfp, "z_old": z_old, "z_new": z_old + change}
        exec(tab("TFP, a ball"), names)
        exact = kl.kl_from_logits(z_old, z_old + change).mean()
        assert float(names["moved"]) == pytest.approx(float(exact), rel=1e-3)
        assert bool(names["accept"]) is accepted
