"""``--fix`` and ``--diff``: what is changed, and that the number is then right."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from calling import invoke

from kl_lib.audit import RULES, audit

FIXABLE = sorted(code for code, rule in RULES.items() if rule.fixable)
IMPORT = "import torch.nn.functional as F\nfrom torch import nn\n"


def mended(text: str, *args: str, code: str = "ALL") -> str:
    Path("a.py").write_text(text, "utf-8")
    invoke("audit", "a.py", "--fix", "--select", code, *args)
    return Path("a.py").read_text("utf-8")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("code", FIXABLE)
def test_after_the_fix_the_rule_is_silent(code):
    text = mended(RULES[code].wrong, code=code)
    assert text != RULES[code].wrong
    compile(text, "a.py", "exec")
    assert list(audit("a.py", select=[code])) == []
    assert mended(text, code=code) == text  # once is enough


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("F.kl_div(q, p, size_average=False)", 'F.kl_div(q, p, reduction="sum")'),
        ("F.kl_div(q, p, reduce=False)", 'F.kl_div(q, p, reduction="none")'),
        ("F.kl_div(q, p, False, True)", 'F.kl_div(q, p, reduction="sum")'),
        ("F.kl_div(q, p, True)", 'F.kl_div(q, p, reduction="mean")'),
        (
            "F.kl_div(q, p, size_average=None, reduce=True, log_target=True)",
            'F.kl_div(q, p, log_target=True, reduction="mean")',
        ),
        ("nn.KLDivLoss(size_average=False)", 'nn.KLDivLoss(reduction="sum")'),
        ("nn.KLDivLoss(False)", 'nn.KLDivLoss(reduction="sum")'),
        ('nn.KLDivLoss("batchmean")', 'nn.KLDivLoss(reduction="batchmean")'),
        (
            "F.kl_div(F.log_softmax(q, 1), F.log_softmax(p, 1), reduction='sum')",
            "F.kl_div(F.log_softmax(q, 1), F.log_softmax(p, 1), reduction='sum', log_target=True)",
        ),
        (
            "F.kl_div(F.log_softmax(q, 1), p.log(), log_target=False, reduction='sum')",
            "F.kl_div(F.log_softmax(q, 1), p.log(), log_target=True, reduction='sum')",
        ),
        (
            "F.kl_div(F.log_softmax(q, 1), p.softmax(1), log_target=True, reduction='sum')",
            "F.kl_div(F.log_softmax(q, 1), p.softmax(1), reduction='sum')",
        ),
    ],
)
def test_a_call_is_rewritten(before, after):
    assert mended(f"{IMPORT}{before}\n") == f"{IMPORT}{after}\n"


def test_comments_and_lines_stay_as_they_are():
    text = IMPORT + "kl = F.kl_div(\n    q,  # log q\n    p,  # p\n    size_average=False,\n)\n"
    assert mended(text) == text.replace("size_average=False", 'reduction="sum"')


def test_line_ends_encoding_and_permissions_are_kept():
    text = "# coding: latin-1\r\n# \xe4\r\n" + IMPORT.replace("\n", "\r\n")
    raw = (text + "F.kl_div(q, p, size_average=False)\r\n").encode("latin-1")
    Path("a.py").write_bytes(raw)
    os.chmod("a.py", 0o754)
    invoke("audit", "a.py", "--fix", "--select", "KLD151")
    assert Path("a.py").read_bytes() == raw.replace(b"size_average=False", b'reduction="sum"')
    assert stat.S_IMODE(os.stat("a.py").st_mode) == 0o754
    assert os.listdir() == ["a.py"]


def test_diff_shows_the_change_and_makes_none():
    text = RULES["KLD152"].wrong
    Path("a.py").write_text(text, "utf-8")
    result = invoke("audit", "a.py", "--diff")
    assert '-    return F.kl_div(log_q, p, "batchmean")\n' in result.stdout
    assert '+    return F.kl_div(log_q, p, reduction="batchmean")\n' in result.stdout
    assert result.exit_code == 1
    assert Path("a.py").read_text("utf-8") == text


def test_fix_shows_the_difference_first_and_ends_clean():
    Path("a.py").write_text(RULES["KLD152"].wrong, "utf-8")
    result = invoke("audit", "a.py", "--fix")
    assert result.stdout.startswith("--- a.py\n+++ a.py\n")
    assert "1 place mended" in result.stderr
    assert result.exit_code == 0


def test_a_loss_that_is_also_given_probabilities_is_left_alone():
    text = IMPORT + (
        "kl = nn.KLDivLoss(reduction='sum')\n"
        "one = kl(F.log_softmax(a, 1), F.log_softmax(b, 1))\n"
        "other = kl(F.log_softmax(a, 1), F.softmax(b, 1))\n"
    )
    assert mended(text) == text


def test_a_function_that_others_may_call_is_left_alone():
    text = IMPORT + (
        "def kl(q, p):\n    return F.kl_div(q, p, reduction='sum')\n\n"
        "kl(F.log_softmax(a, 1), F.log_softmax(b, 1))\n"
    )
    assert "KLD102" in [one.code for one in (Path("b.py").write_text(text), audit("b.py"))[1]]
    assert mended(text) == text
