"""A program that was mended gives the KL, computed by PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from kl_lib.audit import RULES
from kl_lib.audit.findings.fixes import mend

P, Q = np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.5, 0.5], [0.6, 0.4]])
KL = np.mean(np.sum(P * np.log(P / Q), axis=1))


def value(program: str | bytes, *given) -> float:
    names: dict = {}
    exec(program, names)
    return float(names["loss"](*given))


@pytest.mark.parametrize("code", ["KLD102", "KLD103", "KLD152"])
def test_the_mended_program_gives_the_kl(code, tmp_path):
    torch = pytest.importorskip("torch")
    wrong = RULES[code].wrong
    (tmp_path / "a.py").write_text(wrong, "utf-8")
    found = mend(str(tmp_path / "a.py"), [code])
    assert found is not None
    log_p, log_q = torch.tensor(np.log(P)), torch.tensor(np.log(Q))
    given = (log_q, torch.tensor(P)) if code == "KLD152" else (log_q, log_p)
    assert value(found.content, *given) == pytest.approx(KL, abs=1e-12)
    assert not np.isclose(value(wrong, *given), KL, rtol=1e-3)


@pytest.mark.parametrize("code", ["KLD101", "KLD104", "KLD106", "KLD111", "KLD113"])
def test_the_wrong_example_does_not_give_the_kl_and_the_right_one_does(code):
    torch = pytest.importorskip("torch")
    log_p, log_q = torch.tensor(np.log(P)), torch.tensor(np.log(Q))
    given = (log_q, torch.tensor(P)) if code == "KLD113" else (log_q, log_p)
    assert value(RULES[code].right, *given) == pytest.approx(KL, abs=1e-12)
    assert not np.isclose(value(RULES[code].wrong, *given), KL, rtol=1e-3)
