"""What the audit says of a piece of a program."""

from __future__ import annotations

import textwrap

from kl_lib.audit import Finding, audit_source

HEAD = """
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from scipy import special, stats
from scipy.spatial.distance import jensenshannon
"""


def findings(text: str, **options) -> list[Finding]:
    """Findings in a text below the imports."""
    return audit_source(HEAD + textwrap.dedent(text), **options)


def codes(text: str, **options) -> list[str]:
    """Their codes, each once."""
    return sorted({finding.code for finding in findings(text, **options)})
