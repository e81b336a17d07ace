"""Closed forms of KL between members of one family, one short function for each."""

from .normal import kl_mvn, kl_normal

__all__ = ["kl_mvn", "kl_normal"]
