"""The rules, a module for each group. Importing this package registers them all."""

from . import (  # noqa: F401
    axes,
    deprecated,
    direction,
    hidden,
    histograms,
    keras,
    logs_first,
    mixtures,
    no_distribution,
    reduction,
    vae_loss,
    vae_variance,
    zeros,
)
from .rule import RULES, Edit, Hit, Rule

__all__ = ["RULES", "Edit", "Hit", "Rule"]
