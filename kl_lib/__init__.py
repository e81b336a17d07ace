"""Kullback-Leibler divergence: the right number, the reason, and proof.

`p` is the reference, `q` the approximation, `kl_divergence(p, q)` is KL(p‖q), the last axis holds
the categories, and the unit is the nat unless ``base=2`` asks for bits. Input that is not a
distribution raises `DistributionError`; nothing is clipped, normalised or dropped unasked.
"""

from .checks import DistributionError
from .discrete import (
    cross_entropy,
    entropy,
    js_divergence,
    kl_divergence,
    kl_from_logits,
    kl_terms,
    mutual_information,
    total_variation,
)
from .families import kl_mvn, kl_normal

__version__ = "0.1.0"

__all__ = [
    "DistributionError",
    "cross_entropy",
    "entropy",
    "js_divergence",
    "kl_divergence",
    "kl_from_logits",
    "kl_mvn",
    "kl_normal",
    "kl_terms",
    "mutual_information",
    "total_variation",
]
