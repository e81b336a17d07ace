"""Values are followed through the ways in which programs pass them on."""

from __future__ import annotations

import pytest
from auditing import codes, findings

# Each computes softmax(student) somewhere and gives it to kl_div as a logarithm.
PROBABILITIES = {
    "a name": """
        q = F.softmax(s, -1)
        F.kl_div(q, p, reduction="sum")
    """,
    "several names": """
        q, p = F.softmax(s, -1), F.softmax(t, -1)
        F.kl_div(q, p, reduction="sum")
    """,
    "a method": """
        F.kl_div(s.softmax(-1), p, reduction="sum")
    """,
    "an alias of the function": """
        soft = torch.softmax
        kl = F.kl_div
        kl(soft(s, -1), p, reduction="sum")
    """,
    "another name of the module": """
        from torch.nn import functional as fn
        fn.kl_div(fn.softmax(s, -1), p, reduction="sum")
    """,
    "the name of the function": """
        from torch.nn.functional import kl_div, softmax as sm
        kl_div(sm(s, -1), p, reduction="sum")
    """,
    "everything imported": """
        from torch.nn.functional import *
        kl_div(softmax(s, -1), p, reduction="sum")
    """,
    "the whole name": """
        torch.nn.functional.kl_div(torch.nn.functional.softmax(s, -1), p, reduction="sum")
    """,
    "arguments by name": """
        F.kl_div(target=p, input=F.softmax(s, dim=-1), reduction="sum")
    """,
    "functools.partial": """
        from functools import partial
        kl = partial(F.kl_div, reduction="sum")
        kl(F.softmax(s, -1), p)
    """,
    "an attribute": """
        class Loss(nn.Module):
            def __init__(self):
                super().__init__()
                self.softmax = nn.Softmax(dim=-1)
                self.kl = nn.KLDivLoss(reduction="sum")

            def forward(self, s, p):
                q = self.softmax(s)
                return self.kl(q, p)
    """,
    "an attribute of a base class": """
        class Base(nn.Module):
            def __init__(self):
                self.kl = nn.KLDivLoss(reduction="sum")

        class Loss(Base):
            def forward(self, s, p):
                return self.kl(F.softmax(s, -1), p)
    """,
    "the attribute of a class": """
        class Loss:
            kl = nn.KLDivLoss(reduction="sum")

            def __call__(self, s, p):
                return self.kl(F.softmax(s, -1), p)
    """,
    "a sequence of layers": """
        net = nn.Sequential(nn.Linear(3, 4), nn.Softmax(dim=-1))
        F.kl_div(net(x), p, reduction="sum")
    """,
    "a function of the file": """
        def probabilities(scores, T=1.0):
            return F.softmax(scores / T, dim=-1)

        F.kl_div(probabilities(s), p, reduction="sum")
    """,
    "a function defined below": """
        def loss(s, p):
            return F.kl_div(probabilities(s), p, reduction="sum")

        def probabilities(scores):
            return F.softmax(scores, dim=-1)
    """,
    "a method of the class": """
        class Loss:
            def probabilities(self, scores):
                return F.softmax(scores, dim=-1)

            def loss(self, s, p):
                return F.kl_div(self.probabilities(s), p, reduction="sum")
    """,
    "a function that is given them": """
        def kl(q, p):
            return F.kl_div(q, p, reduction="sum")

        kl(F.softmax(s, -1), F.softmax(t, -1))
    """,
    "a lambda": """
        soft = lambda x: F.softmax(x, dim=-1)
        F.kl_div(soft(s), p, reduction="sum")
    """,
    "branches that agree": """
        if T:
            q = F.softmax(s / T, -1)
        else:
            q = F.softmax(s, -1)
        F.kl_div(q, p, reduction="sum")
    """,
    "a choice": """
        q = F.softmax(s / T, -1) if T else s.softmax(-1)
        F.kl_div(q, p, reduction="sum")
    """,
    "a branch that returns": """
        def loss(s, p, on):
            if not on:
                q = s.log_softmax(-1)
                return 0 * q
            else:
                q = s.softmax(-1)
            return F.kl_div(q, p, reduction="sum")
    """,
    "a loop over pairs": """
        for s, t in zip([F.softmax(x, -1) for x in students], teachers):
            loss += F.kl_div(s, t, reduction="sum")
    """,
    "a comprehension": """
        loss = sum(F.kl_div(F.softmax(s, -1), t, reduction="sum") for s, t in zip(a, b))
    """,
    "with": """
        with torch.no_grad():
            q = F.softmax(s, -1)
        F.kl_div(q, p, reduction="sum")
    """,
    "try": """
        try:
            q = F.softmax(s, -1)
        finally:
            done = True
        F.kl_div(q, p, reduction="sum")
    """,
    "what leaves it a probability": """
        q = F.softmax(s, -1).detach().float().clamp(min=1e-8)[mask].to(device) + 1e-9
        F.kl_div(q, p, reduction="sum")
    """,
    "exp of the logarithm": """
        F.kl_div(F.log_softmax(s, -1).exp(), p, reduction="sum")
    """,
    "division by the sum": """
        q = s / s.sum(dim=-1, keepdim=True)
        F.kl_div(q, p, reduction="sum")
    """,
    "a distribution's probabilities": """
        q = torch.distributions.Categorical(logits=s).probs
        F.kl_div(q, p, reduction="sum")
    """,
    "a walrus": """
        F.kl_div((q := F.softmax(s, -1)), p, reduction="sum")
    """,
    "async": """
        async def loss(s, p):
            async with lock:
                return F.kl_div(F.softmax(await s, -1), p, reduction="sum")
    """,
    "a match": """
        match kind:
            case "a":
                q = F.softmax(s, -1)
            case _:
                q = s.softmax(-1)
        F.kl_div(q, p, reduction="sum")
    """,
}
# In each the first argument is a logarithm, or may be one.
LOGARITHMS = {
    "the name given again": """
        q = F.softmax(s, -1)
        q = q.log()
        F.kl_div(q, p, reduction="sum")
    """,
    "in place": """
        q = F.softmax(s, -1)
        q.log_()
        F.kl_div(q, p, reduction="sum")
    """,
    "branches that differ": """
        q = F.softmax(s, -1)
        if log:
            q = q.log()
        F.kl_div(q, p, reduction="sum")
    """,
    "changed in a loop": """
        q = F.softmax(s, -1)
        for _ in range(n):
            F.kl_div(q, p, reduction="sum")
            q = step(q)
    """,
    "a log_softmax of another base class": """
        class Loss(Base):
            def forward(self, s, p):
                return self.kl(self.out(s), p)
    """,
    "softmax of the user": """
        from mine import softmax
        F.kl_div(softmax(s, -1), p, reduction="sum")
    """,
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_probabilities_are_followed(name):
    assert "KLD101" in codes(PROBABILITIES[name])


@pytest.mark.parametrize("name", LOGARITHMS)
def test_what_may_be_a_logarithm_is_not_flagged(name):
    assert "KLD101" not in codes(LOGARITHMS[name])


def test_a_mistake_in_a_function_is_reported_in_it_and_not_where_it_is_called():
    found = findings("""
        def loss(a, b):
            p, q = a / a.sum(1, keepdim=True), b / b.sum(1, keepdim=True)
            return torch.mean(p * torch.log(p / q))

        class Loss:
            def forward(self, a, b):
                return loss(a, b)

            def twice(self, a, b):
                return self.forward(a, b) + loss(b, a)
    """)
    assert [(one.code, one.line) for one in found] == [("KLD113", 11)]


def test_loss_objects_are_reported_where_they_are_made():
    [finding] = findings("""
        class Loss(nn.Module):
            def __init__(self):
                super().__init__()
                self.kl = nn.KLDivLoss()

            def forward(self, s, t):
                return self.kl(F.log_softmax(s, 1), F.softmax(t, 1))
    """)
    assert (finding.code, finding.line, finding.column) == ("KLD111", 12, 19)
