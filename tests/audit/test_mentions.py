"""A file is left unread only where its text shows that there is no KL in it."""

from __future__ import annotations

import pytest

from kl_lib.audit import RULES
from kl_lib.audit.files.mentions import mentions_kl

KL = [
    "kl = (p * np.log(p / q)).sum()",
    "kl = (p * (p.log() - q.log())).sum()",
    "kl = p * (torch.log(p) - torch.log(q))",
    "log_p, log_q = F.log_softmax(a, -1), F.log_softmax(b, -1)\nkl = log_p.exp() * (log_p - log_q)",
    "kl = np.multiply(p, np.log(np.divide(p, q)))",
    "ratio = a / b\nterms = a * math.log2(ratio)",
    "psi = (new - old) * np.log(new / old)",
    "from scipy import stats\nkl = stats.entropy(p, q)",
    "model.compile(loss='KLD')",
    "kl = -0.5 * (1 + logvar - mu ** 2 - logvar.exp()).sum()",
    "kl = -0.5 * K.sum(1 + s - K.square(m) - K.exp(s), axis=-1)",
    "kl = 0.5 * (m * m + v.exp() - v - 1.0)",
    "kl = 0.5 * torch.sum(mu.pow(2) + sigma.pow(2) - torch.log(sigma.pow(2)) - 1)",
    "kl = .5 * np.sum(np.exp(s) + np.power(m, 2) - 1. - s)",
]
NONE = [
    "loss = F.cross_entropy(scores, labels)",
    "self.log('loss', 2 * loss / n)",
    "dialog(2 * width / 3)",
    "def f(*args, **kwargs):\n    return g(*args, n - 1, **kwargs) + np.exp(log)",
    "area = 0.1 + x ** 2 + y ** 2 - z",
    "last = items[n - 1] ** 2",
]


@pytest.mark.parametrize("text", KL)
def test_a_text_with_a_kl_is_read(text):
    assert mentions_kl(text.encode())


@pytest.mark.parametrize("text", NONE)
def test_a_text_without_one_is_not(text):
    assert not mentions_kl(text.encode())


@pytest.mark.parametrize("code", sorted(RULES))
def test_what_a_rule_finds_is_read(code):
    assert mentions_kl(RULES[code].wrong.encode())
