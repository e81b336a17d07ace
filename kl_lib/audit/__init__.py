"""Find mistakes around the KL divergence in source code: ``kl-lib audit``.

Files are read, never imported or run. Reading needs libcst (``pip install "kl-lib[audit]"``), which
is imported when the first file is read.
"""

from __future__ import annotations

from . import rules as _rules  # noqa: F401 - registers them
from .evaluation import Score, scores
from .findings import RULES, Finding, Rule
from .running import AuditError, Result, Unreadable, audit, audit_source

__all__ = [
    "RULES",
    "AuditError",
    "Finding",
    "Result",
    "Rule",
    "Score",
    "Unreadable",
    "audit",
    "audit_source",
    "scores",
]
