"""Where a program computes a KL divergence, and what becomes of it: all that the rules look at.

`facts` has the places and the functions of a file. `by_hand` knows p·log(p/q) written out,
`gaussian` the KL of a VAE, and `usage` follows a value to its end.
"""

from .facts import Facts, Function, Maker, Site

__all__ = ["Facts", "Function", "Maker", "Site"]
