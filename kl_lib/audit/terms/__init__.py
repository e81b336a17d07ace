"""What a program computes, as terms: operations, and which values are probabilities.

`term` is one of them and what can be asked of it, `terms` makes them. `simplify` gives what can be
written in several ways one spelling, `kinds` says what a value is, and `cores` which distribution
it holds.
"""

from .term import SOME_AXIS, TRANSPARENT, Kind, Term, contains, flat, is_complement, paths, walk
from .terms import Terms

__all__ = [
    "SOME_AXIS",
    "TRANSPARENT",
    "Kind",
    "Term",
    "Terms",
    "contains",
    "flat",
    "is_complement",
    "paths",
    "walk",
]
