"""Find mistakes around the KL divergence in source code: ``kl-lib audit``.

Files are read, never imported or run. Reading needs libcst (``pip install "kl-lib[audit]"``), which
is imported when the first file is read.
"""

from __future__ import annotations

from .errors import AuditError
from .evaluation import Score, scores
from .findings import Finding, Result, Unreadable
from .rules import RULES, Rule
from .running import audit, audit_source

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
